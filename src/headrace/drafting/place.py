"""Where a source is: what somebody typed, as settings of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SourceSettings

VARIABLE = "SOURCE_URL"
"""The environment variable that a drafted project reads a database's address from."""


class Place(Struct, frozen=True):
    """A source, as it is read now and as the project file names it."""

    settings: SourceSettings
    written: dict[str, str]
    """The keys of the `source` table."""
    variable: str = ""
    """The environment variable with the address, where it may hold a password."""


def find_place(where: str, to: Path, environment: Mapping[str, str] = os.environ) -> Place:
    """Return the source that `where` names: an address, `env:NAME`, a SQLite file or a folder.

    `to` is the project's folder. Raises ConfigurationError where there is none.
    """
    variable = where.removeprefix("env:") if where.startswith("env:") else ""
    address = where
    if variable:
        address = environment.get(variable, "")
        if not address:
            raise ConfigurationError(f"The environment variable {variable} is not set.")
    if "://" in address and not address.startswith("sqlite:"):
        variable = variable or VARIABLE
        settings = SourceSettings(kind="sql", url=address)
        return Place(settings, {"kind": "sql", "url": f"env:{variable}"}, variable)
    path = Path(address.removeprefix("sqlite://").replace("//", "/", 1)).expanduser()
    if path.is_dir():
        settings = SourceSettings(kind="files", path=str(path.absolute()))
        return Place(settings, {"kind": "files", "path": _from(to, path)})
    if path.is_file():
        url = f"sqlite:///{path.absolute()}"
        return Place(
            SourceSettings(kind="sql", url=url),
            {"kind": "sql", "url": f"sqlite:///{_from(to, path)}"},
        )
    raise ConfigurationError(
        f"{where} is no database address, no SQLite file and no folder: write "
        "postgresql://USER@HOST/DATABASE, env:NAME, a file or a folder with exports."
    )


def _from(to: Path, path: Path) -> str:
    """Return the path as the project names it: relative where it lies in the project's folder."""
    absolute = path.absolute()
    home = to.absolute()
    return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else str(absolute)
