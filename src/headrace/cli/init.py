"""`headrace init`: a project for a source that nobody has described yet."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import console, print_json, several
from headrace.cli.show.problems import show_problems
from headrace.drafting.answers import Answers, Question, propose
from headrace.drafting.ground import Ground
from headrace.drafting.models import draft_models
from headrace.drafting.place import find_place
from headrace.drafting.project import Draft, write_project
from headrace.drafting.roles import assign
from headrace.drafting.scratch import Scratch
from headrace.drafting.survey import Survey, survey
from headrace.drafting.trial import Trial, try_models
from headrace.drafting.unit_tests import draft_tests
from headrace.drafting.vocabulary import ROLES
from headrace.model.errors import ConfigurationError
from headrace.model.money import format_money
from headrace.model.project import SourceSettings
from headrace.systems.catalogue import System, find_system, recognise


def _answer(name: str, text: str) -> Any:
    return typer.Option(f"--{name}", help=text, show_default=False)


def command(
    where: Annotated[
        str,
        typer.Argument(
            help="A database's address, `env:NAME` with one, a SQLite file, or a folder of exports."
        ),
    ],
    to: Annotated[Path, typer.Option(help="The project's folder; made if missing.")] = Path(),
    name: Annotated[str, typer.Option(help="The organisation's name in the project.")] = "main",
    system: Annotated[
        str | None,
        typer.Option(
            help="Take the models of this system: `headrace sources` lists them. "
            "Without it, a system is recognised by its tables; `none` recognises none."
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="Which table holds what, as invoices=belege; repeat it.", metavar="WHAT=TABLE"
        ),
    ] = None,
    leave_out: Annotated[
        str | None,
        _answer("leave-out", "Drafts and cancelled documents: COLUMN=value,value or none."),
    ] = None,
    amount: Annotated[str | None, _answer("amount", "The column with a document's total.")] = None,
    amounts: Annotated[str | None, _answer("amounts", "major for 12.50, minor for 1250.")] = None,
    credit_notes: Annotated[
        str | None,
        _answer("credit-notes", "COLUMN=value of the invoices, negative, a table, or none."),
    ] = None,
    links: Annotated[
        str | None,
        _answer("links", "What links payments to invoices: a table, a column, or none."),
    ] = None,
    paid: Annotated[
        str | None, _answer("paid", "The column that says that an invoice is settled, or none.")
    ] = None,
    currency: Annotated[
        str | None, _answer("currency", "The currency where no column says it.")
    ] = None,
    terms: Annotated[
        int, typer.Option(min=0, help="Days until an invoice is due where no column says it.")
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take every proposed answer.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over existing files.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files, write none.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON for machines, nothing else.")
    ] = False,
) -> None:
    """Draft a project for a billing system: look in, propose the models, and try them.

    Looks at tables, keys, values and the columns that refer to other tables, proposes which table
    is what, and asks the questions of docs/models.md with what it saw as the proposed answers. Then
    it writes headrace.toml, models, tests, .env.example and README.md, runs the models, and shows
    problems, first payloads and balances. Nothing is sent, and the source is only read.

    Example: headrace init billing.db --to shop --yes
    """
    given = {
        "leave_out": leave_out,
        "amount": amount,
        "amounts": amounts,
        "credit_notes": credit_notes,
        "links": links,
        "paid": paid,
        "currency": currency,
    }
    place = find_place(where, to)
    if amounts not in (None, "major", "minor"):
        raise ConfigurationError(f"--amounts {amounts}: write major or minor.")
    with Scratch(place.settings, Path()) as scratch:
        known = _system(system, scratch)
        if known is not None:
            draft = Draft(organisation=name, place=place, models=_texts(known), system=known)
            _note(json, f"This is {known.title}: its models are known.")
        else:
            fixed = dict(map(_role, table or []))
            questions, answers, models = _drafted(scratch, fixed, given, terms, yes or json, json)
            draft = Draft(
                organisation=name,
                place=place,
                models=models,
                questions=questions,
                answers={q.name: str(getattr(answers, q.name)) for q in questions},
            )
    files = draft.files()
    settings = _settings(place.settings, known)
    trial, files = _tried(settings, files)
    if not dry_run:
        write_project(to, files, force=force)
    _report(draft, files, trial, to, dry_run=dry_run, json=json)
    if any(problem.severity == "error" for problem in trial.problems):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)


def _system(asked: str | None, scratch: Scratch) -> System | None:
    if asked == "none":
        return None
    return find_system(asked) if asked else recognise(scratch.offered())


def _texts(system: System) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(system.models.glob("*.sql"))}


def _settings(settings: SourceSettings, system: System | None) -> SourceSettings:
    if system is None:
        return settings
    return msgspec.structs.replace(settings, tables={**system.tables, **settings.tables})


def _role(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not equals or role not in ROLES:
        raise ConfigurationError(
            f"--table {text}: write WHAT=TABLE; WHAT is one of {', '.join(ROLES)}."
        )
    return role, name.lower()


def _drafted(
    scratch: Scratch,
    fixed: dict[str, str],
    given: dict[str, str | None],
    terms: int,
    yes: bool,
    json: bool,
) -> tuple[list[Question], Answers, dict[str, str]]:
    offered = scratch.offered()
    for name in fixed.values():
        if name not in offered:
            raise ConfigurationError(f"The source has no table {name}: {', '.join(offered)}.")
    scratch.stage(offered)
    seen = survey(scratch.sources(), offered)
    roles = assign(seen, fixed)
    if not json:
        _show_survey(seen, {role: table.name for role, table in roles.items()}, len(offered))
    questions = propose(seen, roles)
    answers = Answers(
        terms=terms,
        **{q.name: _answered(q, given[q.name], yes) for q in questions},
    )
    return questions, answers, draft_models(Ground(seen, roles, answers))


def _answered(question: Question, given: str | None, yes: bool) -> str:
    if given is not None:
        return given
    if yes or not sys.stdin.isatty() or (question.name == "currency" and not question.proposed):
        return question.proposed
    console.print(f"\n{question.text}\n  seen: {question.seen}", markup=False)
    answered: str = typer.prompt("  answer", default=question.proposed or "none")
    return answered


def _show_survey(seen: Survey, roles: dict[str, str], offered: int) -> None:
    held = {name: role for role, name in roles.items()}
    console.print(f"{several(offered, 'table')}, {len(seen.tables):,} with rows")
    for table in seen.tables.values():
        role = held.get(table.name)
        console.print(
            f"  {table.name}: {several(table.rows, 'row')}"
            + (f", key {table.key}" if table.key else "")
            + (f" -> {role}" if role else ""),
            markup=False,
        )
    for r in seen.references:
        console.print(f"  {r.table}.{r.column} refers to {r.to_table}.{r.to_column}", markup=False)


def _tried(settings: SourceSettings, files: dict[str, str]) -> tuple[Trial, dict[str, str]]:
    """Run the models from a temporary folder; returns what came out, and the files with the tests
    that were made from real rows."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-") as place,
        Scratch(settings, Path()) as scratch,
    ):
        write_project(Path(place), files, force=True)
        trial = try_models(scratch, Path(place) / "models")
        tests = draft_tests(scratch)
    return trial, {**files, **tests}


def _note(json: bool, text: str) -> None:
    if not json:
        console.print(text, markup=False)


def _report(
    draft: Draft, files: dict[str, str], trial: Trial, to: Path, *, dry_run: bool, json: bool
) -> None:
    todo = [name for name, text in draft.models.items() if "-- TODO" in text]
    if json:
        print_json(
            {
                "system": draft.system.name if draft.system else None,
                "answers": draft.answers,
                "files": files if dry_run else list(files),
                "todo": todo,
                **msgspec.to_builtins(trial),
            }
        )
        return
    console.print()
    if dry_run:
        for name, text in files.items():
            console.print(f"[bold]{name}[/bold]")
            console.print(text, markup=False)
    for entity, payload in trial.samples.items():
        console.print(f"first {entity.replace('_', ' ')}: {payload}", markup=False)
    records = ", ".join(f"{count:,} {name}" for name, count in trial.records.items())
    console.print(f"models: {records}")
    for one in trial.balances:
        console.print(
            f"balance: {format_money(one.balance, one.currency)} owed by "
            f"{several(one.customers, 'customer')}"
        )
    show_problems(console, trial.problems)
    for name in todo:
        console.print(f"models/{name}.sql is not complete: see its `-- TODO`.", markup=False)
    if not dry_run:
        console.print(f"Written to {to}: {', '.join(files)}", markup=False)
        console.print("Next: fill in .env, then `headrace check`, `headrace plan`.", markup=False)
