"""What an answer means for the one who sent: done, try again, give up on this, or stop it all."""

from __future__ import annotations

import enum
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from headrace.client.transport import Answer
from headrace.model.clock import Clock

TRANSIENT = frozenset({500, 502, 503, 504})
"""Answers that are retried with exponential backoff (guide; 502 and 504 are gateways)."""


class Verdict(enum.Enum):
    """What to do next with the request that was answered."""

    DONE = "done"
    RETRY = "retry"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    UNAUTHORISED = "unauthorised"
    NOT_THE_API = "not the API"


def judge(answer: Answer, deleting: bool = False) -> Verdict:
    """The verdict on one answer; a delete that finds nothing is done."""
    if answer.status in TRANSIENT:
        return Verdict.RETRY
    if answer.status == 429:
        return Verdict.THROTTLED
    if not answer.is_json or 300 <= answer.status < 400:
        return Verdict.NOT_THE_API
    if answer.status in (401, 403):
        return Verdict.UNAUTHORISED
    if 200 <= answer.status < 300 or (deleting and answer.status == 404):
        return Verdict.DONE
    return Verdict.REJECTED


def message_of(answer: Answer) -> str:
    """The API's own sentence: `message`, else `error`, else what came instead."""
    if not answer.is_json:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        return f"{kind or 'something without a content type'} instead of JSON"
    try:
        body = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        body = None
    if isinstance(body, dict):
        for key in ("message", "error"):
            if isinstance(body.get(key), str) and body[key]:
                return str(body[key])
    text = answer.body[:200].decode("utf-8", "replace").strip()
    return text or f"status {answer.status} without a word"


def retry_after(answer: Answer, clock: Clock, default: float = 5.0) -> float:
    """Seconds that a 429 asks for: a number or an HTTP date, else `default`."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return default
    return max(0.0, (moment - clock.now()).total_seconds())
