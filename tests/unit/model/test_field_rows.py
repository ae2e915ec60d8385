"""What derives from the rows of a record's fields, on records made for the test."""

from __future__ import annotations

import typing
from typing import Annotated, Any

import pytest
from msgspec import UNSET, Meta, UnsetType, field

from headrace.ledger.document import Document
from headrace.model.customer import Customer
from headrace.model.entity import (
    BY_NAME,
    CREDIT_NOTE,
    CUSTOMER,
    ENTITIES,
    INVOICE,
    PAYMENT,
    _imported,
)
from headrace.model.errors import BadRequest
from headrace.model.fields import (
    LinkField,
    Links,
    Sent,
    SentField,
    group_of,
    groups,
    link_fields,
    sent_fields,
)
from headrace.model.meanings import field_meanings
from headrace.model.project import EntityName, TargetSettings
from headrace.model.record import Currency, Instant, Record, decode, decode_query, wire_name
from headrace.model.reference import Reference, external


class Place(Record, frozen=True):
    """An address."""

    street: Annotated[str | UnsetType, Sent(clears="empty", column="street_name")] = UNSET
    """Where it is,
    in one line."""
    zip_code: str | UnsetType = UNSET


class Plain(Record, frozen=True):
    """A record without rows."""

    name: str = ""


class Parcel(Record, frozen=True):
    """A record with everything that a record may have."""

    external_id: Annotated[str, Sent(kind="id", required=True)]
    """Its name
    at the sender."""
    own_name: Annotated[str | UnsetType, Sent(required=True)] = UNSET
    free: str | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    other: Plain | UnsetType = UNSET
    owner: Annotated[Reference | UnsetType, Sent(refers="customer")] = field(
        default=UNSET, name="ownedBy"
    )
    linked: Annotated[list[Any] | UnsetType, Links(refers="credit_note", verb="settles")] = UNSET
    paid: Annotated[
        list[Any] | UnsetType, Links(refers="payment", verb="takes", answer="paidBy")
    ] = UNSET
    sent_at: Annotated[Instant | UnsetType, Sent(kind="instant")] = UNSET
    money: Currency | None | UnsetType = UNSET
    size: Annotated[int, Meta(ge=1)] = 1
    """How large it is."""


def test_each_row_is_a_field_with_its_names_nested_ones_included() -> None:
    assert sent_fields(Parcel) == (
        SentField(
            name="external_id",
            wire="externalId",
            column="external_id",
            rule=Sent(kind="id", required=True),
            owner=Parcel,
        ),
        SentField(
            name="own_name",
            wire="ownName",
            column="own_name",
            rule=Sent(required=True),
            owner=Parcel,
        ),
        SentField(
            name="street",
            wire="street",
            column="street_name",
            rule=Sent(clears="empty", column="street_name"),
            owner=Place,
        ),
        SentField(
            name="owner",
            wire="ownedBy",
            column="owner",
            rule=Sent(refers="customer"),
            owner=Parcel,
        ),
        SentField(
            name="sent_at",
            wire="sentAt",
            column="sent_at",
            rule=Sent(kind="instant"),
            owner=Parcel,
        ),
    )
    assert sent_fields(Plain) == ()


def test_links_are_fields_of_their_own() -> None:
    assert link_fields(Parcel) == (
        LinkField(
            name="linked",
            wire="linked",
            answer="linked",
            reference="creditNote",
            refers="credit_note",
            verb="settles",
        ),
        LinkField(
            name="paid",
            wire="paid",
            answer="paidBy",
            reference="payment",
            refers="payment",
            verb="takes",
        ),
    )
    assert link_fields(Place) == ()


def test_a_group_is_a_nested_record_with_rows_of_its_own() -> None:
    assert groups(Parcel) == (("place", Place),)
    assert group_of(Place) is Place
    assert group_of(Place | UnsetType) is Place
    for hint in (Plain, Plain | UnsetType, str, list[Place], None):
        assert group_of(hint) is None or hint == list[Place]


def test_an_entity_is_named_and_its_required_fields_are_those_of_its_rows() -> None:
    made = _imported("parcel", "items", 7, Parcel, Customer)
    assert (made.name, made.plural, made.path, made.envelope) == (
        "parcel",
        "parcels",
        "/parcels",
        "items",
    )
    assert (made.page_cap, made.record, made.answer) == (7, Parcel, Customer)
    assert made.required == ("own_name",)
    assert not made.optional


def test_the_entities_are_those_of_the_api() -> None:
    assert [(one.name, one.path, one.envelope, one.page_cap) for one in ENTITIES] == [
        ("customer", "/customers", "customers", 1000),
        ("invoice", "/invoices", "invoices", 500),
        ("credit_note", "/credit_notes", "items", 500),
        ("payment", "/payments", "items", 500),
        ("refund", "/refunds", "items", 500),
    ]
    assert typing.get_args(EntityName) == tuple(BY_NAME)
    assert CUSTOMER.required == ("external_id", "name")
    assert set(CREDIT_NOTE.required) < set(INVOICE.required)
    assert "amount" in PAYMENT.required


def test_docstrings_of_fields_are_read_with_those_that_are_inherited() -> None:
    found = field_meanings(Document)
    assert list(found) == ["entity", "amount", "applied", "mark", "customer", "parent"]
    assert found["entity"] == "invoice, credit_note, payment or refund."
    assert found["parent"] == "The number of that customer's parent."
    assert field_meanings(TargetSettings)["url"] == (
        "Base URL of the API with its version, Upflow's or a hub's; `env:NAME` and `file:PATH` are "
        "allowed."
    )
    assert field_meanings(Parcel) == {}  # only headrace's own records have meanings


def test_dates_and_currencies_are_checked_wherever_they_are_declared() -> None:
    made = Parcel(external_id="p", sent_at="2026-01-02", money="EUR")
    assert made.sent_at == "2026-01-02T00:00:00.000Z"
    assert Parcel(external_id="p", money=None).money is None
    with pytest.raises(ValueError, match=r"^money: 'EURO' is not an ISO 4217 currency code"):
        Parcel(external_id="p", money="EURO")
    with pytest.raises(ValueError, match=r"^sentAt: 'soon' is not an ISO 8601 date"):
        Parcel(external_id="p", sent_at="soon")


@pytest.mark.parametrize(
    ("body", "field_name", "said"),
    [
        (b"{}", "externalId", "externalId: is required."),
        (b'{"externalId": "p", "size": 0}', "size", "size: Expected `int` >= 1."),
        (b'{"externalId": "p", "money": "X: Y"}', "money", None),
        (b'{"externalId": "p", "place": {"street": 1}}', "place.street", None),
        (b'{"externalId": "p", "sentAt": "soon"}', "sentAt", None),
        (b'{"externalId": "p", "paid": 3}', "paid", None),
    ],
)
def test_what_is_wrong_in_a_body_begins_with_its_field(
    body: bytes, field_name: str, said: str | None
) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(Parcel, body)
    ((name, problem),) = caught.value.details
    assert name == field_name
    assert str(caught.value) == f"{field_name}: {problem}."
    assert said is None or str(caught.value) == said


@pytest.mark.parametrize("body", [b'{"externalId": "a\\u0000"}', b'{"externalId": "a\0"}'])
def test_a_nul_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(BadRequest, match="NUL character"):
        decode(Parcel, body)


def test_a_body_that_is_no_object_is_told_without_a_field() -> None:
    with pytest.raises(BadRequest) as caught:
        decode(Parcel, b"3")
    assert str(caught.value) == "The body can't be used: Expected `object`, got `int`."
    assert caught.value.details == ()


def test_a_query_is_text_that_is_read_as_its_fields_want_it() -> None:
    assert decode_query(Parcel, {"externalId": "p", "size": "7"}).size == 7
    with pytest.raises(BadRequest, match=r"^size: Expected `int`"):
        decode_query(Parcel, {"externalId": "p", "size": "x"})
    with pytest.raises(BadRequest, match=r"^externalId: is required\.$"):
        decode_query(Parcel, {})
    with pytest.raises(BadRequest, match=r"^The query can't be used: "):
        decode_query(int, {})


def test_names_in_json_are_camel_case() -> None:
    assert [wire_name(name) for name in ("a", "gross_amount", "is_to_b")] == [
        "a",
        "grossAmount",
        "isToB",
    ]


def test_a_reference_is_by_the_sources_id() -> None:
    assert external("x") == Reference(external_id="x")


def test_a_record_that_was_never_seen_is_read_by_its_rows() -> None:
    class Box(Record, frozen=True):
        """Made here, so that nothing about it is cached."""

        external_id: Annotated[str, Sent(kind="id", required=True)]
        place: Place | UnsetType = UNSET
        plain: str = ""
        sent_at: Annotated[Instant | None | UnsetType, Sent(kind="instant")] = UNSET
        money: Annotated[Currency, Sent(column="coin")] = "EUR"
        optional: Currency | None = None
        size: Annotated[int, Meta(ge=1)] = 1

    assert [
        (row.name, row.wire, row.column, row.rule.kind, row.owner) for row in sent_fields(Box)
    ] == [
        ("external_id", "externalId", "external_id", "id", Box),
        ("street", "street", "street_name", "text", Place),
        ("sent_at", "sentAt", "sent_at", "instant", Box),
        ("money", "money", "coin", "text", Box),
    ]
    made = Box(external_id="b", plain="soon", sent_at="2026-01-02", optional=None)
    assert (made.sent_at, made.plain) == ("2026-01-02T00:00:00.000Z", "soon")
    for wrong in ({"money": "EURO"}, {"optional": "EURO"}, {"sent_at": "EUR"}):
        with pytest.raises(ValueError):
            Box(external_id="b", **wrong)
