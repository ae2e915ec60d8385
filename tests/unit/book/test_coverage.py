"""Rows of the source that no model selects, and models whose joins find nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.book.models.coverage import Uncovered
from headrace.book.models.models import load_models

ROWS = 20
MODELS = {
    "customers": "select 'c' || id as external_id, name from clients",
    "invoices": """
        with totals as (select bill, sum(amount) as total from lines group by bill)
        select b.id as external_id, 'c1' as customer_external_id, b.id as custom_id,
            date '2026-01-01' as issued_at, date '2026-02-01' as due_date, 'EUR' as currency,
            totals.total as gross_amount, totals.total as net_amount
        from bills as b join totals on totals.bill = b.id
        where b.kind = 'I' and totals.total > 0
    """,
    "credit_notes": """
        select id as external_id, 'c1' as customer_external_id, id as custom_id, 'EUR' as currency,
            1 as gross_amount, 1 as net_amount
        from bills where bills.kind = 'C'
    """,
    "allocations": """
        select 'payment' as from_entity, a.id as from_external_id, 'invoice' as to_entity,
            a.bill as to_external_id, 1 as amount
        from applied as a join bills on bills.id = a.bill
    """,
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    folder = tmp_path / "models"
    folder.mkdir()
    for name, sql in MODELS.items():
        (folder / f"{name}.sql").write_text(sql, encoding="utf-8")
    with Book(tmp_path / "cache.duckdb") as book:
        with book.staging() as connection:
            connection.execute(f"""
                create table source.clients as select 1 as id, 'One' as name;
                create table source.bills as
                    select 'b' || n as id,
                        case when n < 12 then 'I' when n < 15 then 'C' else 'X' end as kind
                    from range({ROWS}) as numbers(n);
                create table source.lines as select id as bill, 5 as amount from source.bills;
                create table source.applied as
                    select 'p' || n as id, 'other ' || n as bill from range({ROWS}) as numbers(n);
            """)
        yield book


def _found(book: Book, folder: Path) -> set[tuple[str, str, str, str]]:
    book.build(load_models(folder / "models", ["clients", "bills", "lines", "applied"]))
    book.check()
    return {
        (p.severity, p.entity, p.external_id, p.problem)
        for p in book.problems()
        if p.external_id == "*"
    }


def test_a_model_whose_joins_find_nothing_is_an_error(book: Book, tmp_path: Path) -> None:
    lost = f"has no rows, though its model selects {ROWS} of applied"
    assert _found(book, tmp_path) == {("error", "allocation", "*", lost)}


def test_a_few_rows_that_find_nothing_are_a_warning(book: Book, tmp_path: Path) -> None:
    with book.staging() as connection:
        connection.execute("delete from source.applied where id not in ('p1', 'p2')")
    lost = "has no rows, though its model selects 2 of applied"
    assert _found(book, tmp_path) == {("warning", "allocation", "*", lost)}


def test_rows_that_no_model_selects_are_counted_by_their_table(book: Book, tmp_path: Path) -> None:
    _found(book, tmp_path)
    assert book.uncovered() == [Uncovered("bills", ROWS, 5, ["credit_notes.sql", "invoices.sql"])]
