"""`headrace init`: a project for a source that nobody has described yet."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec
import typer

from headrace.book.models.models import load_models
from headrace.cli.exit_codes import ExitCode
from headrace.cli.options.drafting import DraftingOptions
from headrace.cli.options.record import with_options
from headrace.cli.show.console import console, print_json
from headrace.cli.show.drafted import show_draft, show_survey
from headrace.drafting.answers import Answers, Question, propose
from headrace.drafting.ground import Ground
from headrace.drafting.models import draft_models
from headrace.drafting.place import Place, api_place, find_place
from headrace.drafting.project import ALWAYS, Draft, check_free, write_project
from headrace.drafting.roles import assign
from headrace.drafting.scratch import Scratch
from headrace.drafting.survey import survey
from headrace.drafting.trial import Trial, try_models
from headrace.drafting.unit_tests import draft_tests
from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SourceSettings
from headrace.systems.catalogue import System, find_system, recognise


@with_options(DraftingOptions)
def command(options: DraftingOptions) -> None:
    """Draft a project for a billing system: look in, propose the models, and try them.

    Looks at tables, keys, values and the columns that refer to other tables, proposes which table
    is what, and asks the questions of docs/models.md with what it saw as the proposed answers. Then
    it writes headrace.toml, models, tests, .env.example and README.md, runs the models, and shows
    problems, first payloads and balances. Nothing is sent, and the source is only read. Systems
    that are read by their API need no address: `headrace init --system stripe --to shop`, with
    STRIPE_KEY in the environment.

    Example: headrace init billing.db --to shop --yes
    """
    options.check()
    place = (
        find_place(options.where, options.to)
        if options.where
        else api_place(options.system, options.to, options.name)
    )
    writes_over = options.force or options.dry_run
    if not writes_over:  # before anybody has answered a question
        check_free(options.to, ALWAYS)
    with Scratch(place.settings, Path()) as scratch:
        draft = _draft(options, place, scratch)
    if not writes_over:
        check_free(options.to, draft.files())
    trial, files = _tried(place.settings, draft)
    if not options.dry_run:
        write_project(options.to, files, force=options.force)
    if options.json:
        print_json(
            {
                "system": draft.system.name if draft.system else None,
                "answers": draft.answers,
                "files": files if options.dry_run else list(files),
                "todo": draft.unfinished(),
                **msgspec.to_builtins(trial),
            }
        )
    else:
        show_draft(draft, files, trial, options.to, written=not options.dry_run)
    if any(problem.severity == "error" for problem in trial.problems):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)


def _draft(options: DraftingOptions, place: Place, scratch: Scratch) -> Draft:
    known = _system(options.system, scratch)
    if known is not None:
        if not options.json:
            console.print(f"This is {known.title}: its models are known.", markup=False)
        texts = known.texts()
        if place.settings.kind == "sql":
            known = _with_absent(known, scratch.offered())
        return Draft(organisation=options.name, place=place, models=texts, system=known)
    offered, fixed = scratch.offered(), options.roles()
    for name in fixed.values():
        if name not in offered:
            raise ConfigurationError(f"The source has no table {name}: {', '.join(offered)}.")
    offered = options.looked_into(offered)
    scratch.stage(offered)
    seen = survey(scratch.sources(), offered)
    roles = assign(seen, fixed)
    if not options.json:
        show_survey(seen, {role: table.name for role, table in roles.items()}, len(offered))
    questions = propose(seen, roles)
    answers = Answers(terms=options.terms, **{q.name: _answered(q, options) for q in questions})
    return Draft(
        organisation=options.name,
        place=place,
        models=draft_models(Ground(seen, roles, answers)),
        questions=questions,
        answers={q.name: str(getattr(answers, q.name)) for q in questions},
    )


def _system(asked: str | None, scratch: Scratch) -> System | None:
    if asked == "none":
        return None
    return find_system(asked) if asked else recognise(scratch.offered())


def _with_absent(system: System, offered: list[str]) -> System:
    """Return the system with an empty table for each one that its models read and the source lacks:
    connectors create a table with its first row."""
    read = frozenset[str]().union(*(model.reads for model in load_models(system.models, ())))
    lacking = sorted(read - {name.lower() for name in offered} - system.tables.keys())
    absent = dict.fromkeys(lacking, "-- Not there yet.\nselect null as id where 1 = 0")
    return msgspec.structs.replace(system, tables={**system.tables, **absent})


def _answered(question: Question, options: DraftingOptions) -> str:
    given: str | None = getattr(options, question.name)
    if given is not None:
        return given
    silent = options.yes or options.json or not sys.stdin.isatty()
    if silent or (question.name == "currency" and not question.proposed):
        return question.proposed
    console.print(f"\n{question.text}\n  seen: {question.seen}", markup=False)
    answered: str = typer.prompt("  answer", default=question.proposed or "none")
    return answered


def _tried(settings: SourceSettings, draft: Draft) -> tuple[Trial, dict[str, str]]:
    """Run the models from a temporary folder; returns what came out, and the files with the tests
    that were made from real rows."""
    files = draft.files()
    if draft.system is not None:
        queries = {**draft.system.tables, **settings.tables}
        settings = msgspec.structs.replace(settings, tables=queries)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-") as place,
        Scratch(settings, Path()) as scratch,
    ):
        write_project(Path(place), files, force=True)
        trial = try_models(scratch, Path(place) / "models")
        return trial, {**files, **draft_tests(scratch)}
