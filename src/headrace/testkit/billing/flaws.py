"""Adds one row of each kind that an import must refuse and report."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from headrace.testkit.billing.database import Database, opened
from headrace.testkit.billing.generator import TODAY

_FIRST = 900_000_000
"""Number of the first flawed row."""


class Flaw(Struct, frozen=True):
    """A flawed record and its error."""

    problem: str
    entity: str
    external_id: str


def bad_rows(database: str | Path) -> list[Flaw]:
    """Add the flawed rows and the valid ones that they refer to; returns what must be reported.

    The valid ones are customer 900000000 and its invoice 900000000, which must be delivered.
    """
    with opened(database) as connection:
        return _add(connection)


def _add(database: Database) -> list[Flaw]:
    n = _FIRST
    for number, parent in ((n, None), (n + 1, n + 99), (n + 2, n + 3), (n + 3, n + 2)):
        database.insert(
            "clients",
            [(number, f"Flawed {number}", None, None, None, None, None, "France", parent)],
        )
    database.insert("people", [(n, n, "No", "Mail", None, None, None, 1)])
    bills = [
        _bill(n),
        _bill(n + 1, currency="XXQ"),
        _bill(n + 2, due="2020-01-01"),
        _bill(n + 3, total="n/a"),
        _bill(n + 4),
        _bill(n + 4),
    ]
    database.insert("bills", bills)
    day = TODAY.isoformat()
    database.insert("money_in", [(n, n, day, "EUR", "10.00", "CARD", "flawed")])
    database.insert("applied", [("RECEIPT", n, "BILL", n, "20.00")])
    return [
        Flaw("no e-mail", "contact", str(n)),
        Flaw("unknown parent", "child", str(n + 1)),
        Flaw("cycle of parents", "child", str(n + 2)),
        Flaw("cycle of parents", "child", str(n + 3)),
        Flaw("unknown currency", "invoice", str(n + 1)),
        Flaw("due before issued", "invoice", str(n + 2)),
        Flaw("text where a number belongs", "invoice", str(n + 3)),
        Flaw("duplicate external id", "invoice", str(n + 4)),
        Flaw("allocation over the amount", "link", f"payment {n} → invoice {n}"),
    ]


def _bill(
    number: int, *, currency: str = "EUR", total: str = "100.00", due: str = "2026-12-20"
) -> tuple[object, ...]:
    issued = TODAY.isoformat()
    row = (number, f"INV-{number}", "INVOICE", _FIRST, issued, due, currency, total, "80.00")
    return (*row, "Flawed", None, None)
