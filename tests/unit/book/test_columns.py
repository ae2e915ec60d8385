"""Every delivered column reaches the fingerprint and the payload; none can be forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from books import fill
from headrace.book.book import Book
from headrace.book.payloads import Payloads, encode_payload
from headrace.book.tables import TABLES, Column

NOT_DELIVERED = {
    ("customers", "account_manager"),
    ("customers", "dunning_plan"),
    ("customers", "custom_fields"),
}
KEYS = {("allocations", name) for name in ("from_entity", "from_external_id", "to_entity")}
DOCUMENTS = ("documents", "adjustments", "control", "control_totals")
CASES = [
    (table.name, column)
    for table in TABLES
    if table.name not in DOCUMENTS
    for column in table.columns
    if column.name != "external_id" or table.name == "contacts"
    if (table.name, column.name) not in NOT_DELIVERED | KEYS
]


def rows() -> dict[str, list[dict[str, Any]]]:
    """One row of everything, every column filled; a second customer and invoice to point at."""
    filled = {
        table.name: [{column.name: _value(column, "a") for column in table.columns}]
        for table in TABLES
        if table.name not in DOCUMENTS
    }
    for name, changes in {
        "customers": {"external_id": "c1", "parent_external_id": "c8"},
        "contacts": {"customer_external_id": "c1", "email": "a@x.test"},
        "invoices": {"customer_external_id": "c1", "external_id": "i1", "currency": "EUR"},
        "credit_notes": {"customer_external_id": "c1", "external_id": "n1", "currency": "EUR"},
        "payments": {"customer_external_id": "c1", "external_id": "p1", "currency": "EUR"},
        "refunds": {"customer_external_id": "c1", "external_id": "r1", "currency": "EUR"},
        "allocations": {
            "from_entity": "payment", "from_external_id": "p1",
            "to_entity": "invoice", "to_external_id": "i1", "amount": 60,
        },
    }.items():  # fmt: skip
        filled[name][0].update(changes)
    filled["invoices"][0]["marked_paid_at"] = None
    filled["customers"] += [{**filled["customers"][0], "external_id": c} for c in ("c8", "c9")]
    for customer in filled["customers"][1:]:
        customer["parent_external_id"] = None
    return filled


def _value(column: Column, text: str) -> Any:
    number = {"a": 100, "b": 50}[text]
    by_kind = {
        "amount": number,
        "instant": {"a": "2026-01-02", "b": "2026-01-03"}[text],
        "flag": text == "a",
        "json": {"k": text},
    }
    return by_kind.get(column.kind, text)


def _changed(table: str, column: Column) -> Any:
    special = {
        "customer_external_id": "c9",
        "parent_external_id": "c9",
        "email": "b@x.test",
        "currency": "USD",
        "to_entity": "credit_note",
        "to_external_id": "i2",
        "marked_paid_at": "2026-02-02",
    }
    return special.get(column.name, _value(column, "b"))


class Before:
    """The book of `rows`, whose rows a test replaces by its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.book = Book(folder / "cache.duckdb", readable=[folder])
        self.fill(rows())
        self.marks, self.bodies = fingerprints(self.book), payloads(self.book)

    def fill(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        fill(self.book, self._folder, **tables)
        self.book.check()
        self.book.mark()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    before = Before(tmp_path_factory.mktemp("columns"))
    yield before
    before.book.close()


def fingerprints(book: Book) -> dict[tuple[str, str], int]:
    found = book.connection.execute(
        "select entity, external_id, fingerprint from book.fingerprints"
    )
    return {(entity, external_id): mark for entity, external_id, mark in found.fetchall()}


def payloads(book: Book) -> dict[tuple[str, str], bytes]:
    reader = Payloads(book.connection, book.columns)
    return {
        (entity, external_id): encode_payload(record)[0]
        for entity, ids in _ids(book).items()
        for external_id, record in reader.fetch(entity, ids).items()
    }


def _ids(book: Book) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for entity, external_id in fingerprints(book):
        ids.setdefault(entity, []).append(external_id)
    return ids


@pytest.mark.parametrize(
    ("table", "column"), CASES, ids=lambda value: getattr(value, "name", value)
)
def test_a_change_is_seen_and_sent(before: Before, table: str, column: Column) -> None:
    changed = rows()
    changed[table][0][column.name] = _changed(table, column)
    before.fill(changed)
    marks, bodies = fingerprints(before.book), payloads(before.book)
    moved = {key for key, mark in marks.items() if before.marks.get(key) != mark}
    sent = {key for key, body in bodies.items() if before.bodies.get(key) != body}
    assert moved == sent
    assert len(moved) >= 1
