"""`headrace demo`: the whole way on a packaged example, against a hub of its own."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from headrace.cli.apply import bring_up_to_date
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.show.console import JsonOption, console, print_json
from headrace.cli.show.reconciled import show_reconciled
from headrace.fleet.project import load_project
from headrace.fleet.sync import SyncOptions, deliver
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError, HeadraceError
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled
from headrace.testkit.hub import hub_process, make_keys

_LIMIT = "6000"
_MARKER = ".headrace-demo"
_LOG = "requests.jsonl"


class Step(Struct, frozen=True):
    """One sync of the tour; `received` counts the writes that the hub received, by its own log."""

    plan: Plan
    outcome: DeliveryOutcome
    received: int
    proof: Reconciled


def command(
    example: Annotated[str, typer.Option(help="Which packaged example to take.")] = "gnucash",
    folder: Annotated[
        Path, typer.Option(help="Where the demo's data go; emptied first if it is a demo's.")
    ] = Path("headrace-demo"),
    listing: Annotated[bool, typer.Option("--list", help="List the packaged examples.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring a real accounting file into a hub, balance it to the cent, and keep it in step.

    Starts a hub on a free port with a fresh database, plans, applies and reconciles the example,
    changes three records in a copy of its source, syncs again, and once more to show that nothing
    is left to send. Needs no keys, no server and no network; starts over each time.

    Example: headrace demo --example stripe
    """
    examples = _examples()
    if listing:
        print_json(sorted(examples)) if json else print("\n".join(sorted(examples)))
        return
    if example not in examples:
        raise ConfigurationError(
            f"There is no example {example}: there is {', '.join(sorted(examples))}."
        )
    folder = folder.resolve()
    _start_over(folder)
    shutil.copytree(examples[example], folder / "project")
    with hub_process(folder / "hub", _LIMIT, folder / _LOG) as hub:
        pair = make_keys(folder / "hub", "demo")
        tour = _Tour(folder, {"URL": hub.url, "KEY": pair.key, "SECRET": pair.secret}, quiet=json)
        steps = tour.run(example)
    if json:
        print_json({"folder": str(folder), "keys": pair, "steps": steps})
    else:
        _say_where(folder, pair.key, pair.secret)


def _examples() -> dict[str, Path]:
    """The packaged examples by name: beside the package when installed, at the top in a clone."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "examples", package.parents[1] / "examples"):
        if place.is_dir():
            return {path.parent.name: path.parent for path in place.glob("*/headrace.toml")}
    return {}


def _start_over(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise ConfigurationError(
            f"{folder} holds something else than a demo: choose another with --folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()
    (folder / "hub").mkdir()


class _Tour:
    """Three syncs of one project, each proved; `hub` holds what the project's variables say."""

    def __init__(self, folder: Path, hub: dict[str, str], quiet: bool) -> None:
        self._project = load_project(folder / "project")
        self._log = folder / _LOG
        self._environment = {f"HEADRACE_{name}": value for name, value in hub.items()}
        self._quiet = quiet

    def run(self, example: str) -> list[Step]:
        self._title("1", f"The source: a copy of the example {example}, brought into a fresh hub")
        first = self._sync()
        self._title(
            "2", "The source changes: a payment arrives, an e-mail changes, an invoice is credited"
        )
        _change(self._project.folder)
        second = self._sync(changes=10)
        self._title("3", "Once more, with nothing changed")
        third = self._sync()
        if not third.plan.empty or third.received:
            raise HeadraceError("The third sync had something to send: that is a defect.")
        return [first, second, third]

    def _title(self, number: str, title: str) -> None:
        if not self._quiet:
            console.print(f"\n[bold cyan]{number}  {title}[/bold cyan]")

    def _sync(self, changes: int = 0) -> Step:
        before = _writes(self._log)
        name = self._project.only(None)
        with self._project.open(name, SYSTEM_CLOCK, self._environment) as opened:
            run_work(opened.probe())
            options = SyncOptions(command="apply", changes=changes)
            plan, outcome = bring_up_to_date(
                lambda watcher: deliver(opened, options, watcher), self._quiet
            )
            if outcome.interrupted:
                raise typer.Exit(ExitCode.INTERRUPTED)
            received = _writes(self._log) - before
            proof = run_work(opened.remote.reconcile())
        if not self._quiet:
            console.print(f"The hub received {received:,} writes, by its own log.")
            show_reconciled(console, proof)
        if not proof.balanced:
            raise typer.Exit(ExitCode.DIFFERS)
        return Step(plan, outcome, received, proof)


def _change(project: Path) -> None:
    """Does what the example's `changes.sql` or `changes/*.jsonl` say to the copy of its data."""
    script = project / "changes.sql"
    if script.exists():
        target = next(
            path
            for path in sorted((project / "data").iterdir())
            if path.read_bytes()[:15] == b"SQLite format 3"
        )
        connection = sqlite3.connect(target)
        connection.executescript(script.read_text(encoding="utf-8"))
        connection.commit()
        connection.close()
    for changed in sorted((project / "changes").glob("*.jsonl")):
        _merge_lines(project / "data" / changed.name, changed)


def _merge_lines(data: Path, changed: Path) -> None:
    """Objects with a known `id` take the place of the old ones, the others come last."""
    objects = {msgspec.json.decode(line)["id"]: line for line in data.read_bytes().splitlines()}
    for line in changed.read_bytes().splitlines():
        objects[msgspec.json.decode(line)["id"]] = line
    data.write_bytes(b"\n".join(objects.values()) + b"\n")


def _writes(log: Path) -> int:
    """Writes that the hub received, by its own log."""
    if not log.exists():
        return 0
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    return sum(line["method"] != "GET" for line in lines)


def _say_where(folder: Path, key: str, secret: str) -> None:
    in_clone = (folder.parent / "Makefile").exists() and folder.name == "headrace-demo"
    serve = "make serve" if in_clone else f"headrace serve --data '{folder / 'hub'}'"
    console.print("\n[bold cyan]Where to look[/bold cyan]")
    for title, text in (
        ("data", folder),
        ("serve", serve),
        ("API", "http://127.0.0.1:8080/v1 while it is served"),
        (
            "try",
            f"curl -H 'X-Api-Key: {key}' -H 'X-Api-Secret: {secret}' "
            "'http://127.0.0.1:8080/v1/customers?limit=2'",
        ),
    ):
        console.print(f"  {title:<6} {text}", markup=False)
