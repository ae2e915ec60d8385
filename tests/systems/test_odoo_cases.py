"""What accountants argue about in Odoo: cases added to a real database, as Odoo would book them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from warehouse import external_ids, links, steady_book

from headrace.book.book import Book
from headrace.fleet.project import load_project
from headrace.model.errors import ConfigurationError
from project_books import balances, errors, open_amounts
from published import copies

PROJECT = Path(__file__).parents[1] / "extracts" / "odoo19"
PARTNER, CHILD = 900_000, 900_001


class Ledger:
    """Adds what Odoo would have booked for one new customer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._sql = connection
        self._ids = count(900_100)
        self._account = self._one(
            "select id from account_account where account_type = 'asset_receivable' order by id"
        )
        self._currencies = dict(connection.execute("select name, id from res_currency").fetchall())
        for number in (PARTNER, CHILD):
            connection.execute(
                "insert into res_partner (id, name, commercial_partner_id, active, autopost_bills)"
                " values (%s, %s, %s, true, 'ask')",
                (number, f"Partner {number}", PARTNER),
            )

    def _one(self, query: str) -> Any:
        row = self._sql.execute(query).fetchone()
        assert row is not None
        return row[0]

    def move(
        self, kind: str, amount: str, currency: str = "USD", *, state: str = "posted", **more: Any
    ) -> tuple[int, int]:
        """A move with one item of that amount on the receivable account; returns both ids."""
        number, line = next(self._ids), next(self._ids)
        total = abs(Decimal(amount))
        values = {
            "id": number,
            "name": f"M{number}",
            "journal_id": 1,
            "currency_id": self._currencies[currency],
            "state": state,
            "move_type": kind,
            "auto_post": "no",
            "date": "2026-05-05",
            "invoice_date": "2026-05-05",
            "commercial_partner_id": PARTNER,
            "partner_id": CHILD,
            "amount_total": total,
            "amount_untaxed": total,
            "company_id": 1,
            **more,
        }
        self._insert("account_move", values)
        item = {
            "id": line,
            "move_id": number,
            "account_id": self._account,
            "currency_id": self._currencies[currency],
            "partner_id": CHILD,
            "company_id": values["company_id"],
            "parent_state": state,
            "display_type": "payment_term",
            "date": "2026-05-05",
            "debit": max(Decimal(amount), Decimal(0)),
            "credit": max(-Decimal(amount), Decimal(0)),
            "balance": amount,
            "amount_currency": amount,
        }
        self._insert("account_move_line", item)
        return number, line

    def payment(self, money: str, item: str = "", currency: str = "USD") -> tuple[int, int]:
        """A payment, with a move whose item is `item`; without a move where that is empty."""
        move, line = self.move("entry", item, currency) if item else (None, 0)
        number = next(self._ids)
        values = {
            "id": number,
            "name": f"P{number}",
            "move_id": move,
            "journal_id": 1,
            "company_id": 1,
            "state": "in_process",
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": PARTNER,
            "currency_id": self._currencies[currency],
            "date": "2026-05-20",
            "amount": money,
        }
        self._insert("account_payment", values)
        return number, line

    def match(self, debit: int, credit: int, amount: str, credit_amount: str = "") -> int:
        """Reconcile two items in part or in full."""
        number = next(self._ids)
        values = {
            "id": number,
            "debit_move_id": debit,
            "credit_move_id": credit,
            "amount": amount,
            "debit_amount_currency": amount,
            "credit_amount_currency": credit_amount or amount,
            "max_date": "2026-05-20",
        }
        self._insert("account_partial_reconcile", values)
        return number

    def waits(self, invoice: int, payment: int, residual: str) -> None:
        """A payment without an entry is for that invoice, whose residual stays."""
        pair = {"invoice_id": invoice, "payment_id": payment}
        self._insert("account_move__account_payment", pair)
        self._sql.execute(
            "update account_move set amount_residual = %s, payment_state = 'in_payment'"
            " where id = %s",
            (residual, invoice),
        )

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        names = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        self._sql.execute(f"insert into {table} ({names}) values ({marks})", [*values.values()])


Opened = Callable[[], AbstractContextManager[tuple[str, Ledger]]]


@pytest.fixture(scope="module")
def odoo(postgres_server: str) -> Iterator[Opened]:
    """Opens a database of its own with the extract; gives its address and its ledger."""
    with copies(postgres_server, "odoo19/odoo19_ar.sql.gz", Ledger) as opened:
        yield opened


def settled(book: Book) -> set[tuple[Any, ...]]:
    """(invoice, kind, amount) of every settlement."""
    rows = book.connection.execute(
        "select invoice_external_id, kind, amount from book.settlements"
    ).fetchall()
    return set(rows)


def owed(book: Book, currency: str = "USD") -> int:
    """What the new customer owes, by documents, money, entries and settlements."""
    written_off = sum(amount for _, _, amount in settled(book)) if currency == "USD" else 0
    return balances(book).get((str(PARTNER), currency), 0) - written_off


def test_entries_and_rests_of_payments_write_off_the_invoices_they_are_matched_with(
    odoo: Opened,
) -> None:
    with odoo() as (url, ledger):
        partly, item = ledger.move("out_invoice", "100.00")
        _, entry = ledger.move("entry", "-30.00")
        ledger.match(item, entry, "20.00")  # 10 of the entry stay the customer's credit
        whole, other = ledger.move("out_invoice", "50.00", payment_state="paid")
        paid, credit = ledger.payment("47.50", "-50.00")  # with 2.50 written off
        ledger.match(other, credit, "50.00")
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert settled(book) == {
                (str(partly), "write_off", 2000),
                (str(whole), "write_off", 250),
            }
            assert ("payment", str(paid), "invoice", str(whole), 4750) in links(book)
            assert open_amounts(book)["payment", str(paid)] == 0
            assert external_ids(book, "adjustments") >= {f"entry-{entry}"}
            assert owed(book) == 10000 - 3000


def test_money_on_bank_statements_and_debits_by_journal_are_linked(odoo: Opened) -> None:
    with odoo() as (url, ledger):
        invoice, item = ledger.move("out_invoice", "100.00")
        _, bank = ledger.move("entry", "-60.00", statement_line_id=77)
        ledger.match(item, bank, "55.00")
        _, debit = ledger.move("entry", "8.00")  # a fee that the customer owes
        ledger.match(debit, bank, "5.00")
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert ("payment", f"entry-{bank}", "invoice", str(invoice), 5500) in links(book)
            assert ("refund", f"matched-entry-{debit}", "payment", f"entry-{bank}", 500) in links(
                book
            )
            assert open_amounts(book)["payment", f"entry-{bank}"] == 0
            assert open_amounts(book)["invoice", str(invoice)] == 4500
            assert owed(book) == 10000 - 6000 + 800


def test_a_payment_in_another_currency_pays_in_the_currency_of_its_invoice(
    odoo: Opened,
) -> None:
    with odoo() as (url, ledger):
        invoice, item = ledger.move("out_invoice", "100.00", "EUR")
        paid, credit = ledger.payment("120.00", "-120.00")
        match = ledger.match(item, credit, "100.00", "110.00")
        _, exchange = ledger.move("entry", "0.00", "EUR")
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert ("payment", f"match-{match}", "invoice", str(invoice), 10000) in links(book)
            assert open_amounts(book)["payment", str(paid)] == 1000
            assert f"entry-{exchange}" not in external_ids(book, "adjustments")
            assert owed(book) == -1000 and owed(book, "EUR") == 0


def test_cancelled_and_draft_are_left_out_and_waiting_payments_pay(odoo: Opened) -> None:
    with odoo() as (url, ledger):
        cancelled, _ = ledger.move("out_invoice", "10.00", state="cancel")
        draft, _ = ledger.move("out_refund", "-10.00", state="draft")
        first, _ = ledger.move("out_invoice", "40.00")
        second, _ = ledger.move("out_invoice", "30.00")
        receipt, _ = ledger.move("out_receipt", "5.00")
        paid, _ = ledger.payment("60.00")
        ledger.waits(first, paid, "40.00")
        ledger.waits(second, paid, "30.00")
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            known = external_ids(book, "invoices") | external_ids(book, "credit_notes")
            assert not {str(cancelled), str(draft)} & known and str(receipt) in known
            assert {link for link in links(book) if link[1] == str(paid)} == {
                ("payment", str(paid), "invoice", str(first), 4000),
                ("payment", str(paid), "invoice", str(second), 2000),
            }
            # Documents of a contact belong to its company.
            assert owed(book) == 7500 - 6000
            assert str(CHILD) not in external_ids(book, "customers")


def test_an_organisation_can_be_restricted_to_some_companies(odoo: Opened, tmp_path: Path) -> None:
    project = (PROJECT / "headrace.toml").read_text("utf-8")
    head = "[organisation.odoo]\n"
    with odoo() as (url, ledger):
        ours, item = ledger.move("out_invoice", "100.00", company_id=83)
        other, _ = ledger.move("out_invoice", "7.00", company_id=82)
        _, entry = ledger.move("entry", "-30.00", company_id=83)
        ledger.match(item, entry, "30.00")
        for companies, invoices, debt in (
            ('"82, 83"', {str(ours), str(other)}, 7700),
            ("83", {str(ours)}, 7000),
        ):
            text = project.replace(head, f"{head}parameters = {{ companies = {companies} }}\n")
            (tmp_path / "headrace.toml").write_text(text)
            with steady_book(tmp_path, url) as book:
                assert errors(book) == []
                assert external_ids(book, "invoices") == invoices
                assert external_ids(book, "payments") == set()
                assert owed(book) == debt
                # Of the others, customers that belong to no company stay, without documents.
                assert set(balances(book)) <= {(str(PARTNER), "USD")}
        (tmp_path / "headrace.toml").write_text(
            project.replace(head, f'{head}parameters = {{ companies = "1; 3" }}\n')
        )
        with pytest.raises(ConfigurationError, match=r'separated by commas, such as "1, 3", not'):
            load_project(tmp_path).source("odoo", {"ODOO_DATABASE_URL": url})
