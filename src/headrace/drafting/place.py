"""Where a source is: what somebody typed, as settings of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.model.project import DATA
from headrace.model.source_settings import SYSTEM, SourceSettings
from headrace.sources.programs.extraction import needed_options, possible_options, with_token_file
from headrace.systems.catalogue import extraction_folder
from headrace.systems.token_file import token_file

VARIABLE = "SOURCE_URL"
"""The environment variable that a drafted project reads a database's address from."""


class Place(Struct, frozen=True):
    """A source, as it is read now and as the project file names it."""

    settings: SourceSettings
    written: dict[str, Any]
    """The keys of the `source` table."""
    variables: tuple[str, ...] = ()
    """The environment variables with what may be secret: an address, or the options of an API."""


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
        return Place(settings, {"kind": "sql", "url": f"env:{variable}"}, (variable,))
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


def api_place(
    system: str | None, to: Path, organisation: str, environment: Mapping[str, str] = os.environ
) -> Place:
    """Return the API of a known system as a source. Each option that it needs is read from an
    environment variable such as `STRIPE_KEY`, and those that it takes where one is set. Tokens that
    rotate are kept from now on where the project in the folder `to` looks for them.

    Raises ConfigurationError for a system that is not read by its API, and for variables that are
    not set.
    """
    if system in (None, "none"):
        raise ConfigurationError(
            "Name the source: a database's address, env:NAME, a file or a folder; or a system that "
            "is read by its API, such as --system stripe."
        )
    kind = f"{SYSTEM}{system}"
    folder = extraction_folder(kind)
    variables = {option: f"{system}_{option}".upper() for option in needed_options(folder)}
    missing = [name for name in variables.values() if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"To read {system} by its API, set {', '.join(missing)} and run the command again; "
            "docs/systems.md says what each is."
        )
    for option in possible_options(folder):
        name = f"{system}_{option}".upper()
        if environment.get(name):
            variables[option] = name
    written = {option: f"env:{name}" for option, name in variables.items()}
    given = with_token_file(
        folder,
        {option: environment[name] for option, name in variables.items()},
        token_file(to.absolute() / DATA, organisation, folder.name),
    )
    return Place(
        SourceSettings(kind=kind, path=str(folder), options=given),
        {"kind": kind, "options": written},
        tuple(variables.values()),
    )


def _from(to: Path, path: Path) -> str:
    """Return the path as the project names it: relative where it lies in the project's folder."""
    absolute = path.absolute()
    home = to.absolute()
    return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else str(absolute)
