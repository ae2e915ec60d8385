"""Searches of people: each goes through the index that its order needs, and looks at few rows."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

from headrace.model.entity import INVOICE
from headrace.store.context import Context
from headrace.store.records.record_search import (
    Mark,
    SearchQuery,
    search_customers,
    search_documents,
)


class Plans:
    """A connection that notes how each statement of a search is carried out."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.said: list[tuple[str, str]] = []

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        plan = self._db.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        self.said.append((statement, "; ".join(row[3] for row in plan)))
        return self._db.execute(statement, parameters)


CASES = [
    ("new", "", "document_page"), ("date", "", "document_dated"),
    ("amount", "", "document_amount"), ("due", "OVERDUE", "document_unpaid"),
    ("due", "OPEN", "document_unpaid"), ("due", "DUE", "document_unpaid"),
    ("amount", "OVERDUE", "document_amount"), ("new", "PAID", "document_page"),
    ("new", "VOIDED", "document_mark"), ("date", "DISPUTED", "document_dated"),
]  # fmt: skip


@pytest.mark.parametrize(("sort", "state", "index"), CASES)
@pytest.mark.parametrize("marked", [False, True], ids=["first", "later"])
def test_a_page_of_documents_goes_through_its_index(
    sqlite_db: sqlite3.Connection, context: Context, sort: str, state: str, index: str, marked: bool
) -> None:
    after = Mark(5 if sort == "amount" else "2026", 7) if marked else None
    for descending in (True, False):
        plans = Plans(sqlite_db)
        query = SearchQuery(sort=sort, state=state, after=after, descending=descending)
        search_documents(plans, context, INVOICE, query)
        steps = plans.said[0][1]
        assert index in steps, steps
        assert not re.search(r"SCAN (document|customer)\b", steps), steps


def test_words_are_looked_up_by_id_and_number(
    sqlite_db: sqlite3.Connection, context: Context
) -> None:
    plans = Plans(sqlite_db)
    search_documents(plans, context, INVOICE, SearchQuery(text="INV-1"))
    assert "document_external" in plans.said[0][1]
    assert "document_number" in plans.said[0][1]
    assert "document_page" in plans.said[1][1]
    assert "LIMIT ?" in plans.said[1][0]
    plans = Plans(sqlite_db)
    search_customers(plans, context, SearchQuery(text="acme", sort="name"))
    assert "customer_external" in plans.said[0][1]
    assert "customer_name" in plans.said[1][1]


def test_every_condition_can_be_asked_for_at_once(db: Any, context: Context) -> None:
    for state in ("OPEN", "DUE", "OVERDUE", "PAID", "DISPUTED", "VOIDED", "WRITTEN_OFF"):
        for sort in ("new", "date", "amount", "due"):
            query = SearchQuery(
                text="x", state=state, currency="EUR", first_day="2026-01-01",
                last_day="2026-02-01", sort=sort, after=Mark(1 if sort == "amount" else "", 1),
            )  # fmt: skip
            assert search_documents(db, context, INVOICE, query).rows == []
    for state in ("OPEN", "OVERDUE", "UNAPPLIED"):
        for text in ("x", "x@y"):
            query = SearchQuery(text=text, state=state, sort="name", after=Mark("a", 1))
            assert search_customers(db, context, query).rows == []
