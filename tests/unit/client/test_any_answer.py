"""Whatever a server sends is one of the known verdicts; nothing of it raises anything else."""

from __future__ import annotations

import gzip
import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.client.answer import Answer
from headrace.client.page import read_page
from headrace.client.verdict import Verdict, judge, judge_empty, message_of, retry_after
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import BY_NAME, ENTITIES
from headrace.model.errors import NotTheApi
from headrace.sync.operations.positions import refused_position
from headrace.sync.operations.response_check import differing_fields

SENT = msgspec.json.encode(
    {
        "externalId": "A",
        "customer": {"externalId": "C"},
        "contacts": [{"email": "a@b.test", "position": "CFO"}],
        "customFields": [{"externalId": "F", "value": "x"}],
        "linkedInvoices": [{"invoice": {"externalId": "I"}, "amountLinked": 3}],
        "issuedAt": "2026-01-01",
        "grossAmount": 5,
    }
)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *msgspec.json.decode(SENT),
                    "id",
                    "total",
                    "message",
                    "error",
                    "linkedTransactions",
                ]
                + [entity.envelope for entity in ENTITIES]
            )
            | st.text(),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
bodies = st.binary() | json.map(msgspec.json.encode) | st.text().map(lambda t: t.encode("utf-16"))
answers = st.builds(
    Answer,
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "retry-after"]),
        st.text() | st.sampled_from(["application/json", "text/html", "Application/JSON"]),
    ),
    body=bodies,
)
DEEP = b"[" * 100_000
JSON = {"content-type": "application/json"}


@given(answers)
@example(Answer(200, JSON, DEEP))
@example(Answer(400, JSON, DEEP))
@example(Answer(200, JSON, b'{"externalId": "A", "contacts": [null]}'))
@example(Answer(200, JSON, '{"externalId": "é"}'.encode("latin-1")))
@example(Answer(200, JSON, b'{"externalId": "A", "linkedInvoices": [null, 3, {"invoice": 4}]}'))
@example(Answer(200, JSON, b'{"externalId": "A", "customFields": [null, [], "x"]}'))
@example(Answer(200, JSON, b'{"externalId": "A", "contacts": [{"email": null}, {"email": []}]}'))
@example(Answer(200, JSON, b'{"invoices": [null], "total": 1}'))
def test_any_answer_has_a_verdict(answer: Answer) -> None:
    for verdict in (
        judge(answer),
        judge(answer, "A"),
        judge_empty(answer, "A"),
        judge_empty(answer, "A", deleting=True),
    ):
        assert isinstance(verdict, Verdict)
    assert isinstance(message_of(answer), str)
    assert isinstance(differing_fields(SENT, answer.body), list)
    refused_position(SENT, answer)
    assert answer.described.isprintable() and len(answer.described) < 300
    assert 0 <= retry_after(answer, SYSTEM_CLOCK) <= 3600
    for entity in ENTITIES:
        try:
            page = read_page(answer, entity)
        except NotTheApi as error:
            assert str(error)
        else:
            assert all(isinstance(item["id"], str | int) for item in page.items)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{not json", '{"externalId": "A"}'.encode("utf-16"), b"{}", b'"A"'],
)
def test_an_acknowledgement_is_a_record_of_that_name(body: bytes) -> None:
    assert judge(Answer(200, JSON, body), "A") is Verdict.NOT_THE_API
    assert judge_empty(Answer(200, JSON, body), "A", deleting=True) is Verdict.NOT_THE_API
    assert judge(Answer(201, JSON, b'{"externalId": "A", "id": "1"}'), "A") is Verdict.DONE
    assert judge(Answer(201, JSON, b'{"externalId": "B", "id": "1"}'), "A") is Verdict.NOT_THE_API
    assert judge_empty(Answer(204, {}, b""), "A") is Verdict.DONE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 5.0),
        ("1e308", 3600.0),
        ("inf", 5.0),
        ("nan", 5.0),
        ("9" * 400, 3600.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9015 07:28:00 GMT", 3600.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 5.0),
        ("soon", 5.0),
        ("", 5.0),
    ],
)
def test_how_long_to_wait(text: str, seconds: float) -> None:
    found = retry_after(Answer(429, {"retry-after": text}, b""), SYSTEM_CLOCK)
    assert math.isclose(found, seconds)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 507, 520, 522, 527, 529])
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_what_gateways_say_is_tried_again_whatever_its_body(status: int, kind: str) -> None:
    assert judge(Answer(status, {"content-type": kind}, b"<html>"), "A") is Verdict.RETRY


def test_a_page_names_what_is_wrong_with_it() -> None:
    body = b'{"invoices": [{"id": "1", "currency": "EUR", "grossAmount": "x"}], "total": 1}'
    with pytest.raises(NotTheApi, match=r"GET /invoices: .*grossAmount"):
        read_page(Answer(200, JSON, body), BY_NAME["invoice"])
    packed = gzip.compress(b"x")
    with pytest.raises(NotTheApi):
        read_page(Answer(200, JSON, packed), BY_NAME["invoice"])
