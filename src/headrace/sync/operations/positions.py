"""Contact positions that the API refuses: an organisation has its own, and the API can't list them.

A position is an optional field, so it must not hold back its customer (docs/api-evidence.md,
Positions). After the first refusal, every payload is sent without that position.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from headrace.client.answer import Answer
from headrace.client.verdict import message_of

ENTITIES = ("customer", "contact")
"""Entities whose payloads contain positions."""


def refused_position(payload: bytes, answer: Answer) -> str | None:
    """Return the position that the answer refuses; None if it refuses something else."""
    said = message_of(answer)
    if answer.status != 400 or "position" not in said.lower():
        return None
    named = sorted({position for one in _contacts(payload) if (position := one.get("position"))})
    # The longest first, because the name of one position may contain another's.
    quoted = [one for one in sorted(named, key=len, reverse=True) if f"'{one}'" in said]
    found = quoted or [one for one in named if one in said]
    return found[0] if found else named[0] if len(named) == 1 else None


def without_positions(payload: bytes, refused: Collection[str]) -> bytes:
    """Return the payload without these positions."""
    body = msgspec.json.decode(payload)
    changed = False
    for contact in _contacts_of(body):
        if contact.get("position") in refused:
            del contact["position"]
            changed = True
    return msgspec.json.encode(body, order="sorted") if changed else payload


def _contacts(payload: bytes) -> list[dict[str, Any]]:
    return _contacts_of(msgspec.json.decode(payload))


def _contacts_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a customer's contacts, or the contact itself."""
    return [body] if "email" in body else body.get("contacts") or []
