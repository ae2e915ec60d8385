"""The echo of an import: what counts as kept, and what as kept otherwise."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headrace.sync.operations.response_check import differing_fields

_LINK = {"amountLinked": 60, "invoice": {"externalId": "I1"}}
_KEPT_LINK = {"linkedAmount": 60, "invoice": {"id": "x", "externalId": "I1", "status": "DUE"}}
_CONTACT = {"email": "Jane@x.io", "firstName": "Jane", "isMain": False}


def _check(sent: dict[str, Any], kept: Any) -> list[tuple[str, str, str]]:
    return differing_fields(msgspec.json.encode(sent), msgspec.json.encode(kept))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"grossAmount": 100}, {"grossAmount": 100, "state": "DUE"}),
        ({"vatNumber": "", "parent": None}, {"vatNumber": None}),
        ({"vatNumber": ""}, {}),
        ({"issuedAt": "2026-05-05T12:30:00.000Z"}, {"issuedAt": "2026-05-05T00:00:00Z"}),
        ({"issuedAt": "2026-05-05T12:30:00.000Z"}, {"issuedAt": "2026-05-05"}),
        ({"name": "Upflow "}, {"name": "Upflow"}),
        ({"customer": {"externalId": "C"}}, {"customerId": "an id of its own"}),
        ({"customer": {"externalId": "C"}}, {"customer": {"id": "1", "externalId": "C"}}),
        ({"parent": {"externalId": "P"}}, {"parent": {"id": "1", "externalId": "P"}}),
        ({"address": {"city": "Paris", "state": ""}}, {"address": {"city": "Paris"}}),
        ({"linkedInvoices": [_LINK]}, {"linkedInvoices": [_KEPT_LINK]}),
        ({"linkedInvoices": []}, {"linkedInvoices": []}),
        ({"linkedInvoices": [_LINK]}, {}),
        ({"linkedInvoices": [_LINK]}, {"linkedInvoices": [{"linkedAmount": 1}]}),
        (
            {"contacts": [_CONTACT]},
            {"contacts": [{**_CONTACT, "email": "jane@x.io", "isMain": True}]},
        ),
        (
            {"customFields": [{"externalId": "r", "value": {"label": "N"}}]},
            {"customFields": [{"id": "1", "externalId": "r", "value": {"label": "N"}}]},
        ),
        ({"customFields": [{"externalId": "r", "value": None}]}, {"customFields": []}),
        ({"name": "x"}, "CREATED"),
    ],
)
def test_what_is_kept(sent: dict[str, Any], kept: Any) -> None:
    assert _check(sent, kept) == []


@pytest.mark.parametrize(
    ("sent", "kept", "field", "before", "after"),
    [
        ({"grossAmount": 100}, {"grossAmount": 120}, "grossAmount", "100", "120"),
        ({"grossAmount": 100}, {"grossAmount": None}, "grossAmount", "100", ""),
        ({"dunningPlanId": None}, {"dunningPlanId": "d"}, "dunningPlanId", "", "d"),
        ({"dueDate": "2026-05-05"}, {"dueDate": "2026-05-06T00:00:00Z"}, "dueDate", "2026-05-05",
         "2026-05-06T00:00:00Z"),
        ({"customer": {"externalId": "C"}}, {"customer": {"externalId": "D"}},
         "customer.externalId", "C", "D"),
        ({"address": {"city": "Paris"}}, {"address": {"city": "Lyon"}}, "address.city", "Paris",
         "Lyon"),
        ({"linkedInvoices": [_LINK]}, {"linkedInvoices": []}, "linkedInvoices[I1]", "60", ""),
        ({"linkedInvoices": []}, {"linkedInvoices": [_KEPT_LINK]}, "linkedInvoices[I1]", "", "60"),
        ({"contacts": [_CONTACT]}, {"contacts": []}, "contacts[Jane@x.io]", "Jane@x.io", ""),
        ({"contacts": []}, {"contacts": [_CONTACT]}, "contacts[jane@x.io]", "", "jane@x.io"),
        ({"contacts": [_CONTACT]}, {"contacts": [{**_CONTACT, "firstName": "J"}]},
         "contacts[Jane@x.io].firstName", "Jane", "J"),
        ({"customFields": [{"id": "1", "value": {"label": "N"}}]},
         {"customFields": [{"id": "1", "value": {"label": "S"}}]},
         "customFields[1]", '{"label":"N"}', '{"label":"S"}'),
    ],
)  # fmt: skip
def test_what_is_kept_otherwise(
    sent: dict[str, Any], kept: Any, field: str, before: str, after: str
) -> None:
    assert _check(sent, kept) == [(field, before, after)]


def test_an_answer_that_is_no_json_is_not_judged() -> None:
    assert differing_fields(b'{"name":"x"}', b"") == []
