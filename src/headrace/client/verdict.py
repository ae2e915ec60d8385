"""Interprets an answer: done, retry, refused, or stop the run."""

from __future__ import annotations

import enum
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from headrace.client.answer import Answer
from headrace.model.clock import Clock
from headrace.model.errors import ApiError, NotTheApi, Refused, Unauthorised, Unreachable

TRANSIENT = frozenset({408, 425, 500, 502, 503, 504, 507, *range(520, 528), 529})
"""Statuses that are retried with exponential backoff, whatever the body (docs/api-evidence.md,
Retries; the others come from gateways: RFC 9110, RFC 8470, RFC 4918, and the vendors of
proxies)."""
UNCLEAR = frozenset({409, 423})
"""Statuses that may be temporary, such as a record locked by another request. They are retried,
then count as a refusal."""
_ASKED_MAX = 3600.0
"""Maximum number of seconds accepted from Retry-After."""
_ASKED_DEFAULT = 5.0


class Verdict(enum.Enum):
    """What to do with the request that was answered."""

    DONE = "done"
    RETRY = "retry"
    UNCLEAR = "unclear"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    """The key lacks a permission, or a rule of the API or of a firewall rejects this one record."""
    BLOCKED = "blocked"
    """An intermediary refused it: the error is not in the API's own format."""
    NOT_THE_API = "not the API"


def judge(answer: Answer, external_id: str | None = None) -> Verdict:
    """Return the verdict on the answer to a read, or to the import of `external_id`.

    DONE requires a JSON object, for an import one with that external id.
    """
    verdict = _of_status(answer)
    if verdict is not Verdict.DONE:
        return verdict
    if external_id is not None:
        return verdict if answer.external_id == external_id else Verdict.NOT_THE_API
    try:
        answer.object()
    except NotTheApi:
        return Verdict.NOT_THE_API
    return verdict


def judge_empty(answer: Answer, external_id: str, deleting: bool = False) -> Verdict:
    """Return the verdict on the answer to a deletion or to a PDF, which may have no body. A
    deletion that finds nothing is DONE."""
    if answer.status == 204:
        return Verdict.DONE
    if deleting and answer.status == 404 and answer.is_json:
        return Verdict.DONE
    return judge(answer, external_id)


def _of_status(answer: Answer) -> Verdict:
    status = answer.status
    if status in TRANSIENT:
        return Verdict.RETRY
    if status == 429:
        return Verdict.THROTTLED
    if 200 <= status < 300:
        return Verdict.DONE
    if not 400 <= status < 600:
        return Verdict.NOT_THE_API
    if not answer.is_json:
        return Verdict.BLOCKED
    if status == 401:
        return Verdict.UNAUTHORISED
    if status == 403:
        return Verdict.FORBIDDEN
    return Verdict.UNCLEAR if status in UNCLEAR else Verdict.REJECTED


def error_of(verdict: Verdict, answer: Answer) -> ApiError:
    """Return a description of the error, where the verdict is not DONE."""
    if verdict in (Verdict.BLOCKED, Verdict.NOT_THE_API):
        return NotTheApi(answer.described)
    said = message_of(answer)
    if verdict is Verdict.REJECTED:
        return Refused(answer.status, said)
    if verdict in (Verdict.UNAUTHORISED, Verdict.FORBIDDEN):
        return Unauthorised(f"status {answer.status}: {said}")
    return Unreachable(f"status {answer.status}: {said}")


def message_of(answer: Answer) -> str:
    """Return the API's own message: `message`, else `error`, else the start of the answer."""
    if not answer.is_json:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        return f"{kind or 'something without a content type'} instead of JSON"
    try:
        body = answer.object()
    except NotTheApi:
        body = {}
    for key in ("message", "error"):
        if isinstance(body.get(key), str) and body[key]:
            return str(body[key])
    text = answer.body[:200].decode("utf-8", "replace").strip()
    return text or f"status {answer.status} without a word"


def retry_after(answer: Answer, clock: Clock, default: float = _ASKED_DEFAULT) -> float:
    """Return the seconds that a 429 asks for, from a number or an HTTP date, at most an hour;
    `default` when it is neither or in the past."""
    text = answer.headers.get("retry-after", "").strip()[:64]
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, clock)
    if not math.isfinite(seconds) or seconds < 0:
        return default
    return min(seconds, _ASKED_MAX)


def _until(text: str, clock: Clock) -> float:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return math.nan
    if moment.tzinfo is None:  # an offset of -0000
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock.now()).total_seconds())
