"""Every known system is recognised by its tables, and no two are taken for each other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from warehouse import tables_read

from headrace.cli.main import run
from headrace.systems.catalogue import find_system, recognise, systems
from project_books import errors, project_book


@pytest.mark.parametrize("name", systems())
def test_a_system_is_recognised_by_its_own_tables_and_by_no_others(name: str) -> None:
    system = find_system(name)
    own = {*system.signature, *tables_read(name)} - system.tables.keys()
    found = recognise(own)
    assert found is not None and found.name == name
    fitting = [s.name for s in systems().values() if own.issuperset(s.signature)]
    assert fitting == [name]


@pytest.mark.parametrize("name", systems())
def test_no_signature_is_part_of_another(name: str) -> None:
    signature = set(find_system(name).signature)
    assert len(signature) >= 2
    assert [s.name for s in systems().values() if signature.issuperset(s.signature)] == [name]


def test_tables_that_a_warehouse_does_not_have_yet_are_empty_in_a_drafted_project(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as connection:
        connection.executescript(
            "create table customer (id text, display_name text);"
            "create table invoice (id text, customer_id text, transaction_date text,"
            " currency_id text, total_amount text);"
            "create table invoice_line (invoice_id text);"
            "create table payment (id text, customer_id text, transaction_date text,"
            " currency_id text, total_amount text);"
            "create table payment_line (payment_id text, invoice_id text, amount text);"
            "insert into customer values ('1', 'Acme');"
            "insert into invoice values ('7', '1', '2026-01-10', 'EUR', '12.50');"
        )
        connection.commit()
    assert run(["init", str(tmp_path / "warehouse.db"), "--to", str(tmp_path / "shop")]) == 0
    with project_book(tmp_path / "shop") as book:
        assert errors(book) == []
        assert book.connection.execute("select gross_amount from book.invoices").fetchall() == [
            (1250,)
        ]
