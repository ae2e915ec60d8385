"""The table `[defaults]` of a project file: settings shared by all organisations, which each may
override."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from headrace.model.errors import ConfigurationError


def with_defaults(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merge an organisation's table into the shared one: its own keys take precedence, nested
    tables are merged by key."""
    merged = dict(defaults)
    for key, value in own.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = with_defaults(below, value) if both else value  # type: ignore[arg-type]
    return merged


def shared(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the table `defaults`; `name` is the file's, for messages. Raises
    ConfigurationError."""
    defaults = tables.get("defaults", {})
    if not isinstance(defaults, dict):
        raise ConfigurationError(f"{name}: defaults must be a table, [defaults].")
    return defaults


def origin(key: str, place: str, defaults: Mapping[str, Any], own: Any) -> str:
    """Return the table that a faulty key is in: `[defaults]`, or nothing when it is the
    organisation's.

    `place` is the path of the key, such as `target`, or the key itself with its table.
    """
    path = [part for part in [*place.split("."), key] if part]
    return "[defaults]" if _has(defaults, path) and not _has(own, path) else ""


def _has(table: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True


OWN_TABLES = frozenset({"target", "source", "guards"})
"""Tables that an organisation has."""


def meant(tables: Mapping[str, Any]) -> str:
    """Suggest the table that was probably meant as an organisation's, or show how to write one."""
    for key, table in tables.items():
        if not isinstance(table, dict):
            continue
        if not OWN_TABLES.isdisjoint(table):
            return f"did you mean [organisation.{key}] by [{key}]?"
        inner = next((name for name, part in table.items() if isinstance(part, dict)), "")
        alike = difflib.get_close_matches(key.lower(), ("organisation",), 1)
        if alike or (inner and not OWN_TABLES.isdisjoint(table[inner])):
            written = f"{key}.{inner}" if inner else key
            return f"did you mean [organisation.{inner or 'NAME'}] by [{written}]?"
    return "add a table [organisation.NAME]."
