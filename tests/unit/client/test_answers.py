"""An answer as it is read and described."""

from __future__ import annotations

import pytest

from headrace.client.answer import Answer, object_of
from headrace.model.errors import NotTheApi

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": 1}', {"a": 1}),
        (rb'{"a": "cut \ud83d", "b": "\ud83d\ude00"}', {"a": "cut \ufffd", "b": "\U0001f600"}),
        (rb'{"a": "cut \ud83d", "b": NaN}', None),
        (rb'{"a": "cut \ud83d"', None),
        (b"[1]", None),
        (b"{", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
    ],
)
def test_only_an_object_is_an_object(body: bytes, found: object) -> None:
    assert object_of(body) == found
    if found is None:
        with pytest.raises(NotTheApi, match="status 200, application/json"):
            Answer(200, JSON, body).object()
    else:
        assert Answer(200, JSON, body).object() == found


def test_a_record_has_two_ids() -> None:
    assert Answer(200, JSON, b'{"externalId": "A", "id": 7}').external_id == "A"
    assert Answer(200, JSON, b'{"externalId": "A", "id": 7}').id == "7"
    assert Answer(200, JSON, b'{"id": null}').id == ""
    assert Answer(200, JSON, b"{").id == ""
    assert Answer(200, JSON, b"{").external_id is None


def test_a_body_is_json_when_its_type_says_so_or_when_there_is_none() -> None:
    assert Answer(200, {"content-type": "Application/Problem+JSON"}, b"x").is_json
    assert Answer(200, {}, b"").is_json
    assert not Answer(200, {}, b"x").is_json
    assert not Answer(200, {"content-type": "text/html"}, b"{}").is_json


@pytest.mark.parametrize(
    ("headers", "body", "described"),
    [
        ({"content-type": "text/html; charset=x"}, b"<p>", "status 502, text/html, '<p>'"),
        ({"content-type": " text/html ;x;y"}, b"a\n\n  b", "status 502, text/html, 'a b'"),
        ({}, b"", "status 502, no content type, an empty body"),
        ({}, b"\x1b[31m", "status 502, no content type, '\ufffd[31m'"),
        ({}, b"\xffx", "status 502, no content type, '\ufffdx'"),
        ({}, b"x" * 500, f"status 502, no content type, '{'x' * 80}'"),
        ({}, "é".encode() * 500, f"status 502, no content type, '{'é' * 80}'"),
    ],
)
def test_an_answer_is_described_in_a_line(
    headers: dict[str, str], body: bytes, described: str
) -> None:
    assert Answer(502, headers, body).described == described
