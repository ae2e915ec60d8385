"""GnuCash: whatever its own engine does in a book, the hub holds the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from desk import HubDesk
from live_actor import Actor
from live_cache import Missing
from live_desk import LiveDesk, write_project
from live_gnucash import gnucash_book

from postgres import fresh_database, running_server


class GnuCash:
    """A book, and its desk."""

    def __init__(self, act: Actor, desk: LiveDesk) -> None:
        self.act = act
        self.settle = desk.settle
        self._made = 0

    def draft(self, customer: str, cents: int = 10000, credit: bool = False) -> str:
        """A draft with a number of its own."""
        self._made += 1
        number = f"D{self._made}"
        self.act("draft", customer=customer, number=number, cents=cents, credit=credit)
        return number

    def invoice(self, customer: str) -> str:
        """A posted invoice of a new customer, which the hub has."""
        self.act("customer", number=customer, email="accounts@customer.test")
        number = self.draft(customer)
        self.act("post", number=number)
        assert self.settle() == ["POST customer 201", "POST invoice 201"]
        return number


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def gnucash(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    live_desk: Callable[[Path, str], HubDesk],
) -> Iterator[GnuCash]:
    """A book without customers."""
    folder = tmp_path_factory.mktemp("gnucash")
    with ExitStack() as stack:
        try:
            database = None
            if request.param == "postgresql":
                server = stack.enter_context(running_server({}))
                database = stack.enter_context(fresh_database(server))
            act, url = stack.enter_context(gnucash_book(folder, database))
        except (Missing, FileNotFoundError) as missing:
            pytest.skip(f"GnuCash can't be had here: {missing}")
        write_project(folder, "gnucash", f'kind = "sql"\nurl = "{url}"\n')
        desk = LiveDesk(
            live_desk(folder, "EUR"),
            lambda: {"": act("receivable")},
            lambda: act("open_documents"),
            document="customId",
        )
        yield GnuCash(act, desk)


def test_a_draft_is_sent_when_it_is_posted_and_never_when_it_is_deleted(gnucash: GnuCash) -> None:
    gnucash.act("customer", number="C1", email="accounts@customer.test")
    assert gnucash.settle() == ["POST customer 201"]
    kept, dropped = gnucash.draft("C1"), gnucash.draft("C1")
    assert gnucash.settle() == []
    gnucash.act("delete", number=dropped)
    gnucash.act("post", number=kept)
    assert gnucash.settle() == ["POST invoice 201"]


def test_a_payment_in_part_and_one_of_too_much_are_a_request_each(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C2")
    gnucash.act("pay", number=invoice, cents=4000)
    assert gnucash.settle() == ["POST payment 201"]
    gnucash.act("pay", number=invoice, cents=7000)
    assert gnucash.settle() == ["POST payment 201"]


def test_what_was_paid_too_much_pays_the_next_invoice(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C3")
    gnucash.act("pay", number=invoice, cents=15000)
    assert gnucash.settle() == ["POST payment 201"]
    other = gnucash.draft("C3")
    gnucash.act("post", number=other)
    gnucash.act("apply_credits", number=other)
    assert gnucash.settle() == ["POST invoice 201", "POST payment 200"]


def test_a_payment_that_is_cancelled_is_deleted(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C4")
    gnucash.act("pay", number=invoice, cents=10000)
    assert gnucash.settle() == ["POST payment 201"]
    gnucash.act("cancel_payment", number=invoice)
    assert gnucash.settle() == ["DELETE payment 204"]


def test_a_credit_note_is_applied_to_an_invoice(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C5")
    note = gnucash.draft("C5", 3000, credit=True)
    gnucash.act("post", number=note)
    assert gnucash.settle() == ["POST credit_note 201"]
    gnucash.act("apply_credits", number=invoice)
    assert gnucash.settle() == ["POST credit_note 200"]


def test_a_credit_note_that_is_paid_out_is_a_refund(gnucash: GnuCash) -> None:
    gnucash.invoice("C6")
    note = gnucash.draft("C6", 3000, credit=True)
    gnucash.act("post", number=note)
    assert gnucash.settle() == ["POST credit_note 201"]
    gnucash.act("pay", number=note, cents=-3000)
    assert gnucash.settle() == ["POST refund 201"]


def test_an_invoice_that_is_unposted_is_deleted(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C7")
    gnucash.act("unpost", number=invoice)
    assert gnucash.settle() == ["DELETE invoice 204"]


def test_an_edit_is_an_update_of_one_record(gnucash: GnuCash) -> None:
    invoice = gnucash.invoice("C8")
    gnucash.act("rename", customer="C8", name="Renamed")
    assert gnucash.settle() == ["POST customer 200"]
    gnucash.act("describe", number=invoice, notes="described")
    assert gnucash.settle() == ["POST invoice 200"]
