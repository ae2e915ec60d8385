"""Odoo, from its own database and by its API: whatever happens there, the hub holds the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from desk import HubDesk
from live_cache import Missing
from live_desk import LiveDesk, write_project
from live_odoo import PASSWORD, Odoo, odoo_database


class Company:
    """A company in Odoo, and a desk for each way in which it is read."""

    def __init__(self, odoo: Odoo, desks: list[LiveDesk]) -> None:
        self.odoo = odoo
        self._desks = desks

    def settle(self) -> list[str]:
        """What the hub was sent, which is the same whichever way Odoo is read."""
        by_database, by_api = (desk.settle() for desk in self._desks)
        assert by_api == by_database
        return by_database

    def invoice(self) -> int:
        """A posted invoice of a new customer, which the hub has."""
        made = self.odoo.invoice(self.odoo.customer())
        assert self.settle() == ["POST customer 201", "POST invoice 201"]
        return made


@pytest.fixture(scope="module")
def company(
    tmp_path_factory: pytest.TempPathFactory,
    live_desk: Callable[[Path, str], HubDesk],
    postgres_server: str,
) -> Iterator[Company]:
    """A company with Odoo's own demonstration data, which the hub has."""
    folder = tmp_path_factory.mktemp("odoo")
    with ExitStack() as stack:
        try:
            odoo, url = stack.enter_context(odoo_database(folder, postgres_server))
        except Missing as missing:
            pytest.skip(f"Odoo can't be had here: {missing}")
        options = f'url = "{odoo.url}", database = "{odoo.database}", user = "admin"'
        ways = {
            "database": f'kind = "sql"\nurl = "{url}"\n',
            "api": f'kind = "system:odoo"\noptions = {{ {options}, key = "{PASSWORD}" }}\n',
        }
        desks = []
        for way, source in ways.items():
            (folder / way).mkdir()
            write_project(folder / way, "odoo", source)
            desk = live_desk(folder / way, "USD")
            desks.append(LiveDesk(desk, odoo.balances, odoo.open_documents))
        company = Company(odoo, desks)
        assert len(company.settle()) > 30
        yield company


def test_a_draft_is_sent_when_it_is_posted_and_never_when_it_is_deleted(company: Company) -> None:
    customer = company.odoo.customer()
    kept, dropped = company.odoo.draft(customer), company.odoo.draft(customer)
    assert company.settle() == []
    company.odoo.do("account.move", "unlink", [dropped])
    assert company.settle() == []
    company.odoo.post(kept)
    assert company.settle() == ["POST customer 201", "POST invoice 201"]


def test_a_payment_in_part_and_one_of_the_rest_are_a_request_each(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.pay(invoice, 40.0)
    assert company.settle() == ["POST payment 201"]
    company.odoo.pay(invoice)
    assert company.settle() == ["POST payment 201"]


def test_a_payment_with_a_write_off(company: Company) -> None:
    invoice = company.invoice()
    (account,) = company.odoo.do(
        "account.account", "search", [["account_type", "=", "expense"]], limit=1
    )
    company.odoo.pay(
        invoice, 99.0, payment_difference_handling="reconcile", writeoff_account_id=account
    )
    assert company.settle() == ["POST payment 201", "POST payment 201"]


def test_a_payment_of_too_much_and_one_on_account(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.pay(invoice, 150.0)
    assert company.settle() == ["POST payment 201"]
    company.odoo.on_account(company.odoo.customer(), 77.0)
    assert company.settle() == ["POST customer 201", "POST payment 201"]


def test_a_match_that_is_taken_apart_and_made_again(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.pay(invoice)
    company.settle()
    item = company.odoo.unreconcile(invoice)
    assert company.settle() == ["POST payment 200"]
    company.odoo.do("account.move", "js_assign_outstanding_line", [invoice], item)
    assert company.settle() == ["POST payment 200"]


def test_a_payment_that_is_cancelled(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.pay(invoice)
    company.settle()
    for payment in company.odoo.payments(invoice):
        company.odoo.do("account.payment", "action_draft", [payment])
        company.odoo.do("account.payment", "action_cancel", [payment])
    assert company.settle() == ["DELETE payment 204"]


def test_an_invoice_that_is_reset_changed_and_posted_again_or_cancelled(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.do("account.move", "button_draft", [invoice])
    assert company.settle() == ["DELETE invoice 204"]
    company.odoo.do("account.move", "write", [invoice], {"ref": "PO-1"})
    company.odoo.post(invoice)
    assert company.settle() == ["POST invoice 201"]
    company.odoo.do("account.move", "button_draft", [invoice])
    company.odoo.do("account.move", "button_cancel", [invoice])
    assert company.settle() == ["DELETE invoice 204"]


def test_a_credit_note_is_applied_and_another_paid_out(company: Company) -> None:
    invoice = company.invoice()
    company.odoo.credit(invoice)
    assert company.settle() == ["POST credit_note 201"]
    note = company.odoo.invoice(company.odoo.customer(), 30.0, "out_refund")
    assert company.settle() == ["POST credit_note 201", "POST customer 201"]
    company.odoo.pay(note)
    assert company.settle() == ["POST refund 201"]


def test_an_edit_is_an_update_of_one_record(company: Company) -> None:
    customer = company.odoo.customer()
    invoice = company.odoo.invoice(customer)
    company.settle()
    company.odoo.do("res.partner", "write", [customer], {"name": "Renamed"})
    assert company.settle() == ["POST customer 200"]
    company.odoo.do("account.move", "write", [invoice], {"ref": "PO-2"})
    assert company.settle() == ["POST invoice 200"]


def test_a_merged_customer_gives_its_documents_to_the_other(company: Company) -> None:
    one, other = company.odoo.customer("One"), company.odoo.customer("Other")
    paid = company.odoo.invoice(one)
    company.odoo.pay(paid)
    company.odoo.invoice(one, 20.0)
    company.odoo.invoice(other, 10.0)
    company.settle()
    company.odoo.merge(one, other)
    # The payment gives its link back before the invoice moves, and follows it.
    moved = ["POST invoice 200", "POST invoice 200", "POST payment 200", "POST payment 200"]
    assert company.settle() == ["DELETE customer 204", *moved]
