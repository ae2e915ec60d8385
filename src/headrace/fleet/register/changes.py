"""Changes of the register: adding, pausing, resuming and removing organisations, and hints."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.fleet.register.database import FleetDatabase
from headrace.fleet.register.members import Member, settings_of
from headrace.model.errors import ConfigurationError
from headrace.model.project import Project


def add(database: FleetDatabase, project: Project, member: Member, replace: bool = False) -> bool:
    """Add an organisation, whose first round is due at once; returns False if it replaced one.

    Raises ConfigurationError if its settings are invalid, if the project file has the name, or if
    the register has it and it is not to be replaced.
    """
    if member.name in project.organisation:
        raise ConfigurationError(f"headrace.toml has an [organisation.{member.name}] already.")
    every = settings_of(project, member).interval.total_seconds()
    values: dict[str, Any] = {
        "name": member.name,
        "template": member.template,
        "settings": msgspec.json.encode(member.settings).decode(),
        "every": every,
    }
    with database.transaction():
        if database.run("add", **values).fetchone() is not None:
            return True
        if not replace:
            raise ConfigurationError(
                f"There is an organisation {member.name} already; --replace changes its settings."
            )
        database.run("replace", **values)
        return False


def pause(database: FleetDatabase, name: str, because: str) -> None:
    """Begin no more rounds of an organisation; one that runs ends. Raises ConfigurationError if
    there is no such organisation."""
    with database.transaction():
        _found(database.run("pause", name=name, because=because), name)
        database.run("unqueue", name=name)


def resume(database: FleetDatabase, name: str) -> None:
    """Let its rounds begin again, the next one at once. Raises ConfigurationError as `pause`."""
    _found(database.run("resume", name=name), name)


def remove(database: FleetDatabase, name: str) -> None:
    """Remove an organisation with its history; its journal stays.

    Raises ConfigurationError if there is none, or if it comes from the project file.
    """
    with database.transaction():
        of_file = _found(database.run("remove", name=name), name)
        if of_file:
            raise ConfigurationError(
                f"{name} stands in headrace.toml: remove its table there, or pause it."
            )
        database.run("unqueue", name=name)


def hint(database: FleetDatabase, name: str) -> bool:
    """Queue a round now. Several hints before it begins are one round; a hint during a round makes
    another follow it. Returns False if it is paused. Raises ConfigurationError if there is none."""
    if database.run("hint", name=name).fetchone() is not None:
        return True
    listed = {row[0]: row[4] for row in database.run("list")}
    if name not in listed:
        raise _none(name)
    return listed[name] is None


def _found(cursor: Any, name: str) -> Any:
    row = cursor.fetchone()
    if row is None:
        raise _none(name)
    return row[0]


def _none(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no organisation {name}; `headrace fleet list` shows all. Those of headrace.toml "
        "appear when a worker has started."
    )
