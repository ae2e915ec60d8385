"""What is left out of a query because no model makes its tables would have given no rows."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from wrong_rows import WRONG

from books import fill
from headrace.book.book import Book
from headrace.book.building import Builder
from headrace.book.queries.branches import without_absent
from headrace.book.tables import BY_NAME

EVERYTHING = frozenset({*BY_NAME, "fixes"})
_PLAIN = WRONG | {
    "invoices": [
        {column: value for column, value in row.items() if column != "marked_paid_at"}
        for row in WRONG["invoices"]
    ],
    "adjustments": [
        {
            "external_id": f"a{amount}",
            "customer_external_id": "c1",
            "currency": "EUR",
            "amount": amount,
            "booked_at": "2026-02-01",
        }
        for amount in (5, -5)
    ],
    "contacts": [
        {"customer_external_id": "c1", "external_id": "k", "email": f"{name}@b.test"}
        for name in ("a", "b")
    ],
    "documents": [{"entity": "invoice", "external_id": "i1", "etag": "e", "location": "i1.pdf"}]
    * 2,
}
"""Rows of every table, and invoices of which none can be marked as paid."""
_MADE = ("problems", "findings", "withheld", "fingerprints", "allocation_marks")
_VIEWS = (
    *("links", "stated_links", "all_payments", "all_refunds", "all_documents", "placed"),
    *("numbered", "known", "sizes"),
)
_OTHERS = sorted(_PLAIN.keys() - {"customers", "invoices"})


def _tables(book: Book) -> dict[str, list[Any]]:
    book.check()
    book.mark()
    found = {
        name: sorted(book.connection.execute(f"from book.{name}").fetchall(), key=repr)
        for name in (*_MADE, *_VIEWS)
    }
    found["sizes"] = [row for row in found["sizes"] if row[1]]
    return found


@pytest.mark.parametrize("tables", [("invoices",), *((one, "invoices") for one in _OTHERS), ()])
@pytest.mark.parametrize("paid", [False, True], ids=["open", "paid"])
def test_a_book_of_few_tables_is_the_same_with_the_queries_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: tuple[str, ...], paid: bool
) -> None:
    source = _PLAIN | {"invoices": WRONG["invoices"]} if paid else _PLAIN
    rows = {name: source[name] for name in ("customers", *tables)}
    with Book(tmp_path / "cache.duckdb", contacts="separately", readable=[tmp_path]) as book:
        fill(book, tmp_path, **rows)
        few = _tables(book)
        # Another build makes all of it again.
        monkeypatch.setattr(Builder, "present", EVERYTHING)
        book.build(book.models)
        whole = _tables(book)
    assert few == whole
    assert few["problems"] and few["fingerprints"]


def test_every_branch_names_tables_that_there_are() -> None:
    named = []
    for folder in ("", "derivation", "checks", "checks/rules", "checks/summaries"):
        for entry in resources.files("headrace.book").joinpath(folder).iterdir():
            if entry.name.endswith(".sql"):
                text = entry.read_text(encoding="utf-8")
                named += re.findall(r"/\* with: (.*) \*/", text)
                assert without_absent(text, EVERYTHING) == text
                assert "/* with: " not in without_absent(text, ()), entry.name
    assert len(named) > 20
    assert {table for names in named for table in names.split(", ")} <= EVERYTHING


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "from a\nunion all /* with: b */\nfrom b\nunion all\nfrom c;\nselect 1",
            "from a\nunion all\nfrom c;\nselect 1",
        ),
        ("from a\nunion all /* with: b */\nfrom b\nwhere b;\n\nfrom c", "from a;\n\nfrom c"),
        ("from a\nunion all by name /* with: b, c */\nfrom b\n\nfrom c", "from a\n\nfrom c"),
        (
            "with d as (\n    from a\n    union all /* with: b */\n    from b\n)\nfrom d",
            "with d as (\n    from a\n)\nfrom d",
        ),
        (
            "from a\nunion all /* with: b */\nfrom (\n    from b\n    union all\n    from c\n)\n"
            "union all /* with: c, e */\nfrom c",
            "from a\nunion all /* with: c, e */\nfrom c",
        ),
    ],
)
def test_a_branch_ends_where_its_query_does(text: str, left: str) -> None:
    assert without_absent(text, {"e"}) == left
    assert without_absent(text, {"b", "c", "e"}) == text
