"""A billing system that already speaks the canonical tables, to be changed row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

_TOML = """\
[organisation.shop]
target = {{ url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET", \
rate = {rate}, timeout = "{timeout}" }}
source = {{ kind = "sql", url = "sqlite:///shop.db" }}
{more}
"""

_TABLES = {
    "customers": "external_id, name, vat_number, parent_external_id",
    "contacts": "customer_external_id, email, external_id, first_name, is_main integer",
    "invoices": "external_id, customer_external_id, custom_id, issued_at, due_date, currency, "
    "gross_amount integer, net_amount integer, name, marked_paid_at",
    "credit_notes": "external_id, customer_external_id, custom_id, issued_at, currency, "
    "gross_amount integer, net_amount integer, name",
    "payments": "external_id, customer_external_id, currency, amount integer, validated_at, "
    "instrument, ref_number",
    "refunds": "external_id, customer_external_id, currency, amount integer, validated_at",
    "allocations": "from_entity, from_external_id, to_entity, to_external_id, amount integer",
    "adjustments": "external_id, customer_external_id, currency, amount integer, booked_at",
    "settlements": "external_id, invoice_external_id, kind, amount integer, booked_at",
}
DAY = "2026-05-05"


class Shop:
    """The project folder with its database; every method writes one row, EUR unless told.

    A table other than customers and invoices exists from the first statement that names it: each
    one costs a sync some milliseconds, also while it is empty.
    """

    def __init__(
        self, folder: Path, *, rate: int = 10**6, timeout: str = "30s", more: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        text = _TOML.format(rate=rate, timeout=timeout, more=more)
        (folder / "headrace.toml").write_text(text, encoding="utf-8")
        self._open()
        self._create("customers")
        self._create("invoices")

    @classmethod
    def opened(cls, folder: Path) -> Shop:
        """One that is in the folder already."""
        made = cls.__new__(cls)
        made.folder = folder
        made._open()
        return made

    def _open(self) -> None:
        self._db = sqlite3.connect(self.folder / "shop.db", isolation_level=None)
        self._db.execute("pragma synchronous = off")

    def _create(self, table: str) -> None:
        typed = [
            column if " " in column else f"{column} text" for column in _TABLES[table].split(", ")
        ]
        self._db.execute(f"create table {table} ({', '.join(typed)})")

    def run(self, sql: str, *values: object) -> None:
        """Any statement."""
        while True:
            try:
                self._db.execute(sql, values)
                return
            except sqlite3.OperationalError as error:
                missing = str(error).removeprefix("no such table: ").removeprefix("main.")
                if missing not in _TABLES:
                    raise
                self._create(missing)

    def rows(
        self, table: str, sql: str, names: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        """Adds rows to a table, which is made by that statement if there is none."""
        if table not in self._made():
            self.run(sql)
        marks = ", ".join("?" * len(names))
        self._db.executemany(f"insert into {table} ({', '.join(names)}) values ({marks})", rows)

    def clear(self) -> None:
        """Removes all rows."""
        for table in self._made():
            self.run(f"delete from {table}")

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever changes within a `with` is as before at its end."""
        with closing(sqlite3.connect(":memory:")) as kept:
            self._db.backup(kept)
            try:
                yield
            finally:
                kept.backup(self._db)

    def _made(self) -> list[str]:
        return [name for (name,) in self._db.execute("select name from sqlite_master")]

    def _insert(self, table: str, values: Mapping[str, object]) -> None:
        marks = ", ".join("?" * len(values))
        self.run(f"insert into {table} ({', '.join(values)}) values ({marks})", *values.values())

    def customer(self, name: str, parent: str | None = None) -> None:
        self._insert(
            "customers",
            {"external_id": name, "name": f"Customer {name}", "parent_external_id": parent},
        )

    def contact(self, customer: str, email: str) -> None:
        self._insert("contacts", {"customer_external_id": customer, "email": email})

    def invoice(
        self, name: str, customer: str, amount: int, *, day: str = DAY, paid: str | None = None
    ) -> None:
        """`paid` is the day on which it was ticked off."""
        self._insert(
            "invoices",
            {
                "external_id": name,
                "customer_external_id": customer,
                "custom_id": f"No {name}",
                "issued_at": day,
                "due_date": day,
                "currency": "EUR",
                "gross_amount": amount,
                "net_amount": amount,
                "marked_paid_at": paid,
            },
        )

    def customers_with_invoices(self, count: int) -> None:
        """C0, C1 and so on, each with an invoice of 10.00: I0, I1."""
        for number in range(count):
            self.customer(f"C{number}")
            self.invoice(f"I{number}", f"C{number}", 1000)

    def credit_note(
        self, name: str, customer: str, amount: int, settles: Mapping[str, int] = {}
    ) -> None:
        self._insert(
            "credit_notes",
            {
                "external_id": name,
                "customer_external_id": customer,
                "custom_id": f"No {name}",
                "issued_at": DAY,
                "currency": "EUR",
                "gross_amount": amount,
                "net_amount": amount,
            },
        )
        self.allocate("credit_note", name, "invoice", settles)

    def payment(
        self,
        name: str,
        customer: str,
        amount: int,
        settles: Mapping[str, int] = {},
        *,
        day: str = DAY,
    ) -> None:
        """`settles`: how much of which invoice."""
        self._money("payments", name, customer, amount, day)
        self.allocate("payment", name, "invoice", settles)

    def refund(
        self, name: str, customer: str, amount: int, of_payments: Mapping[str, int] = {}
    ) -> None:
        self._money("refunds", name, customer, amount, DAY)
        self.allocate("refund", name, "payment", of_payments)

    def _money(self, table: str, name: str, customer: str, amount: int, day: str) -> None:
        self._insert(
            table,
            {
                "external_id": name,
                "customer_external_id": customer,
                "currency": "EUR",
                "amount": amount,
                "validated_at": day,
            },
        )

    def allocate(self, entity: str, name: str, to: str, amounts: Mapping[str, int]) -> None:
        for target, amount in amounts.items():
            self.run(
                "insert into allocations values (?, ?, ?, ?, ?)", entity, name, to, target, amount
            )

    def adjustment(self, name: str, customer: str, amount: int) -> None:
        self._insert(
            "adjustments",
            {
                "external_id": name,
                "customer_external_id": customer,
                "currency": "EUR",
                "amount": amount,
                "booked_at": DAY,
            },
        )

    def drop(self, table: str, name: str) -> None:
        """Removes a document with its allocations."""
        self.run(f"delete from {table} where external_id = ?", name)
        entity = table.removesuffix("s")
        self.run(
            "delete from allocations where (from_entity = ? and from_external_id = ?) "
            "or (to_entity = ? and to_external_id = ?)",
            *(entity, name) * 2,
        )

    def close(self) -> None:
        self._db.close()
