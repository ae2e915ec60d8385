"""Generates a billing database of any size; a seed gives the same content on every engine."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.testkit.billing.database import Database, Row, opened, sqlite_path
from headrace.testkit.billing.family import families
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.billing.schema import CREATE, INDEXES

TODAY = date(2026, 11, 20)
"""Last day of the generated history. It is fixed, so that the content does not change."""

_BATCH = 20_000


class Counts(Struct, frozen=True):
    """Number of rows in a generated database, by canonical table."""

    customers: int
    contacts: int
    invoices: int
    credit_notes: int
    payments: int
    refunds: int
    allocations: int
    adjustments: int
    marked_paid: int
    """Number of invoices that are marked as paid and not covered; each gets a fix."""
    documents: int
    """Number of PDF files."""

    @property
    def requests(self) -> int:
        """Number of requests of a first import without PDFs."""
        records = self.customers + self.invoices + self.credit_notes + self.payments + self.refunds
        return records + self.adjustments + self.marked_paid


def generate(
    url_or_path: str | Path,
    *,
    records: int = 20_000,
    seed: int = 1,
    pdf_folder: str | Path | None = None,
) -> Counts:
    """Create the tables in an empty database and fill them with about `records` records.

    A record is a customer, invoice, credit note, payment or refund. `url_or_path` is a file for
    SQLite, `sqlite:///FILE`, `postgresql://…`, or any URL that SQLAlchemy supports when it is
    installed. With `pdf_folder`, every bill gets a small valid PDF there. Raises ConfigurationError
    when the database already has such tables or its driver is missing.
    """
    path = sqlite_path(url_or_path)
    if path is not None and path.exists() and path.stat().st_size:
        raise ConfigurationError(f"{path} is there already: name a new file or remove it.")
    folder = Path(pdf_folder) if pdf_folder is not None else None
    totals = _Totals()
    with opened(url_or_path, careless=True) as database:
        for statement in CREATE:
            database.run(statement)
        waiting: dict[str, list[Row]] = {}
        for rows in families(Random(seed), TODAY, records):
            if folder is not None:
                rows["bills"] = _with_pdfs(rows["bills"], folder)
            totals.add(rows)
            for table, more in rows.items():
                pending = waiting.setdefault(table, [])
                pending += more
                if len(pending) >= _BATCH:
                    _flush(database, table, pending)
        for table, pending in waiting.items():
            _flush(database, table, pending)
        for statement in INDEXES:
            database.run(statement)
    return totals.counts()


def _flush(database: Database, table: str, rows: list[Row]) -> None:
    if rows:
        database.insert(table, rows)
        rows.clear()


def _with_pdfs(bills: list[Row], folder: Path) -> list[Row]:
    folder.mkdir(parents=True, exist_ok=True)
    filed = []
    for bill in bills:
        path = folder.absolute() / f"{bill[1]}.pdf"
        path.write_bytes(small_pdf(f"{bill[1]}  {bill[6]} {bill[7]}"))
        filed.append((*bill[:-1], str(path)))
    return filed


class _Totals:
    """Row counts, gathered family by family."""

    def __init__(self) -> None:
        self._tables: dict[str, int] = {}
        self._kinds: dict[str, int] = {"INVOICE": 0, "CREDIT": 0, "settled": 0, "pdf": 0}

    def add(self, rows: dict[str, list[Row]]) -> None:
        for table, more in rows.items():
            self._tables[table] = self._tables.get(table, 0) + len(more)
        for bill in rows["bills"]:
            self._kinds[bill[2]] += 1
            self._kinds["settled"] += bill[10] is not None
            self._kinds["pdf"] += bill[11] is not None

    def counts(self) -> Counts:
        table = self._tables.get
        return Counts(
            customers=table("clients", 0),
            contacts=table("people", 0),
            invoices=self._kinds["INVOICE"],
            credit_notes=self._kinds["CREDIT"],
            payments=table("money_in", 0),
            refunds=table("money_out", 0),
            allocations=table("applied", 0),
            adjustments=table("journal", 0),
            marked_paid=self._kinds["settled"],
            documents=self._kinds["pdf"],
        )
