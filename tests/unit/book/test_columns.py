"""Every delivered column reaches the fingerprint and the payload; none can be forgotten."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from books import fill
from headrace.book.book import Book
from headrace.book.payloads.payloads import Payloads, encode_payload
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
    """One row of everything, every column filled; more customers and invoices to point at."""
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
        "settlements": {"invoice_external_id": "i8", "kind": "write_off", "amount": 30},
    }.items():  # fmt: skip
        filled[name][0].update(changes)
    filled["invoices"][0]["marked_paid_at"] = None
    filled["invoices"] += [{**filled["invoices"][0], "external_id": i} for i in ("i8", "i9")]
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
        "invoice_external_id": "i9",
        "marked_paid_at": "2026-02-02",
    }
    return special.get(column.name, _value(column, "b"))


def _of_case(number: int, case: tuple[str, Column] | None) -> dict[str, list[dict[str, Any]]]:
    """The rows of a case, which share no id with another's; with its column changed, if given."""
    made = rows()
    if case is not None:
        table, column = case
        made[table][0][column.name] = _changed(table, column)
    for each in made.values():
        for row in each:
            for name, value in row.items():
                if value is not None and name.endswith(("external_id", "custom_id")):
                    row[name] = f"{value}#{number}"
    return made


def _together(cases: Sequence[tuple[str, Column] | None]) -> dict[str, list[dict[str, Any]]]:
    made = [_of_case(number, case) for number, case in enumerate(cases)]
    return {table: [row for one in made for row in one[table]] for table in made[0]}


class Change:
    """A book in which each case has rows of its own, before and after its column changed."""

    def __init__(self, folder: Path) -> None:
        with Book(folder / "cache.duckdb", readable=[folder]) as book:
            self.before = self._filled(book, folder, _together([None] * len(CASES)))
            self.after = self._filled(book, folder, _together(CASES))

    @staticmethod
    def _filled(
        book: Book, folder: Path, tables: dict[str, list[dict[str, Any]]]
    ) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], bytes]]:
        fill(book, folder, **tables)
        book.check()
        book.mark()
        return fingerprints(book), payloads(book)

    def moved(self, number: int) -> set[tuple[str, str]]:
        """The records of a case whose fingerprint changed."""
        return self._differing(number, self.before[0], self.after[0])

    def sent(self, number: int) -> set[tuple[str, str]]:
        """The records of a case whose payload changed."""
        return self._differing(number, self.before[1], self.after[1])

    @staticmethod
    def _differing(
        number: int, before: Mapping[tuple[str, str], object], after: Mapping[Any, object]
    ) -> set[tuple[str, str]]:
        return {
            key
            for key, value in after.items()
            if key[1].endswith(f"#{number}") and before.get(key) != value
        }


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Change:
    return Change(tmp_path_factory.mktemp("columns"))


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
    "number", range(len(CASES)), ids=[f"{table}-{column.name}" for table, column in CASES]
)
def test_a_change_is_seen_and_sent(change: Change, number: int) -> None:
    moved = change.moved(number)
    assert moved == change.sent(number)
    assert len(moved) >= 1
