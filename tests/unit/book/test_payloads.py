"""Payloads: what the API is sent, from the rows of the book."""

from pathlib import Path
from typing import Any

import msgspec

from books import allocation, build, credit_note, customer, invoice, payment
from headrace.book.payloads.payloads import Payloads, encode_payload, payload_hash


def sent(folder: Path, entity: str, external_id: str, **tables: Any) -> Any:
    with build(folder, **tables) as book:
        records = Payloads(book.connection, book.columns).fetch(entity, [external_id])
        return msgspec.json.decode(encode_payload(records[external_id])[0])


def test_a_customer_carries_its_contacts_and_its_root(tmp_path: Path) -> None:
    assert sent(
        tmp_path,
        "customer",
        "c3",
        customers=[
            customer("c1"),
            customer("c2", parent_external_id="c1"),
            customer("c3", parent_external_id="c2", city="Paris"),
        ],
        contacts=[
            {"customer_external_id": "c3", "external_id": "k2", "email": "b@x.test", "phone": None},
            {"customer_external_id": "c3", "external_id": "k1", "email": "a@x.test", "phone": "1"},
        ],
    ) == {
        "externalId": "c3",
        "name": "Customer c3",
        "address": {"city": "Paris"},
        "parent": {"externalId": "c1"},
        "contacts": [
            {"externalId": "k1", "email": "a@x.test", "phone": "1"},
            {"externalId": "k2", "email": "b@x.test", "phone": ""},
        ],
    }


def test_without_a_contacts_model_contacts_are_left_alone(tmp_path: Path) -> None:
    payload = sent(tmp_path, "customer", "c1", customers=[customer("c1")])
    assert payload == {"externalId": "c1", "name": "Customer c1"}


def test_a_customer_whose_contacts_are_gone_says_so(tmp_path: Path) -> None:
    payload = sent(
        tmp_path,
        "customer",
        "c1",
        customers=[customer("c1"), customer("c2")],
        contacts=[{"customer_external_id": "c2", "email": "a@x.test"}],
    )
    assert payload["contacts"] == []


def test_a_payment_carries_its_allocations(tmp_path: Path) -> None:
    assert sent(
        tmp_path,
        "payment",
        "p1",
        customers=[customer("c1")],
        invoices=[invoice("i1"), invoice("i2")],
        payments=[payment("p1", amount=150, ref_number="R1")],
        allocations=[
            allocation("payment p1", "invoice i2", 50),
            allocation("payment p1", "invoice i1", 60),
            allocation("payment p1", "invoice i1", 40),
        ],
    ) == {
        "externalId": "p1",
        "currency": "EUR",
        "amount": 150,
        "validatedAt": "2026-03-01T00:00:00.000Z",
        "refNumber": "R1",
        "customer": {"externalId": "c1"},
        "linkedInvoices": [
            {"amountLinked": 100, "invoice": {"externalId": "i1"}},
            {"amountLinked": 50, "invoice": {"externalId": "i2"}},
        ],
    }


def test_a_payment_without_allocations_says_so(tmp_path: Path) -> None:
    payload = sent(tmp_path, "payment", "p1", customers=[customer("c1")], payments=[payment("p1")])
    assert payload["linkedInvoices"] == []


def test_a_refund_carries_both_kinds_of_links(tmp_path: Path) -> None:
    payload = sent(
        tmp_path,
        "refund",
        "r1",
        customers=[customer("c1")],
        credit_notes=[credit_note("n1")],
        payments=[payment("p1")],
        refunds=[payment("r1", amount=150)],
        allocations=[
            allocation("refund r1", "payment p1", 100),
            allocation("refund r1", "credit_note n1", 50),
        ],
    )
    assert payload["linkedPayments"] == [{"amountLinked": 100, "payment": {"externalId": "p1"}}]
    assert payload["linkedCreditNotes"] == [
        {"amountLinked": 50, "creditNote": {"externalId": "n1"}}
    ]


def test_the_hash_of_a_payload_never_changes_by_itself() -> None:
    # What this digest is decides whether an upgrade sends everything again.
    assert payload_hash(b'{"externalId":"c1"}').hex() == "1701c3e1a46ec2a6415a6d58a31eaf9a"
