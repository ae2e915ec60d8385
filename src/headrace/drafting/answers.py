"""The questions that every new billing system raises, with answers proposed from what was seen."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from headrace.drafting.roles import pick
from headrace.drafting.survey import Column, Survey, Table
from headrace.drafting.vocabulary import ENTITIES, NO_DEBT
from headrace.drafting.words import likeness
from headrace.model.errors import ConfigurationError

NONE = "none"
NEGATIVE = "negative"


class Answers(Struct, frozen=True, kw_only=True):
    """An answer to each question; empty where there was nothing to propose."""

    leave_out: str = ""
    """Which documents nobody owes: `COLUMN=value,value` of the invoices, or `none`."""
    amount: str = ""
    """Which column is the document's amount."""
    amounts: str = ""
    """`major` for 12.50, `minor` for 1250."""
    credit_notes: str = ""
    """Where credit notes are: `COLUMN=value,value` of the invoices, `negative` for those below
    zero, a table, or `none`."""
    links: str = ""
    """What links a payment to an invoice: a table, a column of the payments, or `none`."""
    paid: str = ""
    """What else settles an invoice: a column of the invoices with a date or a mark, or `none`."""
    currency: str = ""
    """The currency where no column says it."""
    terms: int = 30
    """Days until an invoice is due where no column says it."""


class Question(Struct, frozen=True):
    """A question; `name` is the answer's field and the option of the command."""

    name: str
    text: str
    proposed: str
    seen: str
    """What the proposal rests on."""


def propose(survey: Survey, roles: Mapping[str, Table]) -> list[Question]:
    """Return the questions in their order, each with its proposed answer."""
    invoices, payments = roles.get("invoices"), roles.get("payments")
    return [
        _leave_out(invoices),
        _amount(invoices),
        _amounts(invoices or payments),
        _credit_notes(invoices, roles.get("credit_notes")),
        _links(survey, roles),
        _paid(invoices),
        _currency(invoices or payments),
    ]


def choice(text: str, option: str) -> tuple[str, tuple[str, ...]]:
    """Read `COLUMN=value,value`. Raises ConfigurationError, naming the option."""
    column, equals, values = text.partition("=")
    if not equals or not values:
        raise ConfigurationError(f"{option} {text!r}: write COLUMN=value, or COLUMN=value,value.")
    return column.strip(), tuple(value.strip() for value in values.split(","))


def meant(values: Mapping[str, int], terms: list[str]) -> list[str]:
    """Return the values that say one of the terms as a word."""
    return [value for value in values if likeness(value, terms) >= 2]


def _leave_out(invoices: Table | None) -> Question:
    status = pick(invoices, "status") if invoices else None
    out = meant(status.values, NO_DEBT) if status else []
    return Question(
        "leave_out",
        "Which documents are drafts or cancelled? They are left out.",
        f"{status.name}={','.join(out)}" if status and out else NONE,
        _listed(status) if status else "no column of states",
    )


def _amount(invoices: Table | None) -> Question:
    column = _gross(invoices) if invoices else None
    return Question(
        "amount",
        "Which column is the document's total, tax included?",
        column.name if column else "",
        f"such as {', '.join(column.samples)}" if column else "no column of amounts",
    )


def _gross(table: Table) -> Column | None:
    return pick(table, "gross_amount", unlike=[table.key or ""])


def _amounts(table: Table | None) -> Question:
    column = (_gross(table) or pick(table, "amount")) if table else None
    whole = column is not None and column.mostly(column.wholes)
    declared = column is not None and ("DECIMAL" in column.type or "DOUBLE" in column.type)
    cents = whole and not declared and not any("." in sample for sample in column.samples)  # type: ignore[union-attr]
    return Question(
        "amounts",
        "Are amounts in units (12.50: major) or in the lowest division (1250: minor)?",
        "minor" if cents else "major",
        "whole numbers only" if whole else "amounts with decimals",
    )


def _credit_notes(invoices: Table | None, own: Table | None) -> Question:
    text = "Where are credit notes?"
    if own is not None:
        return Question("credit_notes", text, own.name, f"table {own.name}, {own.rows:,} rows")
    kind = _kind(invoices) if invoices else None
    marked = meant(kind.values, ENTITIES["credit_note"]) if kind else []
    if kind and marked:
        return Question("credit_notes", text, f"{kind.name}={','.join(marked)}", _listed(kind))
    total = _gross(invoices) if invoices else None
    if total is not None and total.negatives:
        seen = f"{total.negatives:,} documents have a total below zero"
        return Question("credit_notes", text, NEGATIVE, seen)
    return Question("credit_notes", text, NONE, "no mark, no total below zero, no table")


def _kind(invoices: Table) -> Column | None:
    named = pick(invoices, "kind")
    if named is not None and meant(named.values, ENTITIES["credit_note"]):
        return named
    marked = (c for c in invoices.columns.values() if meant(c.values, ENTITIES["credit_note"]))
    return next(marked, named)


def _links(survey: Survey, roles: Mapping[str, Table]) -> Question:
    text = "What links a payment to an invoice?"
    if table := roles.get("allocations"):
        return Question("links", text, table.name, f"table {table.name}, {table.rows:,} rows")
    payments, invoices = roles.get("payments"), roles.get("invoices")
    if payments and invoices and (found := survey.refers(payments.name, invoices.name)):
        column = found[0].column
        return Question("links", text, column, f"{payments.name}.{column} holds invoices")
    return Question("links", text, NONE, "no table and no column of the payments refers to both")


def _paid(invoices: Table | None) -> Question:
    text = "What else settles an invoice, such as a tick in a box?"
    column = pick(invoices, "paid_at") if invoices else None
    if column is not None:
        return Question("paid", text, column.name, f"{column.filled:,} rows have a date there")
    return Question("paid", text, NONE, "no column with the day on which it was settled")


def _currency(table: Table | None) -> Question:
    column = pick(table, "currency") if table else None
    text = "Which currency are amounts in, where no column says it?"
    return Question(
        "currency",
        text,
        "" if column else "EUR",
        f"column {column.name}" if column else "no column of currencies",
    )


def _listed(column: Column) -> str:
    counted = ", ".join(f"{value} ({rows:,})" for value, rows in list(column.values.items())[:8])
    return f"{column.name}: {counted}"
