"""The known systems: a folder each, with `system.toml` and `models/`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SYSTEM

_HOME = Path(__file__).parent
_IDS = re.compile(r"\d+(?:\s*,\s*\d+)*")


class System(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system, as its `system.toml` describes it."""

    name: str = ""
    title: str
    """What its maker calls it, with the versions that were tried."""
    reads: str
    """What of it is read, such as its own PostgreSQL database."""
    signature: list[str]
    """Tables that a source of this system has, and others hardly do together."""
    tables: dict[str, str] = {}
    """Queries that the models read besides the system's own tables."""
    restricted: dict[str, dict[str, str]] = {}
    """Parameters of an organisation that restrict what is read, such as `companies`, with the
    condition on each table or query; `{ids}` stands for the parameter's ids."""

    @property
    def models(self) -> Path:
        """The folder of its models."""
        return _HOME / self.name / "models"

    @property
    def extraction(self) -> Path | None:
        """The folder of what reads it by its API; None if headrace has nothing that does."""
        folder = _HOME / self.name
        return folder if (folder / "extraction.py").exists() else None

    def texts(self) -> dict[str, str]:
        """Return the text of each model by its name, and of the views that they share."""
        return {
            path.relative_to(self.models).with_suffix("").as_posix(): path.read_text("utf-8")
            for path in sorted(self.models.rglob("*.sql"))
        }


@cache
def systems() -> Mapping[str, System]:
    """Return every system by its name."""
    return {
        file.parent.name: msgspec.structs.replace(
            msgspec.toml.decode(file.read_bytes(), type=System), name=file.parent.name
        )
        for file in sorted(_HOME.glob("*/system.toml"))
    }


def find_system(name: str) -> System:
    """Return the system of that name. Raises ConfigurationError, naming those that exist."""
    known = systems()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigurationError(
            f"There is no system {name!r}.{hint} There is: {', '.join(known)}."
        )
    return known[name]


def recognise(offered: Collection[str]) -> System | None:
    """Return the system whose tables a source offers, None when it is none that is known."""
    names = {name.lower() for name in offered}
    matching = [s for s in systems().values() if names.issuperset(s.signature)]
    return max(matching, key=lambda system: len(system.signature), default=None)


def models_folder(setting: str, folder: Path) -> Path:
    """Return the folder that the setting `models` means: a system's, or one of the project's.

    Raises ConfigurationError for a system that does not exist.
    """
    if setting.startswith(SYSTEM):
        return find_system(setting.removeprefix(SYSTEM)).models
    return folder / setting


def with_queries(
    setting: str, tables: Mapping[str, str], parameters: Mapping[str, Any]
) -> dict[str, str]:
    """Return the queries of a source, with those of the system whose models it uses, restricted as
    parameters of the organisation say.

    Raises ConfigurationError for a parameter that is no list of ids.
    """
    if not setting.startswith(SYSTEM):
        return dict(tables)
    system = find_system(setting.removeprefix(SYSTEM))
    queries = {**system.tables, **tables}
    for name, conditions in system.restricted.items():
        if name not in parameters:
            continue
        if not _IDS.fullmatch(ids := str(parameters[name]).strip()):
            raise ConfigurationError(
                f"parameters.{name} of {setting} must be ids separated by commas, such as "
                f'"1, 3", not {ids!r}.'
            )
        for table, condition in conditions.items():
            rows = queries.get(table, f"select * from {table}").strip().rstrip(";")
            kept = condition.strip().replace("{ids}", ids)
            queries[table] = f"select * from (\n{rows}\n) restricted\nwhere {kept}"
    return queries


def extraction_folder(kind: str) -> Path:
    """Return the folder of the extraction that a source's kind `system:NAME` means.

    Raises ConfigurationError for a system that does not exist, or is not read by its API.
    """
    system = find_system(kind.removeprefix(SYSTEM))
    if system.extraction is None:
        raise ConfigurationError(f'source.kind "{kind}": {_instead(system)}')
    return system.extraction


def _instead(system: System) -> str:
    """Return what to read of a system whose folder has no extraction."""
    able = [name for name, one in systems().items() if one.extraction]
    for twin in (f"{system.name}_api", system.name.removesuffix("_fivetran")):
        if twin in able:
            return (
                f"the models of {system.name} read {system.reads}. By its API the system is "
                f'{twin}: write "{SYSTEM}{twin}", or --system {twin} with `headrace init`.'
            )
    return (
        f"headrace does not read {system.title} by its API, only {', '.join(able)}. "
        f"Read {system.reads} by another kind of source."
    )
