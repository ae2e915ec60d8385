"""Payloads against each other: fields, allocations, contacts, names, money."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headrace.sync.planning.payload_changes import field_changes, shrinks
from headrace.sync.planning.shift import _removed


def json(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    return field_changes(json(**before), json(**after))


def test_fields_that_differ_are_told_by_their_path_in_order() -> None:
    assert changes({"name": "a", "x": 1, "same": 1}, {"x": 2, "new": True, "same": 1}) == [
        ("name", "a", ""),
        ("new", "", "true"),
        ("x", "1", "2"),
    ]
    assert changes({"address": {"city": "A"}}, {"address": {"city": "B"}}) == [
        ("address.city", "A", "B")
    ]
    assert changes({"a": None}, {}) == []
    assert changes({"a": ""}, {}) == changes({}, {"a": ""}) == []
    assert changes({"a": None}, {"a": "x"}) == [("a", "", "x")]
    assert changes({"a": "1"}, {"a": 1}) == []


def test_entries_of_a_list_are_told_by_what_names_them() -> None:
    one = {"externalId": "k", "email": "a@x", "phone": "1"}
    two = {"email": "b@x", "phone": "2"}
    three = {"phone": "3"}
    moved = changes({"contacts": [one, two, three]}, {"contacts": [two, one, three]})
    assert moved == []
    found = changes({"contacts": [one, two, three]}, {"contacts": []})
    assert [path for path, _, _ in found] == [
        "contacts[2].phone",
        "contacts[b@x].email",
        "contacts[b@x].phone",
        "contacts[k].email",
        "contacts[k].externalId",
        "contacts[k].phone",
    ]
    link = {"amountLinked": 3, "invoice": {"externalId": "I"}}
    assert changes(
        {"linkedInvoices": [link]}, {"linkedInvoices": [{**link, "amountLinked": 4}]}
    ) == [("linkedInvoices[I].amountLinked", "3", "4")]
    assert changes({"a": ["x"]}, {"a": ["y"]}) == [("a[0]", "x", "y")]


def linked(**amounts: int) -> bytes:
    links = [
        {"amountLinked": amount, "invoice": {"externalId": to}} for to, amount in amounts.items()
    ]
    return json(linkedInvoices=links, other=[1])


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ({"I": 5}, {"I": 5}, False),
        ({"I": 5}, {"I": 4}, True),
        ({"I": 5}, {}, True),
        ({"I": 5}, {"I": 6}, False),
        ({"I": 5}, {"J": 1}, False),
        ({"I": 5, "J": 5}, {"I": 4, "J": 6}, False),
        ({"I": 5, "J": 5}, {"I": 5, "J": 4}, True),
        ({}, {}, False),
    ],
)
def test_a_payload_shrinks_when_it_only_takes_allocations_back(
    before: dict[str, int], after: dict[str, int], less: bool
) -> None:
    assert shrinks(linked(**before), linked(**after)) is less


def test_allocations_of_two_kinds_are_told_apart() -> None:
    invoice = json(linkedInvoices=[{"amountLinked": 5, "invoice": {"externalId": "X"}}])
    note = json(linkedCreditNotes=[{"amountLinked": 5, "creditNote": {"externalId": "X"}}])
    assert not shrinks(invoice, note)


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [
        ([], [], 0),
        (["a@x"], ["a@x"], 0),
        (["a@x"], ["A@X"], 0),
        (["A@X", "b@x"], ["b@x"], 1),
        (["a@x", "b@x"], [], 2),
        (["a@x id 1"], ["b@x id 1"], 0),
        (["a@x id 1"], ["a@x id 2"], 0),
        (["a@x id 1"], ["b@x id 2"], 1),
        (["a@x"], None, 0),
        (None, ["a@x"], 0),
        (["a@x id id a@x"], ["b@x"], 1),
    ],
)
def test_a_contact_is_removed_when_neither_its_id_nor_its_address_is_left(
    before: list[str] | None, after: list[str] | None, removed: int
) -> None:
    def contacts(given: list[str] | None) -> bytes:
        if given is None:
            return b"{}"
        parts = [one.partition(" id ") for one in given]
        return json(
            contacts=[
                {"email": email, **({"externalId": id} if id else {})} for email, _, id in parts
            ]
        )

    assert _removed(contacts(before), contacts(after)) == removed
