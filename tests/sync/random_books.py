"""Small made-up books for property tests: every kind of record, every link that the checks allow.

All of them draw from the same few names, so that of two books one changes, moves, empties and
removes what the other has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""Rows by canonical table, each with all columns of that table."""

_TOML = """\
[organisation.made-up]
target = {{ url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET", \
rate = 1000000 }}
source = {{ kind = "sql", url = "sqlite:///book.db" }}
create_missing_custom_fields = true
{settings}
"""

_COLUMNS = {
    "customers": "external_id name vat_number accounting_ref address city country "
    "parent_external_id custom_fields",
    "contacts": "customer_external_id email external_id first_name phone is_main",
    "invoices": "external_id customer_external_id custom_id issued_at due_date currency "
    "gross_amount net_amount name marked_paid_at",
    "credit_notes": "external_id customer_external_id custom_id issued_at due_date currency "
    "gross_amount net_amount name",
    "payments": "external_id customer_external_id currency amount validated_at instrument "
    "ref_number",
    "refunds": "external_id customer_external_id currency amount validated_at instrument "
    "ref_number",
    "allocations": "from_entity from_external_id to_entity to_external_id amount",
    "adjustments": "external_id customer_external_id currency amount booked_at ref_number",
    "settlements": "external_id invoice_external_id kind amount booked_at ref_number",
}
_WHOLE_NUMBERS = {"amount", "gross_amount", "net_amount", "is_main"}

_TEXTS = st.sampled_from((None, None, "one", "two"))
_DAYS = st.sampled_from(("2026-01-05", "2026-02-05", "2026-03-05", "2027-01-05"))
_CURRENCIES = st.sampled_from(("EUR", "EUR", "EUR", "EUR", "USD"))
_AMOUNTS = st.sampled_from((100, 100, 200, 300, 1_000))
_KINDS = st.sampled_from(("write_off", "withholding_tax"))
_FIELDS = st.sampled_from((None, None, '{"Region": "North"}', '{"Region": "South", "Rank": 2}'))


class BookProject:
    """A project folder whose source is whichever book was put there last."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        text = _TOML.format(settings=settings)
        (folder / "headrace.toml").write_text(text, encoding="utf-8")
        self._db = sqlite3.connect(folder / "book.db", isolation_level=None)
        self._db.execute("pragma synchronous = off")
        for table, columns in _COLUMNS.items():
            typed = [
                f"{name} {'integer' if name in _WHOLE_NUMBERS else 'text'}"
                for name in columns.split()
            ]
            self._db.execute(f"create table {table} ({', '.join(typed)})")

    def put(self, book: Rows) -> None:
        """The source is this book from now on."""
        self._db.execute("begin")
        for table in _COLUMNS:
            self._db.execute(f"delete from {table}")
            for row in book[table]:
                marks = ", ".join("?" * len(row))
                names = ", ".join(row)
                self._db.execute(
                    f"insert into {table} ({names}) values ({marks})", tuple(row.values())
                )
        self._db.execute("commit")

    def close(self) -> None:
        self._db.close()


@st.composite
def books(draw: Callable[[st.SearchStrategy[T]], T], custom_fields: bool = False) -> Rows:
    """One book, with at least one customer, that the checks find nothing in."""
    return _Writer(draw, custom_fields).write()


class _Writer:
    """Draws one book, rows that others refer to first."""

    def __init__(self, draw: Callable[[st.SearchStrategy[T]], T], custom_fields: bool) -> None:
        self._draw = draw
        self._fields = _FIELDS if custom_fields else st.none()
        self.book: Rows = {table: [] for table in _COLUMNS}
        self._root: dict[str, str] = {}
        self._rest: dict[tuple[str, str], int] = {}
        """What no allocation has taken of each document."""

    def write(self) -> Rows:
        self._customers()
        for customer in list(self._root):
            self._contacts(customer)
        self._documents("invoices", "I", 5, self._bill)
        self._documents("credit_notes", "N", 2, self._note)
        self._documents("payments", "P", 4, self._money)
        self._documents("refunds", "R", 2, self._money)
        self._documents("adjustments", "J", 2, self._adjustment)
        self._allocate("credit_notes", "invoices")
        self._allocate("payments", "invoices")
        self._allocate("refunds", "payments")
        self._allocate("refunds", "credit_notes")
        self._settle()
        return self.book

    def _some(self, letter: str, most: int) -> list[str]:
        names = [f"{letter}{number}" for number in range(most)]
        return self._draw(st.lists(st.sampled_from(names), unique=True, max_size=most))

    def _customers(self) -> None:
        for name in self._some("C", 4) or ["C0"]:
            parent = self._draw(st.sampled_from((None, None, *self._root)))
            self._root[name] = name if parent is None else self._root[str(parent)]
            self.book["customers"].append(
                {
                    "external_id": name,
                    "name": f"Customer {name}",
                    "parent_external_id": parent,
                    "custom_fields": self._draw(self._fields),
                    **self._texts("vat_number", "accounting_ref", "address", "city", "country"),
                }
            )

    def _contacts(self, customer: str) -> None:
        emails = self._draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
        ids = self._draw(st.permutations(("p", "q", None, None)))
        main = self._draw(st.sampled_from((None, *emails)))
        for email, external_id in zip(emails, ids, strict=False):
            self.book["contacts"].append(
                {
                    "customer_external_id": customer,
                    "email": f"{email}@{customer}.test".lower(),
                    "external_id": external_id and f"{external_id}-{customer}",
                    "is_main": None if main is None else email == main,
                    **self._texts("first_name", "phone"),
                }
            )

    def _texts(self, *names: str) -> Row:
        return {name: self._draw(_TEXTS) for name in names}

    def _documents(self, table: str, letter: str, most: int, rest: Callable[[], Row]) -> None:
        for name in self._some(letter, most):
            row = {
                "external_id": name,
                "customer_external_id": self._draw(st.sampled_from(tuple(self._root))),
                "currency": self._draw(_CURRENCIES),
                **rest(),
            }
            self.book[table].append(row)
            self._rest[table, name] = row.get("gross_amount", row.get("amount"))

    def _bill(self) -> Row:
        days = sorted(self._draw(st.tuples(_DAYS, _DAYS)))
        return {
            "custom_id": self._draw(st.sampled_from(("No 1", "No 2"))),
            "issued_at": days[0],
            "due_date": days[1],
            "marked_paid_at": self._draw(st.sampled_from((None, None, None, "2026-04-05"))),
            **self._gross(),
        }

    def _note(self) -> Row:
        day = st.none() | _DAYS
        return {
            "custom_id": self._draw(st.sampled_from(("No 1", "No 2"))),
            "issued_at": self._draw(day),
            "due_date": self._draw(day),
            **self._gross(),
        }

    def _gross(self) -> Row:
        gross = self._draw(_AMOUNTS)
        net = self._draw(st.sampled_from((gross, gross // 2)))
        return {"gross_amount": gross, "net_amount": net, **self._texts("name")}

    def _money(self) -> Row:
        return {
            "amount": self._draw(_AMOUNTS),
            "validated_at": self._draw(_DAYS),
            "instrument": self._draw(st.sampled_from((None, "CHECK", "WIRE_TRANSFER"))),
            **self._texts("ref_number"),
        }

    def _adjustment(self) -> Row:
        sign = self._draw(st.sampled_from((1, -1)))
        return {
            "amount": sign * self._draw(_AMOUNTS),
            "booked_at": self._draw(_DAYS),
            **self._texts("ref_number"),
        }

    def _allocate(self, table: str, to_table: str) -> None:
        """Whole or partial, within one family."""
        for row in self.book[table]:
            for to in self.book[to_table]:
                source, target = (table, row["external_id"]), (to_table, to["external_id"])
                room = min(self._rest[source], self._rest[target])
                if not room or row["currency"] != to["currency"] or not self._related(row, to):
                    continue
                amount = self._draw(st.sampled_from((0, room, room, (room + 1) // 2)))
                if not amount:
                    continue
                self._rest[source] -= amount
                self._rest[target] -= amount
                self.book["allocations"].append(
                    {
                        "from_entity": table.removesuffix("s"),
                        "from_external_id": row["external_id"],
                        "to_entity": to_table.removesuffix("s"),
                        "to_external_id": to["external_id"],
                        "amount": amount,
                    }
                )

    def _settle(self) -> None:
        """Some of what is open, without cash."""
        for name in self._some("S", 2) if self.book["invoices"] else ():
            invoice = self._draw(st.sampled_from(self.book["invoices"]))["external_id"]
            room = self._rest["invoices", invoice]
            if not room:
                continue
            amount = self._draw(st.sampled_from((room, (room + 1) // 2)))
            self._rest["invoices", invoice] -= amount
            self.book["settlements"].append(
                {
                    "external_id": name,
                    "invoice_external_id": invoice,
                    "kind": self._draw(_KINDS),
                    "amount": amount,
                    "booked_at": self._draw(_DAYS),
                    **self._texts("ref_number"),
                }
            )

    def _related(self, row: Mapping[str, Any], to: Mapping[str, Any]) -> bool:
        one, other = row["customer_external_id"], to["customer_external_id"]
        return self._root[one] == self._root[other]
