"""`headrace sources`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    listed,
    print_json,
)
from headrace.fleet.project import FILE_NAME, LoadedProject, load_project
from headrace.model.errors import HeadraceError
from headrace.model.shown_text import shown
from headrace.sources.abilities import ABILITIES
from headrace.sources.registry import open_source
from headrace.sources.source import not_read


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Show which systems can be read, what each needs, and what the project's own sources have.

    For each kind: how the project file names it, whether all tables of a round show one moment,
    what a round without changes reads, and the extra to install. Kinds that the tests could not
    try on a real system are called untried. In a project, also each organisation's tables, and
    files in its folder that are not read.

    Example: headrace sources
    """
    file = project / FILE_NAME if project.is_dir() else project
    loaded = load_project(project) if file.exists() else None
    own = _own(loaded, organisation) if loaded else []
    if json:
        print_json({"kinds": [_document(ability) for ability in ABILITIES], "organisations": own})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("system", "setting", "one moment", "reads when nothing changed", "needs"):
        # What has to be typed is never cut.
        table.add_column(
            heading,
            no_wrap=heading == "setting",
            overflow="fold" if heading == "needs" else "ellipsis",
            min_width=12 if heading.startswith(("one", "reads")) else None,
        )
    for ability in ABILITIES:
        needs = f"headrace[{ability.extra}]" if ability.extra else ""
        needs += "" if ability.installed else ", not installed"
        needs += "" if ability.tried else ", untried"
        cells = (ability.name, ability.setting, ability.moment, ability.changes, needs.strip(", "))
        table.add_row(*map(Text, cells))
    console.print(table)
    for one in own:
        console.print(Text(f"\n{one['organisation']}: {_sentence(one)}"))


def _document(ability: Any) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(ability)
    return document | {"installed": ability.installed}


def _own(loaded: LoadedProject, chosen: list[str] | None) -> list[dict[str, Any]]:
    found = []
    for name in loaded.names(chosen):
        document: dict[str, Any] = {"organisation": name}
        try:
            with closing(open_source(loaded.source(name), loaded.folder)) as source:
                document["tables"] = sorted(source.tables())
                document["unread"] = not_read(source)
        except HeadraceError as error:
            document["error"] = str(error)
        found.append(document)
    return found


def _sentence(one: dict[str, Any]) -> str:
    if "error" in one:
        return shown(one["error"])
    unread = f"; not read: {listed(one['unread'])}" if one["unread"] else ""
    return shown(f"{len(one['tables'])} tables: {listed(one['tables'])}{unread}")
