"""Stripe by its API and its feed of events: whatever a merchant does, the hub holds the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from desk import HubDesk
from live_cache import Missing
from live_desk import LiveDesk, write_project
from live_stripe import KEY, Stripe, stripe_account


class Merchant:
    """An account, and its desk."""

    def __init__(self, stripe: Stripe, desk: LiveDesk) -> None:
        self.stripe = stripe
        self.settle = desk.settle

    def invoice(self) -> str:
        """An open invoice of a new customer, which the hub has."""
        made = self.stripe.invoice(self.stripe.customer("Customer"))
        assert self.settle() == ["POST customer 201", "POST invoice 201"]
        return made


@pytest.fixture(scope="module")
def merchant(
    tmp_path_factory: pytest.TempPathFactory, live_desk: Callable[[Path, str], HubDesk]
) -> Iterator[Merchant]:
    """An account without customers."""
    folder = tmp_path_factory.mktemp("stripe")
    with ExitStack() as stack:
        try:
            stripe = stack.enter_context(stripe_account(folder))
        except Missing as missing:
            pytest.skip(f"Stripe World can't be had here: {missing}")
        options = f'{{ key = "{KEY}", url = "{stripe.url}" }}'
        write_project(folder, "stripe", f'kind = "system:stripe"\noptions = {options}\n')
        desk = LiveDesk(live_desk(folder, "USD"), stripe.balances, stripe.open_documents)
        yield Merchant(stripe, desk)


def test_a_draft_is_sent_when_it_is_finalised_and_never_when_it_is_deleted(
    merchant: Merchant,
) -> None:
    stripe = merchant.stripe
    customer = stripe.customer("Customer")
    assert merchant.settle() == ["POST customer 201"]
    kept, dropped = stripe.draft(customer), stripe.draft(customer)
    assert merchant.settle() == []
    stripe.delete(f"invoices/{dropped}")
    assert merchant.settle() == []
    stripe.post(f"invoices/{kept}/finalize")
    assert merchant.settle() == ["POST invoice 201"]


def test_a_payment_by_card_is_one_request(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/pay")
    assert merchant.settle() == ["POST payment 201"]


def test_a_payment_outside_stripe_marks_the_invoice_as_paid(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/pay", paid_out_of_band=True)
    assert merchant.settle() == ["POST payment 201"]


def test_a_refund_with_a_credit_note(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/pay")
    merchant.settle()
    merchant.stripe.post("credit_notes", invoice=invoice, amount=2500, refund_amount=2500)
    assert merchant.settle() == ["POST credit_note 201", "POST refund 201"]


def test_a_refund_without_a_credit_note(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/pay")
    merchant.settle()
    (charge,) = [c for c in merchant.stripe.all("charges") if not c["refunded"]][:1]
    merchant.stripe.post("refunds", charge=charge["id"], amount=1000)
    assert merchant.settle() == ["POST payment 200", "POST payment 201", "POST refund 201"]


def test_a_credit_note_of_an_open_invoice_is_applied_to_it(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post("credit_notes", invoice=invoice, amount=3000, reason="order_change")
    assert merchant.settle() == ["POST credit_note 201"]


def test_an_invoice_that_is_voided_is_deleted(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/void")
    assert merchant.settle() == ["DELETE invoice 204"]


def test_an_uncollectible_invoice_counts_as_paid(merchant: Merchant) -> None:
    invoice = merchant.invoice()
    merchant.stripe.post(f"invoices/{invoice}/mark_uncollectible")
    assert merchant.settle() == ["POST payment 201"]


def test_an_edit_is_an_update_of_one_record(merchant: Merchant) -> None:
    customer = merchant.stripe.customer("Customer")
    merchant.stripe.invoice(customer)
    merchant.settle()
    merchant.stripe.post(f"customers/{customer}", name="Renamed")
    assert merchant.settle() == ["POST customer 200"]


def test_a_customer_without_invoices_that_is_deleted_is_deleted(merchant: Merchant) -> None:
    customer = merchant.stripe.customer("Customer")
    assert merchant.settle() == ["POST customer 201"]
    merchant.stripe.delete(f"customers/{customer}")
    assert merchant.settle() == ["DELETE customer 204"]
