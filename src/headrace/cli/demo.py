"""`headrace demo`: the whole way on a packaged example, against a hub of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.cli.apply import deliver
from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import console
from headrace.cli.show.reconciled import show_reconciled
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError, HeadraceError
from headrace.sync.organisation import Outcome
from headrace.sync.plan import Plan
from headrace.testkit.hub import hub_process, make_keys

_LIMIT = "6000"
_MARKER = ".headrace-demo"
_LOG = "requests.jsonl"


def command(
    example: Annotated[str, typer.Option(help="Which packaged example to take.")] = "gnucash",
    folder: Annotated[
        Path, typer.Option(help="Where the demo's data go; emptied first if it is a demo's.")
    ] = Path("headrace-demo"),
    listing: Annotated[bool, typer.Option("--list", help="List the packaged examples.")] = False,
) -> None:
    """Bring a real accounting file into a hub, balance it to the cent, and keep it in step.

    Starts a hub on a free port with a fresh database, plans, applies and reconciles the example,
    changes three records in a copy of its source, syncs again, and once more to show that nothing
    is left to send. Needs no keys, no server and no network; starts over each time.

    Example: headrace demo --example stripe
    """
    examples = _examples()
    if listing:
        for name in sorted(examples):
            console.print(name)
        return
    if example not in examples:
        raise ConfigurationError(
            f"There is no example {example}: there is {', '.join(sorted(examples))}."
        )
    folder = folder.resolve()
    _start_over(folder)
    project = folder / "project"
    shutil.copytree(examples[example], project)
    with hub_process(folder / "hub", _LIMIT, folder / _LOG) as hub:
        pair = make_keys(folder / "hub", "demo")
        (folder / "keys.json").write_bytes(msgspec.json.encode(pair))
        with _environment(hub.url, pair.key, pair.secret):
            _tour(load_project(project), example, folder / _LOG)
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


@contextlib.contextmanager
def _environment(url: str, key: str, secret: str) -> Iterator[None]:
    """The variables that the examples' configuration reads."""
    values = {"HEADRACE_URL": url, "HEADRACE_KEY": key, "HEADRACE_SECRET": secret}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _tour(loaded: LoadedProject, example: str, log: Path) -> None:
    _step("1", f"The source: a copy of the example {example}, brought into a fresh hub")
    _sync(loaded)
    _prove(loaded)
    before = _requests(log)
    _step("2", "The source changes: a payment arrives, an e-mail changes, an invoice is credited")
    _change(loaded.folder)
    _sync(loaded, changes=10)
    console.print(f"  the hub received {_requests(log) - before} writes, just those")
    _prove(loaded)
    before = _requests(log)
    _step("3", "Once more, with nothing changed")
    plan, _ = _sync(loaded)
    received = _requests(log) - before
    console.print(f"  the hub received {received} writes")
    if not plan.empty or received:
        raise HeadraceError("The third sync had something to send: that is a defect.")


def _step(number: str, title: str) -> None:
    console.print(f"\n[bold cyan]{number}  {title}[/bold cyan]")


def _sync(loaded: LoadedProject, changes: int = 0) -> tuple[Plan, Outcome]:
    with loaded.open(loaded.only(None), SYSTEM_CLOCK) as opened:
        plan, outcome = deliver(opened, changes=changes)
    if outcome.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    return plan, outcome


def _prove(loaded: LoadedProject) -> None:
    with loaded.open(loaded.only(None), SYSTEM_CLOCK) as opened:
        opened.refresh()
        opened.plan()
        proof = asyncio.run(opened.reconcile())
    show_reconciled(console, proof)
    if not proof.balanced:
        raise typer.Exit(ExitCode.DIFFERS)


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


def _requests(log: Path) -> int:
    """Writes that the hub received, by its own log."""
    if not log.exists():
        return 0
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    return sum(line["method"] != "GET" for line in lines)


def _say_where(folder: Path, key: str, secret: str) -> None:
    data = folder / "hub"
    console.print("\n[bold cyan]Where to look[/bold cyan]")
    console.print(f"  data    {folder}", markup=False)
    console.print("  API     http://127.0.0.1:8080/v1 while `make serve` runs, or:", markup=False)
    console.print(f"          headrace serve --data '{data}' --port 8080", markup=False)
    console.print(
        f"  try     curl -H 'X-Api-Key: {key}' -H 'X-Api-Secret: {secret}' "
        "'http://127.0.0.1:8080/v1/customers?limit=2'",
        markup=False,
    )
