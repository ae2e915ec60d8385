"""How messages name a record: its id, followed by what people know it by."""

from __future__ import annotations

from headrace.book.checks import Problem
from headrace.model.money import format_money
from headrace.sync.collection.claims import Claim
from headrace.sync.planning.names import Name
from headrace.sync.planning.plan import Change, Withheld

_LONGEST = 60
"""Maximum number of characters shown of a name."""


def record_text(entity: str, external_id: str, *details: str) -> str:
    """`invoice 4711 (INV-17, ACME SA)`: details that are empty or the id again are left out."""
    return f"{entity.replace('_', ' ')} {external_id}{_in_brackets(external_id, *details)}"


def problem_name(problem: Problem) -> str:
    """The id of a record with a problem, and what people call it: `4711 (INV-17, ACME SA)`."""
    details = _in_brackets(problem.external_id, problem.number, problem.customer_name)
    return f"{problem.external_id}{details}"


def _in_brackets(external_id: str, *details: str) -> str:
    shown = dict.fromkeys(text for text in details if text and text != external_id)
    return f" ({', '.join(map(_clipped, shown))})" if shown else ""


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def named_text(record: Withheld | Claim) -> str:
    """A record of a plan with its number, customer and money."""
    money = "" if record.amount is None else format_money(record.amount, record.currency)
    return record_text(
        record.entity, record.external_id, record.number, record.customer_name, money
    )


def name_details(external_id: str, name: Name) -> str:
    """What stands behind the id of a record: ` (INV-17, ACME SA, EUR 20.00)`, or nothing."""
    money = "" if name.amount is None else format_money(name.amount, name.currency)
    return _in_brackets(external_id, name.number, name.customer_name, money)


def name_text(entity: str, external_id: str, name: Name) -> str:
    """A record of the journal, with its number, customer and money."""
    return f"{entity.replace('_', ' ')} {external_id}{name_details(external_id, name)}"


def change_text(change: Change, whose: bool = True) -> str:
    """A changed record, with its number, money (of an update, the difference) and, unless it is
    known `whose` it is, its customer."""
    money = ""
    if change.amount is not None and change.action in ("update", "link"):
        money = f"open {signed_money(change.amount, change.currency)}" if change.amount else ""
    elif change.amount is not None and change.action == "delete":
        money = format_money(change.amount, change.currency)
    customer = change.customer_name if whose else ""
    return record_text(change.entity, change.external_id, change.number, customer, money)


def signed_money(amount: int, currency: str) -> str:
    """`+EUR 20.00` and `-EUR 20.00`: by how much something changes."""
    return f"{'-' if amount < 0 else '+'}{format_money(abs(amount), currency)}"
