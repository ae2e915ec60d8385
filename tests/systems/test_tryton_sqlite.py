"""Tryton in a SQLite file, where it stores amounts as bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from warehouse import links, steady_book

from project_books import errors, open_amounts

PROJECT = Path(__file__).parents[1] / "extracts" / "tryton82"
TABLES = """
create table party_party (id integer, name varchar, code varchar, active boolean);
create table party_address (id integer, party integer, sequence integer, active boolean,
    street_unstructured text, postal_code varchar, city varchar);
create table party_contact_mechanism (id integer, party integer, type varchar, value varchar,
    value_compact varchar, name varchar, active boolean);
create table currency_currency (id integer, code varchar);
create table company_company (id integer, currency integer);
create table account_account_type (id integer, receivable boolean);
create table account_account (id integer, type integer);
create table account_journal (id integer, type varchar);
create table account_move (id integer, company integer, journal integer, date date, number varchar,
    state varchar);
create table account_move_line (id integer, move integer, account integer, party integer,
    reconciliation integer, maturity_date date, debit numeric, credit numeric,
    amount_second_currency numeric, second_currency integer);
create table account_invoice (id integer, type varchar, state varchar, number varchar,
    reference varchar, description text, party integer, currency integer, account integer,
    move integer, cancel_move integer, invoice_date date, untaxed_amount_cache numeric);
create table "account_invoice-account_move_line" (id integer, invoice integer, line integer);
insert into party_party values (1, 'Acme', 'C1', 1);
insert into currency_currency values (1, 'EUR');
insert into company_company values (1, 1);
insert into account_account_type values (1, 1);
insert into account_account values (1, 1);
insert into account_journal values (1, 'revenue'), (2, 'cash');
insert into account_move values (1, 1, 1, '2026-05-05', 'M1', 'posted');
insert into account_invoice values (1, 'out', 'posted', 'F1', null, null, 1, 1, 1, 1, null,
    '2026-05-05', cast('1234567890123.45' as blob));
insert into account_move_line values
    (1, 1, 1, 1, null, null, cast('1234567890123.45' as blob), cast('0' as blob), null, null);
"""
PAID = """
insert into account_move values (2, 1, 2, '2026-05-06', 'M2', 'posted');
insert into account_move_line values
    (2, 2, 1, 1, null, null, cast('0' as blob), cast('0.10' as blob), null, null);
insert into "account_invoice-account_move_line" values (1, 1, 2);
"""


@pytest.mark.parametrize(("more", "left"), [("", 123456789012345), (PAID, 123456789012335)])
def test_amounts_are_exact_and_tables_without_rows_are_read(
    tmp_path: Path, more: str, left: int
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        database.executescript(TABLES + more)
    with steady_book(PROJECT, f"sqlite:///{tmp_path}/ledger.db") as book:
        assert errors(book) == []
        assert open_amounts(book)["invoice", "1"] == left
        paid = {("payment", "2", "invoice", "1", 10)}
        assert links(book) == (paid if more else set())
