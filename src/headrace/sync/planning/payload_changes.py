"""Compares two payloads field by field, for people and for the order of delivery."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.model.entity import LINKS


def field_changes(before: bytes, after: bytes) -> list[tuple[str, str, str]]:
    """Return (path, before, after) of every field that differs, such as `contacts[c-7].email`.

    List entries are identified by their external id or e-mail address, so a changed order is no
    difference. An absent value is an empty string.
    """
    old, new = _flat("", msgspec.json.decode(before)), _flat("", msgspec.json.decode(after))
    return [
        (path, old.get(path, ""), new.get(path, ""))
        for path in sorted(old.keys() | new.keys())
        if old.get(path, "") != new.get(path, "")
    ]


def _flat(path: str, value: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(value, dict):
        for name, part in value.items():
            found |= _flat(f"{path}.{name}".lstrip("."), part)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            found |= _flat(f"{path}[{_label(part) or place}]", part)
    elif value is not None:
        found[path] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return found


def _label(entry: Any) -> str:
    """Return the identity of a list entry: its own id, its link target's id, or its e-mail."""
    if not isinstance(entry, dict):
        return ""
    linked = (part.get("externalId") for part in entry.values() if isinstance(part, dict))
    return str(entry.get("externalId") or next(linked, "") or entry.get("email") or "")


def shrinks(before: bytes, after: bytes) -> bool:
    """Whether the new payload only removes or reduces links.

    Such an update frees amounts, so it goes before the records that need them.
    """
    old, new = _allocations(before), _allocations(after)
    return old != new and all(amount <= old.get(to, 0) for to, amount in new.items())


def _allocations(payload: bytes) -> dict[str, int]:
    return {
        f"{name}/{_label(link)}": link["amountLinked"]
        for name, links in msgspec.json.decode(payload).items()
        if name in LINKS
        for link in links
    }
