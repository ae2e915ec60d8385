"""Which table of a source holds which records."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.drafting.survey import Column, Survey, Table
from headrace.drafting.vocabulary import COLUMNS, PARTS, ROLES
from headrace.drafting.words import likeness

_ENOUGH = 2.0
"""Score below which a table is not proposed for a role."""


_CONFUSED = {"gross_amount": "net_amount", "net_amount": "gross_amount"}
"""Meanings that share words: `Total HT` is the net amount although it says total."""


def pick(table: Table, meaning: str, *, unlike: Iterable[str] = ()) -> Column | None:
    """Return the column of the table whose name says `meaning` best and whose values fit it."""
    taken = set(unlike)
    other = _CONFUSED.get(meaning, "")
    fitting = [
        (
            likeness(column.name, COLUMNS[meaning])
            - likeness(column.name, COLUMNS.get(other, ())) / 2,
            column,
        )
        for column in table.columns.values()
        if column.name not in taken and fits(column, meaning)
    ]
    best = max((score for score, _ in fitting), default=0.0)
    return next((column for score, column in fitting if score == best), None) if best > 0 else None


def fits(column: Column, meaning: str) -> bool:
    """Return whether the values of a column can mean this."""
    if not column.filled:
        return False
    if meaning in ("issued_at", "due_date", "validated_at", "booked_at", "paid_at"):
        return column.is_date
    if meaning in ("gross_amount", "net_amount", "amount"):
        return column.is_number
    if meaning == "currency":
        return column.mostly(column.currencies)
    if meaning == "email":
        return column.mostly(column.emails)
    if meaning in ("name", "first_name", "last_name", "address", "city", "subject"):
        return column.type == "VARCHAR" and not column.is_date and not column.is_number
    if meaning in ("kind", "status", "instrument", "source", "target"):
        return bool(column.values) and not column.is_number and not column.is_date
    return not column.is_date


def assign(survey: Survey, fixed: dict[str, str]) -> dict[str, Table]:
    """Return the table of each role that one was found for; `fixed` are those that were said.

    A role's table is never another role's too, except that invoices may hold credit notes: these
    have no table then.
    """
    chosen = {role: survey.tables[name] for role, name in fixed.items() if name in survey.tables}
    free = {t.name: t for t in survey.tables.values() if t not in chosen.values()}
    for role in ROLES:
        if role in fixed:
            continue
        scored = [(_score(survey, table, role, chosen), table) for table in free.values()]
        score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        if best is not None and score >= _ENOUGH:
            chosen[role] = best
            del free[best.name]
    return chosen


def _score(survey: Survey, table: Table, role: str, chosen: dict[str, Table]) -> float:
    named = likeness(table.name, ROLES[role])
    if likeness(table.name, PARTS) >= likeness(table.name, ROLES[role]) > 0:
        return 0.0
    rate = {
        "customers": _customers,
        "contacts": _contacts,
        "invoices": _documents,
        "credit_notes": _documents,
        "payments": _money,
        "refunds": _money,
        "allocations": _allocations,
        "adjustments": _adjustments,
    }[role]
    held = rate(survey, table, chosen)
    return named + held if named and held > 0 else 0.0


def _customers(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    if not table.key or (pick(table, "name") is None and pick(table, "last_name") is None):
        return 0.0
    referring = {r.table for r in survey.references if r.to_table == table.name}
    return 0.5 + min(len(referring - {table.name}), 4) * 0.5


def _belongs(survey: Survey, table: Table, chosen: dict[str, Table]) -> bool:
    """Whether the table's rows lead to a customer, directly or by an invoice."""
    reached = [chosen[role].name for role in ("customers", "invoices") if role in chosen]
    return any(survey.refers(table.name, name) for name in reached)


def _contacts(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    belongs = _belongs(survey, table, chosen)
    return 1.0 if belongs and pick(table, "email") is not None else 0.0


def _documents(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    if not table.key or pick(table, "gross_amount", unlike=[table.key]) is None:
        return 0.0
    dated = pick(table, "issued_at") is not None
    return (1.0 if _belongs(survey, table, chosen) else 0.0) + (0.5 if dated else 0.0)


def _money(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    if not table.key or pick(table, "amount", unlike=[table.key]) is None:
        return 0.0
    return 1.0 if _belongs(survey, table, chosen) else 0.0


def _allocations(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    ends = {r.to_table for r in survey.references if r.table == table.name}
    documents = {
        chosen[role].name
        for role in ("invoices", "credit_notes", "payments", "refunds")
        if role in chosen
    }
    if len(ends & documents) >= 2:
        return 1.5
    kinds = pick(table, "source"), pick(table, "target")
    return 1.0 if all(kinds) and pick(table, "amount") is not None else 0.0


def _adjustments(survey: Survey, table: Table, chosen: dict[str, Table]) -> float:
    customers = chosen.get("customers")
    if not table.key or customers is None or not survey.refers(table.name, customers.name):
        return 0.0
    amount = pick(table, "amount", unlike=[table.key])
    return 1.0 if amount is not None and amount.negatives else 0.0
