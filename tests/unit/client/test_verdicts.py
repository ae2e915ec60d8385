"""Each status has its verdict, and each verdict its error."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from headrace.client.answer import Answer
from headrace.client.verdict import (
    Verdict,
    error_of,
    judge,
    judge_empty,
    message_of,
    retry_after,
)
from headrace.model.errors import NotTheApi, Refused, Unauthorised, Unreachable
from virtual_time import VirtualClock

JSON = {"content-type": "application/json; charset=utf-8"}
HTML = {"content-type": "text/html; charset=utf-8"}
RECORD = b'{"externalId": "A", "id": "1"}'


def answer(status: int, body: bytes = b'{"message": "no"}') -> Answer:
    return Answer(status, JSON, body)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (100, Verdict.NOT_THE_API),
        (199, Verdict.NOT_THE_API),
        (200, Verdict.DONE),
        (299, Verdict.DONE),
        (300, Verdict.NOT_THE_API),
        (302, Verdict.NOT_THE_API),
        (399, Verdict.NOT_THE_API),
        (400, Verdict.REJECTED),
        (401, Verdict.UNAUTHORISED),
        (402, Verdict.REJECTED),
        (403, Verdict.FORBIDDEN),
        (404, Verdict.REJECTED),
        (409, Verdict.UNCLEAR),
        (422, Verdict.REJECTED),
        (423, Verdict.UNCLEAR),
        (429, Verdict.THROTTLED),
        (500, Verdict.RETRY),
        (501, Verdict.REJECTED),
        (599, Verdict.REJECTED),
        (600, Verdict.NOT_THE_API),
    ],
)
def test_each_status_has_its_verdict(status: int, verdict: Verdict) -> None:
    body = RECORD if 200 <= status < 300 else b'{"message": "no"}'
    assert judge(answer(status, body)) is verdict
    assert judge(answer(status, body), "A") is verdict
    assert judge_empty(answer(status, body), "A") is verdict


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501])
def test_an_error_page_of_something_in_between_is_no_refusal(status: int) -> None:
    page = Answer(status, HTML, b"<html>")
    assert judge(page, "A") is Verdict.BLOCKED
    assert judge_empty(page, "A", deleting=True) is Verdict.BLOCKED


def test_a_read_must_be_an_object() -> None:
    assert judge(answer(200, b'{"anything": 1}')) is Verdict.DONE
    assert judge(answer(200, b"[]")) is Verdict.NOT_THE_API


def test_a_deletion_that_finds_nothing_is_done_and_a_pdf_without_its_record_is_not() -> None:
    assert judge_empty(answer(404), "A", deleting=True) is Verdict.DONE
    assert judge_empty(answer(404), "A") is Verdict.REJECTED
    assert judge_empty(answer(400), "A", deleting=True) is Verdict.REJECTED
    assert judge_empty(Answer(204, HTML, b""), "A", deleting=True) is Verdict.DONE


def test_each_verdict_has_its_error() -> None:
    refused = error_of(Verdict.REJECTED, answer(422))
    assert isinstance(refused, Refused)
    assert (refused.status, str(refused)) == (422, "no")
    for verdict in (Verdict.UNAUTHORISED, Verdict.FORBIDDEN):
        error = error_of(verdict, answer(403))
        assert isinstance(error, Unauthorised)
        assert str(error) == "status 403: no"
    for verdict in (Verdict.RETRY, Verdict.UNCLEAR, Verdict.THROTTLED):
        error = error_of(verdict, answer(503))
        assert isinstance(error, Unreachable)
        assert str(error) == "status 503: no"
    for verdict in (Verdict.BLOCKED, Verdict.NOT_THE_API):
        error = error_of(verdict, Answer(302, HTML, b"moved"))
        assert isinstance(error, NotTheApi)
        assert str(error) == "status 302, text/html, 'moved'"


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (JSON, b'{"message": "first", "error": "second"}', "first"),
        (JSON, b'{"message": "", "error": "second"}', "second"),
        (JSON, b'{"message": 3, "error": "second"}', "second"),
        (JSON, b'{"message": null}', '{"message": null}'),
        (JSON, b" [1, 2] ", "[1, 2]"),
        (JSON, b"[" + b"1" * 300, "[" + "1" * 199),
        (JSON, b"\xff", "\ufffd"),
        (JSON, b"", "status 418 without a word"),
        ({}, b"", "status 418 without a word"),
        (HTML, b"<html>", "text/html instead of JSON"),
        ({"content-type": "text/html"}, b"<html>", "text/html instead of JSON"),
        ({}, b"<html>", "something without a content type instead of JSON"),
    ],
)
def test_the_message_is_the_apis_own_where_it_has_one(
    headers: dict[str, str], body: bytes, said: str
) -> None:
    assert message_of(Answer(418, headers, body)) == said


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), (" 7 ", 7), ("3600", 3600), ("3601", 3600), ("-0.5", 11)]
)
def test_seconds_to_wait_are_taken_up_to_an_hour(text: str, seconds: float) -> None:
    found = retry_after(Answer(429, {"retry-after": text}, b""), VirtualClock(), default=11)
    assert found == seconds


def test_a_date_to_wait_for_counts_from_now() -> None:
    clock = VirtualClock()
    later = format_datetime(clock.now() + timedelta(seconds=90))
    assert retry_after(Answer(429, {"retry-after": later}, b""), clock) == pytest.approx(90)
    unzoned = later.replace("+0000", "-0000")
    assert retry_after(Answer(429, {"retry-after": unzoned}, b""), clock) == pytest.approx(90)
    before = format_datetime(clock.now() - timedelta(seconds=90))
    assert retry_after(Answer(429, {"retry-after": before}, b""), clock) == 0


def test_without_a_header_the_wait_is_the_default() -> None:
    assert retry_after(Answer(429, {}, b""), VirtualClock()) == 5
    assert retry_after(Answer(429, {}, b""), VirtualClock(), default=2) == 2


def test_a_header_is_read_up_to_64_characters() -> None:
    long = "0" * 63 + "79"
    assert retry_after(Answer(429, {"retry-after": long}, b""), VirtualClock()) == 7
