"""Whole systems delivered to a hub: Odoo 19 and Tryton 8.2, against their own open amounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from headrace.book.book import Book
from project_books import balances, errors, open_amounts, project_book
from published import restored

HERE = Path(__file__).parent


@contextmanager
def extract(server: str, dump: str, models: str) -> Iterator[tuple[Book, psycopg.Connection[Any]]]:
    """Load the dump into a database; yields the book built from it, and a connection."""
    with (
        restored(server, dump) as url,
        project_book(HERE / models, url) as book,
        psycopg.connect(url) as system,
    ):
        yield book, system


def _cents(amount: Decimal) -> int:
    cents = amount * 100
    assert cents == int(cents)
    return int(cents)


def test_odoo_open_amounts_and_balances_are_the_same_at_the_api(postgres_server: str) -> None:
    with extract(postgres_server, "odoo19/odoo19_ar.sql.gz", "odoo19") as (book, odoo):
        assert errors(book) == []
        left = open_amounts(book)
        kinds = {"out_invoice": "invoice", "out_refund": "credit_note"}
        residuals = {
            (kinds[kind], str(number)): _cents(residual)
            for number, kind, residual in odoo.execute(
                "select id, move_type, amount_residual from account_move"
                " where move_type in ('out_invoice', 'out_refund') and state = 'posted'"
            )
        }
        documents = {key: amount for key, amount in left.items() if key[0] in kinds.values()}
        assert len(documents) == 284 + 66
        assert documents == residuals
        # Payments and refunds: what is left of their item on the receivable account.
        items = {
            ("payment" if kind == "inbound" else "refund", str(number)): _cents(abs(residual))
            for number, kind, residual in odoo.execute(
                "select p.id, p.payment_type, l.amount_residual from account_payment p"
                " join account_move_line l on l.move_id = p.move_id"
                " join account_account a on a.id = l.account_id"
                " where a.account_type = 'asset_receivable'"
            )
        }
        assert {key: amount for key, amount in left.items() if key not in documents} == items
        # And each partner's account as a whole.
        accounts = {
            (str(partner), "USD"): _cents(balance)
            for partner, balance in odoo.execute(
                "select p.commercial_partner_id, sum(l.balance) from account_move_line l"
                " join account_account a on a.id = l.account_id"
                " join res_partner p on p.id = l.partner_id"
                " where a.account_type = 'asset_receivable' and l.parent_state = 'posted'"
                " group by 1 having sum(l.balance) <> 0"
            )
        }
        assert balances(book) == accounts


def test_tryton_open_amounts_and_balances_are_the_same_at_the_api(postgres_server: str) -> None:
    with extract(postgres_server, "tryton/tryton82_ar.sql.gz", "tryton82") as (book, tryton):
        assert errors(book) == []
        left = open_amounts(book)
        open_lines = {
            (("invoice" if total >= 0 else "credit_note"), str(number)): _cents(abs(residual))
            for number, total, residual in tryton.execute(
                # What Tryton's amount_to_pay adds up: the invoice's own lines and those that pay
                # it, as far as they are not reconciled.
                "select i.id, i.total_amount_cache, coalesce(sum(l.debit - l.credit)"
                " filter (where l.reconciliation is null), 0) from account_invoice i"
                " join account_move_line l on l.account = i.account and (l.move = i.move or l.id in"
                ' (select line from "account_invoice-account_move_line" where invoice = i.id))'
                " where i.type = 'out' and i.state in ('posted', 'paid') group by 1, 2"
            )
        }
        documents = {k: amount for k, amount in left.items() if k[0] in ("invoice", "credit_note")}
        assert len(documents) == 70
        assert documents == open_lines
        assert all(amount == 0 for key, amount in left.items() if key not in documents)
        parties = {
            (str(party), currency): _cents(balance)
            for party, currency, balance in tryton.execute(
                "select l.party, (select code from currency_currency), sum(l.debit - l.credit)"
                " from account_move_line l join account_account a on a.id = l.account"
                " join account_account_type t on t.id = a.type"
                " where t.receivable group by 1 having sum(l.debit - l.credit) <> 0"
            )
        }
        assert balances(book) == parties
