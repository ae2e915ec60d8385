"""The payload of each entity, and what a book leaves out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from books import credit_note, customer, fill, invoice, payment
from headrace.book.book import Book
from headrace.book.derivation.fingerprints import (
    FINGERPRINTS,
    READ,
    fingerprints_of,
    of_entity,
)
from headrace.book.payloads.contact_keys import contact_key, customer_of, external_id_of
from headrace.book.payloads.directory import Directory, Field
from headrace.book.payloads.payloads import PAYLOAD_VERSION, Payloads, encode_payload
from headrace.model.contact import Contact
from headrace.model.entity import ENTITIES
from headrace.model.fields import sent_fields

FIELDS = [
    Field("Region", "TEXT", id="f1"),
    Field("Size", "NUMBER", id="f2", external_id="size"),
    Field("Shape", "DATE", external_id="shape"),
]


@pytest.fixture(scope="module")
def payloads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Payloads]:
    folder = tmp_path_factory.mktemp("kinds")
    with Book(folder / "cache.duckdb", contacts="separately", readable=[folder]) as book:
        book.set_directory(Directory(fields=FIELDS))
        fill(
            book,
            folder,
            customers=[
                customer("c1", vat_number=None, custom_fields={"Region": "North", "size": 7}),
                customer("c2", vat_number="V", custom_fields={"size": "large", "Region": None}),
                customer("c3", vat_number="W", custom_fields=None),
                customer("c4", vat_number="W", custom_fields="no object"),
                customer("c5", vat_number="W", custom_fields={"unknown": 1}),
            ],
            contacts=[
                {
                    "customer_external_id": "c1",
                    "external_id": "k1",
                    "email": "a@x.test",
                    "phone": None,
                    "first_name": "Ann",
                },
                {
                    "customer_external_id": "c1",
                    "external_id": "k2",
                    "email": "b@x.test",
                    "phone": "1",
                    "first_name": None,
                },
            ],
            invoices=[invoice("i1"), invoice("i2", due_date=None)],
            credit_notes=[credit_note("n1")],
            payments=[payment("p1", validated_at=None)],
            adjustments=[adjustment("a1", -50), adjustment("a2", 70)],
        )
        book.check()
        yield Payloads(book.connection, book.columns)


def adjustment(external_id: str, amount: int) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "customer_external_id": "c1",
        "currency": "EUR",
        "amount": amount,
        "booked_at": "2026-01-10",
    }


def sent(payloads: Payloads, entity: str, external_id: str) -> Any:
    record = payloads.fetch(entity, [external_id])[external_id]
    return msgspec.json.decode(encode_payload(record)[0])


def test_an_invoice(payloads: Payloads) -> None:
    assert sent(payloads, "invoice", "i1") == {
        "externalId": "i1",
        "customId": "N-i1",
        "issuedAt": "2026-01-10T00:00:00.000Z",
        "dueDate": "2026-02-10T00:00:00.000Z",
        "currency": "EUR",
        "grossAmount": 100,
        "netAmount": 100,
        "customer": {"externalId": "c1"},
    }
    assert sent(payloads, "invoice", "i2")["grossAmount"] == 100
    assert "dueDate" not in sent(payloads, "invoice", "i2")


def test_a_credit_note_says_that_it_settles_nothing(payloads: Payloads) -> None:
    assert sent(payloads, "credit_note", "n1") == {
        "externalId": "n1",
        "customId": "N-n1",
        "issuedAt": "2026-01-10T00:00:00.000Z",
        "currency": "EUR",
        "grossAmount": 100,
        "netAmount": 100,
        "customer": {"externalId": "c1"},
        "linkedInvoices": [],
    }


def test_an_adjustment_travels_as_a_payment_or_a_refund(payloads: Payloads) -> None:
    assert sent(payloads, "payment", "a1") == {
        "externalId": "a1",
        "currency": "EUR",
        "amount": 50,
        "validatedAt": "2026-01-10T00:00:00.000Z",
        "customer": {"externalId": "c1"},
        "linkedInvoices": [],
    }
    assert sent(payloads, "refund", "a2")["amount"] == 70
    assert payloads.fetch("refund", ["a1"]) == {}


def test_a_contact_of_its_own(payloads: Payloads) -> None:
    assert sent(payloads, "contact", "c1/k1") == {
        "externalId": "k1",
        "email": "a@x.test",
        "firstName": "Ann",
        "phone": "",
    }
    assert sent(payloads, "contact", "c1/k2")["firstName"] == ""
    assert "contacts" not in sent(payloads, "customer", "c1")


def test_only_what_is_wanted_is_built(payloads: Payloads) -> None:
    assert set(payloads.fetch("invoice", ["i2", "i9"])) == {"i2"}
    assert set(payloads.fetch("contact", ["c1/k2"])) == {"c1/k2"}
    assert set(payloads.fetch("customer", ["c1"])) == {"c1"}
    assert payloads.fetch("customer", []) == {}


def test_a_modelled_column_without_a_value_clears_its_field(payloads: Payloads) -> None:
    assert sent(payloads, "customer", "c1")["vatNumber"] == ""
    assert sent(payloads, "customer", "c2")["vatNumber"] == "V"
    assert "accountingRef" not in sent(payloads, "customer", "c1")


def test_custom_fields_are_named_by_their_own_id_or_else_by_upflows(payloads: Payloads) -> None:
    assert sent(payloads, "customer", "c1")["customFields"] == [
        {"id": "f1", "value": "North"},
        {"externalId": "size", "value": 7},
    ]
    assert sent(payloads, "customer", "c2")["customFields"] == [{"id": "f1", "value": None}]


@pytest.mark.parametrize("external_id", ["c3", "c5"])
def test_a_customer_without_custom_fields_leaves_them_alone(
    payloads: Payloads, external_id: str
) -> None:
    assert "customFields" not in sent(payloads, "customer", external_id)


def test_fields_with_a_value_are_those_that_an_update_must_not_clear(payloads: Payloads) -> None:
    assert payloads.unread_fields("c1") == {("f1", None), (None, "size")}
    assert payloads.unread_fields("c2") == {(None, "size")}
    assert payloads.unread_fields("c3") == set()
    assert payloads.unread_fields("c4") >= {("f1", None), (None, "size"), (None, "shape")}


def test_a_table_without_a_model_clears_nothing(payloads: Payloads) -> None:
    bare = Payloads(payloads._connection, {})
    assert "vatNumber" not in sent(bare, "customer", "c1")
    assert sent(bare, "invoice", "i1") == sent(payloads, "invoice", "i1")


def test_fingerprints_cover_every_column_that_is_sent_in_a_fixed_order() -> None:
    statement = fingerprints_of(PAYLOAD_VERSION)
    for entity in ENTITIES:
        columns = sorted(field.column for field in sent_fields(entity.record))
        assert f"hash({', '.join(columns)}" in statement.replace("\n            ", "")
    columns = ", ".join(sorted(field.column for field in sent_fields(Contact)))
    assert statement.count(f"hash({columns})") == 2  # with their customers and by themselves
    assert fingerprints_of(PAYLOAD_VERSION + 1) != statement


def test_fingerprints_of_one_entity_are_those_of_the_query_for_all(payloads: Payloads) -> None:
    connection = payloads._connection
    connection.execute(
        "create or replace table book.allocation_marks as select hash('payment', 'p1') as key, "
        "7::hugeint as mark"
    )
    connection.execute(
        "insert into book.documents by name select unnest(['invoice', 'credit_note']) as entity, "
        "unnest(['i1', 'n1']) as external_id, 'place' as location, 'e' as etag"
    )
    query = FINGERPRINTS.rstrip().rstrip(";")
    rows = connection.execute(f"{query} order by all").fetchall()
    assert {entity for entity, *_ in rows} == READ.keys()
    for entity in READ:
        own = connection.execute(f"{of_entity(query, entity)} order by all").fetchall()
        assert [one for one in own if one[0] == entity] == [one for one in rows if one[0] == entity]
        assert entity.endswith("_pdf") or {one[0] for one in own} <= {entity}
        assert len(of_entity(query, entity)) < len(query) / 2
    connection.execute("delete from book.documents")


def test_the_key_of_a_contact_has_both_ids() -> None:
    assert contact_key("c1", "k1") == "c1/k1"
    assert contact_key("a/b%c", "k/l%m") == "a%2Fb%25c/k/l%m"


@pytest.mark.parametrize("customer", ["c1", "a/b", "a%2Fb", "%", "é/ü"])
@pytest.mark.parametrize("own", ["k1", "k/l", "", "%2F"])
def test_both_ids_are_read_from_a_key(customer: str, own: str) -> None:
    key = contact_key(customer, own)
    assert customer_of(key) == customer
    assert external_id_of(key, customer) == own


def test_keys_of_earlier_versions_are_read_too() -> None:
    assert external_id_of("a/b/k1", "a/b") == "k1"
    assert external_id_of("a/b/a/b/k1", "a/b") == "a/b/k1"
