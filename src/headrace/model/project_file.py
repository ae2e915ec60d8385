"""Parses `headrace.toml`, with messages that name the table, the key and what is allowed there."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from headrace.model.alert_settings import AlertSettings, ApproveRule, RunSettings
from headrace.model.custom_field import DataType
from headrace.model.defaults import OWN_TABLES, meant, origin, shared, with_defaults
from headrace.model.errors import ConfigurationError
from headrace.model.guards import GuardSettings
from headrace.model.project import (
    ClaimRule,
    ContactRule,
    DeletionRule,
    EntityName,
    FamilyRule,
    HintWish,
    OrganisationSettings,
    Project,
    TargetSettings,
)
from headrace.model.source_settings import FileFormat, Settings, SourceSettings, gather_sources
from headrace.model.webhook_settings import WebhookCheck, WebhookSettings


def parse_project(text: bytes, name: str) -> Project:
    """Parse the content of a project file; `name` is used in messages.

    Raises ConfigurationError that names the table and key, and the values allowed there.
    """
    try:
        tables = msgspec.toml.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name} is not valid TOML: {error}.") from None
    if _has_nul(tables):
        raise ConfigurationError(f"{name} has a NUL character, \\u0000, where none can be.")
    defaults = shared(tables, name)
    organisations = tables.pop("organisation", {} if tables.get("state") else None)
    empty = not organisations and not tables.get("state")
    if not isinstance(organisations, dict) or empty:
        raise ConfigurationError(f"{name} names no organisation: {meant(tables)}")
    if not OWN_TABLES.isdisjoint(organisations):
        raise ConfigurationError(
            f"{name}: the table [organisation] needs a name in it: write [organisation.NAME], and "
            "[organisation.NAME.target] for what stands in it."
        )
    templates = tables.get("template", {})
    more = templates.values() if isinstance(templates, dict) else ()
    for table in (defaults, *organisations.values(), *more):
        gather_sources(table)
    defaults = _with_alerts(defaults, tables, name)
    settings = {
        key: _organisation(defaults, table, name, f"[organisation.{key}]")
        for key, table in organisations.items()
    }
    return _convert({**tables, "organisation": settings}, Project, name)


def parse_organisation(
    shared: Mapping[str, Any], own: dict[str, Any], where: str
) -> OrganisationSettings:
    """Convert an organisation's table that is not in the project file, merged into `shared`.

    `where` names it in messages. Raises ConfigurationError.
    """
    gather_sources(own)
    return _convert(with_defaults(shared, own), OrganisationSettings, where)


def _with_alerts(defaults: dict[str, Any], tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the shared settings with the project's alerts as those of every organisation."""
    if "alerts" not in tables:
        return defaults
    _convert(tables["alerts"], AlertSettings, f"[alerts] in {name}")
    return with_defaults({"alerts": tables["alerts"]}, defaults)


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _organisation(
    defaults: dict[str, Any], own: Any, name: str, title: str
) -> OrganisationSettings:
    if not isinstance(own, dict):
        return _convert(own, OrganisationSettings, f"{name} in {title}")
    try:
        return _convert(
            with_defaults(defaults, own),
            OrganisationSettings,
            f"{name} in {title}",
            (defaults, own),
        )
    except _InDefaults as error:
        raise ConfigurationError(f"{name} in [defaults]{error}") from None


class _InDefaults(Exception):
    """The error is in the shared table."""


S = TypeVar("S", bound=Settings)


def _convert(
    table: Any, kind: type[S], where: str, layers: tuple[dict[str, Any], Any] | None = None
) -> S:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).replace("`key` in ", "").partition(" - at `$")
        inner = place.rstrip("`").lstrip(".")
        faulty = problem.rpartition(" ")[2].strip("`") if "unknown field" in problem else ""
        if problem.startswith("Object contains unknown field "):
            problem = _unknown(problem.rpartition(" ")[2].strip("`"), kind, inner)
        elif problem.startswith("Invalid enum value "):
            problem = (
                f"{problem.removeprefix('Invalid enum value ')} must be one of {_choices(inner)}"
            )
        key = f" {inner}:" if inner else ""
        if layers is not None and origin(faulty, inner, *layers):
            raise _InDefaults(f":{key} {problem}.") from None
        raise ConfigurationError(f"{where}:{key} {problem}.") from None


_CHOICES: dict[str, Any] = {
    "custom_field_types[...]": DataType,
    "on_delete[...]": DeletionRule,
    "contacts": ContactRule,
    "claims": ClaimRule,
    "family_payments": FamilyRule,
    "hints": HintWish,
    "webhook.check": WebhookCheck,
    "approve": ApproveRule,
}


def _choices(inner: str) -> str:
    """Return what is allowed at a place of an organisation's table."""
    if inner == "on_delete":  # of the rule itself, or of the entities that have one
        rules, entities = typing.get_args(DeletionRule), typing.get_args(EntityName)
        return f"{', '.join(rules)}; a table has the keys {', '.join(entities)}"
    return ", ".join(typing.get_args(_CHOICES[inner]))


def _unknown(key: str, kind: type[Settings], inner: str) -> str:
    """Return the message for an unknown key: the keys that exist, and the one that was probably
    meant."""
    tables: dict[str, type[Struct]] = {
        "target": TargetSettings,
        "source": SourceSettings,
        "source.format": FileFormat,
        "guards": GuardSettings,
        "webhook": WebhookSettings,
        "alerts": AlertSettings,
        "run": RunSettings,
    }
    known = tables.get(inner, kind).__struct_fields__
    near = difflib.get_close_matches(key, known, 1)
    hint = f", did you mean {near[0]}?" if near else ";"
    return f"there is no key {key}{hint} there is {', '.join(known)}"
