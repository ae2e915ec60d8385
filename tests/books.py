"""A book over rows given in the test, with canonical tables as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.model.project import FamilyRule

Rows = list[dict[str, Any]]
NONE: Rows = []
"""For a table that is there and has no rows: its model makes none."""


def customer(external_id: str, **more: Any) -> dict[str, Any]:
    return {"external_id": external_id, "name": f"Customer {external_id}", **more}


def invoice(
    external_id: str, customer: str = "c1", gross: Any = 100, **more: Any
) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "customer_external_id": customer,
        "custom_id": f"N-{external_id}",
        "issued_at": "2026-01-10",
        "due_date": "2026-02-10",
        "currency": "EUR",
        "gross_amount": gross,
        "net_amount": gross,
        **more,
    }


def credit_note(
    external_id: str, customer: str = "c1", gross: int = 100, **more: Any
) -> dict[str, Any]:
    note = invoice(external_id, customer, gross, **more)
    del note["due_date"]
    return note


def payment(
    external_id: str, customer: str = "c1", amount: Any = 100, **more: Any
) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "customer_external_id": customer,
        "currency": "EUR",
        "amount": amount,
        "validated_at": "2026-03-01",
        **more,
    }


def allocation(source: str, target: str, amount: Any = 100) -> dict[str, Any]:
    """`allocation("payment p1", "invoice i1")`."""
    from_entity, from_id = source.split()
    to_entity, to_id = target.split()
    return {
        "from_entity": from_entity,
        "from_external_id": from_id,
        "to_entity": to_entity,
        "to_external_id": to_id,
        "amount": amount,
    }


def build(folder: Path, family_payments: FamilyRule = "as_is", **tables: Rows) -> Book:
    """Stages the rows under the canonical names, builds the book and checks all of it."""
    book = Book(folder / "cache.duckdb", family_payments=family_payments, readable=[folder])
    fill(book, folder, **tables)
    book.check()
    book.mark()
    return book


def fill(book: Book, folder: Path, **tables: Rows) -> None:
    """Stages the rows and builds the book."""
    with book.staging() as connection:
        for name, rows in tables.items():
            if not rows:
                continue
            path = folder / f"{name}.json"
            path.write_bytes(msgspec.json.encode(rows))
            connection.execute(
                f"create or replace table source.{name} as "
                f"from read_json('{path}', sample_size = -1, convert_strings_to_integers = false)"
            )
    book.build(load_models(folder / "no-models", [name for name in tables if tables[name]]))


def problems(book: Book) -> set[tuple[str, str, str]]:
    """(entity, external id, problem) of the errors."""
    return {
        (found.entity, found.external_id, found.problem)
        for found in book.problems()
        if found.severity == "error"
    }


def withheld(book: Book) -> dict[tuple[str, str], str]:
    """(entity, external id) to the reason."""
    rows = book.connection.execute("from book.withheld").fetchall()
    return {(entity, external_id): reason for entity, external_id, reason in rows}


def links(book: Book) -> set[tuple[str, str, int]]:
    """(what settles, what is settled, amount) of the links that travel."""
    rows = book.connection.execute(
        "select from_external_id, to_external_id, amount from book.links"
    ).fetchall()
    return set(rows)
