"""How messages name a record: its id, followed by number, customer and money."""

from __future__ import annotations

from headrace.book.checks.checks import Problem
from headrace.model.money import format_money
from headrace.sync.collection.claims import Claim
from headrace.sync.planning.names import Name
from headrace.sync.planning.plan import Change, Withheld

_LONGEST = 60
"""Maximum number of characters shown of a name."""


def record_text(entity: str, external_id: str, *details: str) -> str:
    """Return a text such as `invoice 4711 (INV-17, ACME SA)`.

    Details that are empty or equal to the id are left out.
    """
    return f"{entity.replace('_', ' ')} {external_id}{_in_brackets(external_id, *details)}"


def problem_name(problem: Problem) -> str:
    """Return the id and names of a record with a problem: `4711 (INV-17, ACME SA)`."""
    details = _in_brackets(problem.external_id, problem.number, problem.customer_name)
    return f"{problem.external_id}{details}"


def _in_brackets(external_id: str, *details: str) -> str:
    shown = dict.fromkeys(text for text in details if text and text != external_id)
    return f" ({', '.join(map(_clipped, shown))})" if shown else ""


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def named_text(record: Withheld | Claim) -> str:
    """Return a record of a plan with its number, customer and money."""
    money = "" if record.amount is None else format_money(record.amount, record.currency)
    return record_text(
        record.entity, record.external_id, record.number, record.customer_name, money
    )


def name_details(external_id: str, name: Name) -> str:
    """Return what follows a record's id: ` (INV-17, ACME SA, EUR 20.00)`, or an empty text."""
    money = "" if name.amount is None else format_money(name.amount, name.currency)
    return _in_brackets(external_id, name.number, name.customer_name, money)


def name_text(entity: str, external_id: str, name: Name) -> str:
    """Return a record of the journal with its number, customer and money."""
    return f"{entity.replace('_', ' ')} {external_id}{name_details(external_id, name)}"


def change_text(change: Change, whose: bool = True) -> str:
    """Return a changed record with its number, its money and, if `whose`, its customer.

    The money of an update is the change of its open amount.
    """
    money = ""
    if change.amount is not None and change.action in ("update", "link"):
        money = f"open {signed_money(change.amount, change.currency)}" if change.amount else ""
    elif change.amount is not None and change.action == "delete":
        money = format_money(change.amount, change.currency)
    customer = change.customer_name if whose else ""
    return record_text(change.entity, change.external_id, change.number, customer, money)


def signed_money(amount: int, currency: str) -> str:
    """Return a change with its sign: `+EUR 20.00` or `-EUR 20.00`."""
    return f"{'-' if amount < 0 else '+'}{format_money(abs(amount), currency)}"
