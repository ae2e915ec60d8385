"""Hooks of schemathesis, which make about half of its generated requests valid.

Ids in paths become those of few entities, and bodies name few customers, currencies and days, so
that requests meet each other's entities. Which of them follows from what was made up, so that a
seed gives the same requests again. Named to it by SCHEMATHESIS_HOOKS.
"""

from __future__ import annotations

import zlib
from typing import Any

import schemathesis

_FEW = ("1", "2", "3")
_LINKS = {
    "linkedInvoices": "invoice",
    "linkedPayments": "payment",
    "linkedCreditNotes": "creditNote",
}
_SIDES = ("invoices", "payments", "creditNotes", "refunds")


def _dice(value: Any, sides: int) -> int:
    return zlib.crc32(repr(value).encode()) % sides


def _pick(value: Any) -> str:
    return _FEW[_dice(value, len(_FEW))]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Replace every second id by one of a few."""
    if not path_parameters:
        return path_parameters
    return {
        name: f"external:{_pick(value)}" if _dice(value, 2) else value
        for name, value in path_parameters.items()
    }


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Replace three of four bodies by plausible ones."""
    if not isinstance(body, dict) or not _dice(body, 4):
        return body
    body = {**body, "externalId": _pick(body)}
    body.pop("id", None)
    for name, value in body.items():
        if name in ("customer", "parent") and value:
            body[name] = {"externalId": _pick(value)}
        elif name == "currency":
            body[name] = "EUR" if _dice(value, 3) else "USD"
        elif name in ("issuedAt", "dueDate", "validatedAt"):
            body[name] = f"2026-{1 + _dice(value, 12):02d}-01"
        elif name in _LINKS and isinstance(value, list):
            body[name] = [_link(_LINKS[name], entry) for entry in value]
        elif name in _SIDES and isinstance(value, list):
            entry = {"externalId": _pick(value), "amountLinked": 5}
            body[name] = [entry] if _dice(value, 2) else []
        elif name.endswith("Id") and name != "externalId":
            body[name] = None
    body.pop("customFields", None)
    return body


def _link(kind: str, entry: Any) -> Any:
    return {"amountLinked": 1 + _dice(entry, 50), kind: {"externalId": _pick(entry)}}


@schemathesis.serializer("application/x-ndjson")
def ndjson(context: Any, value: Any) -> bytes:
    """Send seeds as lines of JSON."""
    return value if isinstance(value, bytes) else str(value).encode()
