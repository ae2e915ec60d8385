"""Organisations of the register: their tables, based on a template, as settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.fleet.register.database import FleetDatabase
from headrace.model.defaults import with_defaults
from headrace.model.errors import ConfigurationError
from headrace.model.project import OrganisationSettings, Project
from headrace.model.project_file import parse_organisation


class Member(Struct, frozen=True):
    """An organisation of the register."""

    name: str
    template: str
    settings: dict[str, Any]
    """Its own table, as [organisation.NAME] has it."""
    paused: bool = False


def organisations_of(project: Project, url: str) -> dict[str, OrganisationSettings]:
    """Return the settings of all organisations of the register, paused ones too. Raises
    ConfigurationError."""
    with FleetDatabase(url) as database:
        return {member.name: settings_of(project, member) for member in members(database)}


def members(database: FleetDatabase, name: str | None = None) -> list[Member]:
    """Return the organisations of the register, or the one of this name; those that are in the
    project file have no settings there, and are left out."""
    return [Member(*row) for row in database.run("members", name=name)]


def settings_of(project: Project, member: Member) -> OrganisationSettings:
    """Return the settings: the project's defaults, the template, then the organisation's own.

    Raises ConfigurationError that names the organisation.
    """
    where = f"the organisation {member.name}"
    template: Mapping[str, Any] = {}
    if member.template:
        if member.template not in project.template:
            known = ", ".join(project.template) or "none"
            raise ConfigurationError(
                f"{where} is based on the template {member.template}, which headrace.toml does not "
                f"have; there is {known}."
            )
        template = project.template[member.template]
    alerts = {"alerts": msgspec.to_builtins(project.alerts)}
    below = with_defaults(with_defaults(alerts, project.defaults), template)
    own = _copy(member.settings)
    parameters = {**below.get("parameters", {}), **own.get("parameters", {}), "name": member.name}
    return parse_organisation(_filled(below, parameters), _filled(own, parameters), where)


def _copy(table: Any) -> Any:
    return {key: _copy(value) for key, value in table.items()} if isinstance(table, dict) else table


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return a value of a table with the parameters in place of `{parameter}`.

    Other braces stay, since queries may have them.
    """
    if isinstance(value, str):
        for name, text in parameters.items():
            value = value.replace(f"{{{name}}}", str(text))
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, parameters) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, parameters) for inner in value]
    return value
