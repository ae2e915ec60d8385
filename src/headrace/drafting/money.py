"""Drafts the models of payments, refunds and adjustments."""

from __future__ import annotations

from headrace.drafting.ground import Ground
from headrace.drafting.roles import pick
from headrace.drafting.select import Select, text
from headrace.drafting.survey import Table
from headrace.drafting.vocabulary import INSTRUMENTS
from headrace.drafting.words import likeness


def money(ground: Ground, role: str) -> str:
    """Return the model of payments or refunds."""
    table = ground.roles.get(role)
    if table is None:
        return ""
    select = Select(table.name)
    key = table.key or next(iter(table.columns))
    select.add("external_id", select.own(key))
    select.add("customer_external_id", ground.customer(table, select))
    currency = ground.currency(table, select)
    select.add("currency", currency)
    amount = pick(table, "amount", unlike=[key])
    select.add("amount", ground.minor(amount, currency, select))
    when = pick(table, "validated_at") or ground.first_date(table)
    select.add("validated_at", ground.day(when, select, "the day on which it arrived"))
    if means := _instrument(table, select):
        select.add("instrument", means)
    select.add_found("ref_number", pick(table, "ref_number", unlike=[key]))
    return select.sql()


def _instrument(table: Table, select: Select) -> str:
    column = pick(table, "instrument")
    if column is None:
        return ""
    own = select.own(column.name)
    if set(column.values) <= {*INSTRUMENTS, "UNKNOWN"}:
        return own
    cases = [
        f"when {text(value)} then {text(name)}"
        for value in column.values
        for name in [next((n for n, said in INSTRUMENTS.items() if likeness(value, said)), "")]
        if name
    ]
    lines = "\n        ".join([f"case {own}", *cases, "else 'UNKNOWN'"])
    return f"{lines}\n    end" if cases else ""


def adjustments(ground: Ground) -> str:
    """Return the model of entries that are neither documents nor payments."""
    table = ground.roles.get("adjustments")
    if table is None:
        return ""
    select = Select(table.name)
    key = table.key or next(iter(table.columns))
    select.add("external_id", f"'A' || plain_id({select.own(key)})")
    select.add("customer_external_id", ground.customer(table, select))
    currency = ground.currency(table, select)
    select.add("currency", currency)
    amount = pick(table, "amount", unlike=[key])
    select.add("amount", ground.minor(amount, currency, select))
    when = pick(table, "booked_at") or ground.first_date(table)
    select.add("booked_at", ground.day(when, select, "the day of booking"))
    select.add_found("ref_number", pick(table, "ref_number", unlike=[key]))
    note = "Positive: the customer owes more. The A keeps these ids apart from those of payments."
    return f"-- {note}\n{select.sql()}"
