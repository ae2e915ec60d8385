"""Tryton, from its own database and by its API: whatever happens there, the hub holds the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from desk import HubDesk
from live_actor import Actor
from live_cache import Missing
from live_desk import LiveDesk, write_project
from live_tryton import tryton_postgres, tryton_rest, tryton_sqlite


class Tryton:
    """A company in Tryton, and a desk for each way in which it is read."""

    def __init__(self, act: Actor, desks: list[LiveDesk]) -> None:
        self.act = act
        self._desks = desks

    def settle(self) -> list[str]:
        """What the hub was sent, which is the same whichever way Tryton is read."""
        by_database, *others = (desk.settle() for desk in self._desks)
        assert all(other == by_database for other in others)
        return by_database

    def customer(self, name: str = "Customer") -> str:
        """A new customer, which the hub gets with its first invoice."""
        return str(self.act("customer", name=name, email="accounts@customer.test"))

    def invoice(self, amount: str = "100.00") -> str:
        """A posted invoice of a new customer, which the hub has."""
        made = str(self.act("invoice", party=self.customer(), amount=amount))
        assert self.settle() == ["POST customer 201", "POST invoice 201"]
        return made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tryton(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    live_desk: Callable[[Path, str], HubDesk],
) -> Iterator[Tryton]:
    """A company without customers, in either database; in PostgreSQL also read by its API."""
    folder = tmp_path_factory.mktemp("tryton")
    with ExitStack() as stack:
        try:
            act, url = stack.enter_context(
                tryton_sqlite(folder)
                if request.param == "sqlite"
                else tryton_postgres(folder, request.getfixturevalue("postgres_server"))
            )
        except Missing as missing:
            pytest.skip(f"Tryton can't be had here: {missing}")
        ways = {"database": f'kind = "sql"\nurl = "{url}"\n'}
        if request.param == "postgresql":
            options = stack.enter_context(tryton_rest(folder, url.rpartition("/")[2], act))
            ways["api"] = f'kind = "system:tryton"\noptions = {{ {options} }}\n'
        desks = []
        for way, source in ways.items():
            (folder / way).mkdir()
            write_project(folder / way, "tryton", source)
            desk = live_desk(folder / way, "USD")
            desks.append(LiveDesk(desk, lambda: act("balances"), lambda: act("open_documents")))
        yield Tryton(act, desks)


def test_a_draft_is_sent_when_it_is_posted_and_never_when_it_is_deleted(tryton: Tryton) -> None:
    party = tryton.customer()
    kept = tryton.act("draft", party=party, amount="100.00")
    dropped = tryton.act("draft", party=party, amount="70.00")
    assert tryton.settle() == []
    tryton.act("delete", invoice=dropped)
    assert tryton.settle() == []
    tryton.act("post", invoice=kept)
    assert tryton.settle() == ["POST customer 201", "POST invoice 201"]


def test_a_payment_in_part_and_one_of_the_rest_are_a_request_each(tryton: Tryton) -> None:
    invoice = tryton.invoice()
    tryton.act("pay", invoice=invoice, amount="40.00")
    assert tryton.settle() == ["POST payment 201"]
    tryton.act("pay", invoice=invoice)
    assert tryton.settle() == ["POST payment 201"]


def test_a_payment_with_a_write_off_is_two_requests(tryton: Tryton) -> None:
    invoice = tryton.invoice()
    tryton.act("pay", invoice=invoice, amount="99.00", way="writeoff")
    assert tryton.settle() == ["POST payment 201", "POST payment 201"]


def test_a_reconciliation_that_is_taken_apart_moves_no_money(tryton: Tryton) -> None:
    # Tryton goes on listing the line as paying the invoice.
    invoice = tryton.invoice()
    tryton.act("pay", invoice=invoice)
    assert tryton.settle() == ["POST payment 201"]
    tryton.act("unreconcile", invoice=invoice)
    assert tryton.settle() == []
    tryton.act("reconcile", invoice=invoice)
    assert tryton.settle() == []


def test_an_invoice_that_is_cancelled_is_deleted_with_its_customer(tryton: Tryton) -> None:
    invoice = tryton.invoice()
    tryton.act("cancel", invoice=invoice)
    assert tryton.settle() == ["DELETE customer 204", "DELETE invoice 204"]


def test_a_credit_note_of_a_whole_invoice_is_one_request_with_its_link(tryton: Tryton) -> None:
    invoice = tryton.invoice()
    tryton.act("credit", invoice=invoice, with_refund=True)
    assert tryton.settle() == ["POST credit_note 201"]


def test_a_credit_note_that_is_paid_out_is_a_refund(tryton: Tryton) -> None:
    invoice = tryton.invoice()
    note = tryton.act("credit", invoice=invoice, with_refund=False)
    assert tryton.settle() == ["POST credit_note 201"]
    tryton.act("pay", invoice=note)
    assert tryton.settle() == ["POST refund 201"]


def test_an_edit_is_an_update_of_one_record(tryton: Tryton) -> None:
    party = tryton.customer()
    invoice = tryton.act("invoice", party=party, amount="55.55")
    tryton.settle()
    tryton.act("rename", party=party, name="Renamed")
    assert tryton.settle() == ["POST customer 200"]
    tryton.act("describe", invoice=invoice, description="described")
    assert tryton.settle() == ["POST invoice 200"]


def test_a_customer_with_posted_documents_is_not_merged_by_tryton(tryton: Tryton) -> None:
    one, other = tryton.customer(), tryton.customer()
    tryton.act("invoice", party=one, amount="20.00")
    tryton.settle()
    with pytest.raises(RuntimeError, match="from posted move"):
        tryton.act("merge", party=one, into=other)
    assert tryton.settle() == []
