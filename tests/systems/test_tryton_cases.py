"""What accountants argue about in Tryton: cases added to a real database, as Tryton would book
them."""

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
from project_books import balances, errors, open_amounts
from published import copies

PROJECT = Path(__file__).parents[1] / "extracts" / "tryton82"
PARTY = 900_000


class Ledger:
    """Adds what Tryton would have booked for one new party."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._sql = connection
        self._ids = count(900_100)
        self.account, self._company = self._row(
            "select a.id, a.company from account_account a"
            " join account_account_type t on t.id = a.type where t.receivable order by a.id"
        )
        self._currency, self._period = self._row(
            "select (select currency from company_company where id = %s),"
            " (select min(period) from account_move)",
            self._company,
        )
        self._add("party_party", id=PARTY, name="New", code="N1", active=True)
        self._foreign = next(self._ids)
        self._copy("currency_currency", self._currency, id=self._foreign, code="JPY", name="Yen")
        journal = self._row("select min(id) from account_journal")[0]
        self._journals = {}
        for kind in ("cash", "general", "write-off"):
            self._journals[kind] = next(self._ids)
            self._copy("account_journal", journal, id=self._journals[kind], type=kind)

    def _row(self, query: str, *values: Any) -> tuple[Any, ...]:
        row = self._sql.execute(query, values).fetchone()
        assert row is not None
        return tuple(row)

    def _add(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        self._sql.execute(f'insert into "{table}" ({names}) values ({marks})', [*values.values()])

    def _copy(self, table: str, source: int, **values: Any) -> None:
        """A row like another one, with these values."""
        cursor = self._sql.execute(f'select * from "{table}" where id = %s', (source,))
        names = [column.name for column in cursor.description or ()]
        row = cursor.fetchone()
        assert row is not None
        self._add(table, **(dict(zip(names, row, strict=True)) | values))

    def line(self, amount: str, journal: str = "general", yen: str = "") -> int:
        """A line of that amount (debit is positive) on the receivable account; returns its id."""
        return self._line(amount, journal, yen)[1]

    def _line(self, amount: str, journal: str, yen: str = "") -> tuple[int, int]:
        move, line = next(self._ids), next(self._ids)
        self._add(
            "account_move",
            id=move,
            company=self._company,
            date="2026-05-05",
            journal=self._journals[journal],
            number=str(move),
            period=self._period,
            state="posted",
        )
        self._add(
            "account_move_line",
            id=line,
            account=self.account,
            move=move,
            party=PARTY,
            state="valid",
            debit=max(Decimal(amount), Decimal(0)),
            credit=max(-Decimal(amount), Decimal(0)),
            second_currency=self._foreign if yen else None,
            amount_second_currency=yen or None,
        )
        return move, line

    def invoice(self, amount: str, state: str = "posted", yen: str = "") -> tuple[int, int]:
        """An invoice, or a credit note where the amount is negative; returns it and its line."""
        move, line = self._line(amount, "general", yen)
        number = next(self._ids)
        source = self._row("select min(id) from account_invoice where type = 'out'")[0]
        self._copy(
            "account_invoice",
            source,
            id=number,
            number=f"F{number}",
            party=PARTY,
            account=self.account,
            move=move,
            cancel_move=None,
            state=state,
            currency=self._foreign if yen else self._currency,
            untaxed_amount_cache=yen or amount,
        )
        return number, line

    def cancels(self, invoice: int, amount: str) -> None:
        """The invoice was posted and then cancelled by the opposite move."""
        move, _ = self._line(amount, "general")
        self._sql.execute(
            "update account_invoice set state = 'cancelled', cancel_move = %s where id = %s",
            (move, invoice),
        )

    def credits(self, invoice: int, item: int, amount: str) -> int:
        """The invoice was credited as a whole: its credit note's move cancels it."""
        note, credited = self.invoice(amount, "paid")
        self._sql.execute(
            "update account_invoice set state = 'cancelled', cancel_move ="
            " (select move from account_invoice where id = %s) where id = %s",
            (note, invoice),
        )
        self.reconcile(item, credited)
        return note

    def pays(self, invoice: int, line: int) -> None:
        """Tryton lists the line as paying the invoice."""
        self._add("account_invoice-account_move_line", invoice=invoice, line=line)

    def reconcile(self, *lines: int) -> None:
        """Put the lines into one reconciliation."""
        number = next(self._ids)
        self._sql.execute(
            "update account_move_line set reconciliation = %s where id = any(%s)",
            (number, [*lines]),
        )


Opened = Callable[[], AbstractContextManager[tuple[str, Ledger]]]


@pytest.fixture(scope="module")
def tryton(postgres_server: str) -> Iterator[Opened]:
    """Opens a database of its own with the extract; gives its address and its ledger."""
    with copies(postgres_server, "tryton/tryton82_ar.sql.gz", Ledger) as opened:
        yield opened


def settled(book: Book) -> set[tuple[Any, ...]]:
    """(invoice, kind, amount) of every settlement."""
    rows = book.connection.execute(
        "select invoice_external_id, kind, amount from book.settlements"
    ).fetchall()
    return set(rows)


def owed(book: Book) -> dict[str, int]:
    """What the new party owes by documents, money and entries, in each currency."""
    return {currency: amount for (p, currency), amount in balances(book).items() if p == str(PARTY)}


def test_credit_notes_write_offs_and_money_share_a_reconciliation(tryton: Opened) -> None:
    with tryton() as (url, ledger):
        invoice, item = ledger.invoice("100.00", "paid")
        note, credited = ledger.invoice("-30.00", "paid")
        listed, bank = ledger.line("-50.00", "cash"), ledger.line("-15.00", "cash")
        lost = ledger.line("-5.00", "write-off")
        ledger.pays(invoice, listed)
        ledger.reconcile(item, credited, listed, bank, lost)
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert {link for link in links(book) if link[3] == str(invoice)} == {
                ("credit_note", str(note), "invoice", str(invoice), 3000),
                ("payment", str(listed), "invoice", str(invoice), 5000),
                ("payment", str(bank), "invoice", str(invoice), 1500),
            }
            assert settled(book) == {(str(invoice), "write_off", 500)}
            assert open_amounts(book)["credit_note", str(note)] == 0
            assert sum(owed(book).values()) == 500  # which the settlement takes off


def test_entries_that_are_not_reconciled_are_adjustments(tryton: Opened) -> None:
    with tryton() as (url, ledger):
        ledger.invoice("100.00")
        fee, early = ledger.line("4.00"), ledger.line("-20.00", "cash")
        one, other = ledger.line("9.00"), ledger.line("-9.00")
        ledger.reconcile(one, other)
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert external_ids(book, "adjustments") == {f"entry-{fee}"}
            assert open_amounts(book)["payment", str(early)] == 2000  # an advance
            assert [*owed(book).values()] == [10000 + 400 - 2000]


def test_a_posted_invoice_that_was_cancelled_leaves_nothing_behind(tryton: Opened) -> None:
    with tryton() as (url, ledger):
        kept, _ = ledger.invoice("10.00")
        gone, _ = ledger.invoice("70.00")
        ledger.cancels(gone, "-70.00")
        credited, item = ledger.invoice("80.00")
        note = ledger.credits(credited, item, "-80.00")
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert str(gone) not in external_ids(book, "invoices")
            # An invoice that its own credit note cancelled is a document, as the note is.
            assert ("credit_note", str(note), "invoice", str(credited), 8000) in links(book)
            assert str(kept) in external_ids(book, "invoices")
            assert [*owed(book).values()] == [1000]


def test_a_foreign_invoice_is_paid_in_part_in_its_own_currency(tryton: Opened) -> None:
    with tryton() as (url, ledger):
        invoice, _ = ledger.invoice("10.00", yen="1500")
        paid = ledger.line("-4.10", "cash", yen="-600")
        ledger.pays(invoice, paid)
        with steady_book(PROJECT, url) as book:
            assert errors(book) == []
            assert links(book) >= {("payment", str(paid), "invoice", str(invoice), 600)}
            assert owed(book) == {"JPY": 900}
