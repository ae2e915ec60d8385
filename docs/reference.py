"""Writes what the documentation takes from the program itself: `make docs` runs it.

A page has a part between `<!-- made by make docs: NAME -->` and `<!-- end -->`; the part is what
the function of that name in PARTS gives. A test compares the pages with what would be written.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import typer

from headrace.cli.application import build_app, run
from headrace.model import project
from headrace.model.alert_settings import AlertSettings, RunSettings
from headrace.model.guards import GuardSettings
from headrace.model.meanings import field_meanings
from headrace.model.source_settings import FileFormat, Incremental, SourceSettings
from headrace.model.webhook_settings import WebhookSettings
from headrace.oracle.recording import differences_of, head_of
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.evidence import Evidence

DOCS = Path(__file__).parent
ORACLE = DOCS.parent / "tests" / "oracle"
"""Recordings that the hub is held against."""
_PART = re.compile(r"(<!-- made by make docs: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

TABLES = (
    ("At the top of the file", project.Project),
    ("[organisation.NAME]", project.OrganisationSettings),
    ("[organisation.NAME.target]", project.TargetSettings),
    ("[organisation.NAME.source]", SourceSettings),
    ("[organisation.NAME.source.format]", FileFormat),
    ("[organisation.NAME.source.incremental.TABLE]", Incremental),
    ("[organisation.NAME.guards]", GuardSettings),
    ("[organisation.NAME.webhook]", WebhookSettings),
    ("[alerts]", AlertSettings),
    ("[run]", RunSettings),
)
"""Heading and record of each table of the project file."""


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command as (its words, the click command), groups before what is in them."""
    yield from _below((), typer.main.get_command(build_app()))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _below((*words, name), inner)


def help_text(words: tuple[str, ...]) -> str:
    """What `headrace WORDS --help` prints on a terminal of 100 columns."""
    said = io.StringIO()
    plain = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    with mock.patch.dict(os.environ, plain), contextlib.redirect_stdout(said):
        run([*words, "--help"])
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())


def commands_part() -> str:
    """A heading and the help of every command."""
    parts = []
    for words, command in commands():
        title = " ".join(("headrace", *words))
        level = "###" if len(words) < 2 else "####"
        if words or not getattr(command, "commands", None):
            parts.append(f"{level} {title}\n\n```text\n{help_text(words)}\n```\n")
    return "\n".join(parts)


def overview_part() -> str:
    """The help of the program itself."""
    return f"```text\n{help_text(())}\n```\n"


def settings_part() -> str:
    """A table of keys, defaults and meanings for each table of the project file."""
    return "\n".join(
        f"## {heading}\n\n| key | default | meaning |\n|---|---|---|\n"
        + "".join(
            f"| `{key}` | {default} | {meaning} |\n" for key, default, meaning in settings(record)
        )
        for heading, record in TABLES
    )


def settings(record: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    """(key, default, meaning) of each field; the meaning is the docstring below it."""
    meanings = field_meanings(record)
    for field in msgspec.structs.fields(record):
        yield field.encode_name, _default(field), meanings.get(field.name, "").replace("|", r"\|")


def _default(field: Any) -> str:
    if field.required:
        return "needed"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, msgspec.Struct):
        return "those below"
    shown = msgspec.json.encode(value).decode()
    return f"`{shown}`" if value not in ("", {}) else "none"


def operations_part() -> str:
    """A row per operation: how sure we are of it at best, and by which sources."""
    rows = []
    for operation in dict.fromkeys(name for case in CASES for name in case.operations):
        cases = [case for case in CASES if operation in case.operations]
        surest = next(kind for kind in Evidence if any(case.evidence is kind for case in cases))
        sources = dict.fromkeys(case.source for case in cases if case.evidence is surest)
        counts = ", ".join(
            f"{count} {kind.value}"
            for kind in Evidence
            if (count := sum(case.evidence is kind for case in cases))
        )
        shown = operation.replace("{}", "{id}")
        rows.append(f"| `{shown}` | {surest.value} | {'; '.join(sources)} | {counts} |\n")
    head = "| operation | how sure | source | rules that touch it |\n|---|---|---|---|\n"
    return head + "".join(sorted(rows, key=lambda row: row.split("`")[1].split(" ")[::-1]))


def rules_part() -> str:
    """A table per topic, a row per rule, the surest first."""
    parts = []
    order = list(Evidence)
    for topic in dict.fromkeys(case.topic for case in CASES):
        cases = [case for case in CASES if case.topic == topic]
        cases.sort(key=lambda case: order.index(case.evidence))
        rows = "".join(
            f"| {case.rule} | {case.evidence.value} | {case.source} | `{case.name}` |\n"
            for case in cases
        )
        title = topic.replace("_", " ").capitalize().replace("Pdf", "PDF")
        parts.append(
            f"### {title}\n\n| rule | how sure | source | case |\n|---|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def learned_part(folder: Path = ORACLE) -> str:
    """A row per difference of a recording in tests/oracle, with the rule that adopts it."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        server = head_of(path).server
        for one in differences_of(path):
            adopted = [
                f"`{case.name}`"
                for case in CASES
                if case.evidence is Evidence.LEARNED
                and case.source.endswith(f", {path.name}")
                and one.operation in case.operations
            ]
            operation = one.operation.replace("{}", "{id}")
            rows.append(
                f"| `{operation}` | {one.place}: {one.server} | {one.place}: {one.hub} | "
                f"observed in a recording of {server}, `{path.name}` | "
                f"{', '.join(adopted) or 'not adopted; `--like` does it'} |\n"
            )
    if not rows:
        return "No recording of another server has been added yet.\n"
    head = "| operation | the server | the hub, when recorded | source | adopted as |\n"
    return head + "|---|---|---|---|---|\n" + "".join(rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "overview": overview_part,
    "commands": commands_part,
    "settings": settings_part,
    "operations": operations_part,
    "rules": rules_part,
    "learned": learned_part,
}


def renewed(text: str) -> str:
    """The page with its made parts as they should be."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", text)


def pages() -> Iterator[Path]:
    """The pages that have a made part."""
    for path in sorted(DOCS.glob("*.md")):
        if _PART.search(path.read_text("utf-8")):
            yield path


def main() -> None:
    """Writes every page anew."""
    for path in pages():
        before = path.read_text("utf-8")
        after = renewed(before)
        path.write_text(after, "utf-8")
        print(f"{path.name}: {'written' if after != before else 'as it was'}")


if __name__ == "__main__":
    main()
