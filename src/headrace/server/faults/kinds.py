"""The kinds of fault: a record of what each is told, and the function that does it.

KINDS is the one table: scripts are read by it, requests are played by it, the documentation and
the OpenAPI document name what is in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from headrace.model.errors import RequestError
from headrace.server.call import Answer, error_answer
from headrace.server.faults.play import Play

Seconds = Annotated[float, Meta(ge=0, le=3600)]
Share = Annotated[float, Meta(gt=0, le=1)]

_HTML = (
    b"<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center><hr>"
    b"<center>gateway</center></body></html>\n"
)


class Fault(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    tag_field="kind",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What all kinds are told: whom they hit, and how often."""

    on: str | None = None
    """`METHOD /path` below /v1, `{}` for any id and `*` for any method; unless given, anything."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """How many requests it hits; once unless told, without an end if it has a `rate`."""
    rate: Share = 1.0
    """The share of the requests it might hit that it does hit, drawn by the script's seed."""

    @property
    def total(self) -> int | None:
        """How many requests it hits at most; None without an end."""
        return self.times if self.times is not None or self.rate < 1 else 1


class Status(Fault, tag="status", frozen=True):
    """An answer with this status in the API's error form; nothing is carried out."""

    status: Annotated[int, Meta(ge=400, le=599)]
    retry_after: Annotated[int, Meta(ge=0)] | None = None
    """Seconds in the header Retry-After; 1 for a 429 unless told, else none."""
    message: str | None = None


class Html(Fault, tag="html", frozen=True):
    """A page as gateways send it, instead of JSON; nothing is carried out."""

    status: Annotated[int, Meta(ge=200, le=599)] = 502


class Latency(Fault, tag="latency", frozen=True):
    """The request waits, then is carried out."""

    seconds: Seconds


class LogNormalLatency(Fault, tag="log-normal-latency", frozen=True):
    """As latency, of a length that is drawn: half take longer than the median."""

    median: Annotated[float, Meta(gt=0, le=3600)]
    """Seconds."""
    sigma: Annotated[float, Meta(ge=0, le=5)] = 0.5


class Reset(Fault, tag="reset", frozen=True):
    """The connection is reset; nothing is carried out."""


class Stall(Fault, tag="stall", frozen=True):
    """No answer; the connection is closed after so many seconds. Nothing is carried out."""

    seconds: Seconds = 60.0


class Truncated(Fault, tag="truncated", frozen=True):
    """The request is carried out, its answer breaks off."""

    share: Annotated[float, Meta(ge=0, lt=1)] = 0.5
    """Of the body's bytes that are sent."""


class ReplyLost(Fault, tag="reply-lost", frozen=True):
    """The request is carried out and committed; the connection is closed without an answer."""


class Altered(Fault, tag="altered", frozen=True):
    """The request is carried out, its answer is changed; what is stored stays as it is."""

    patch: dict[str, Any]
    """A JSON merge patch (RFC 7396) of the answer."""


class ExitBeforeCommit(Fault, tag="exit-before-commit", frozen=True):
    """The hub's process ends when the write is done but not committed."""


class ExitAfterCommit(Fault, tag="exit-after-commit", frozen=True):
    """The hub's process ends when the write is committed and not answered."""


Run: TypeAlias = Callable[[Any, Play], Awaitable[Answer | None]]
"""Gives what is to be answered; None when nothing is, any more."""


async def _status(fault: Status, play: Play) -> Answer:
    status = HTTPStatus(fault.status) if fault.status in _KNOWN else None
    reason = status.phrase if status else "Error"
    error = RequestError(fault.message or f"{reason}: a fault that this hub was told to show.")
    error.status, error.reason = fault.status, reason
    after = fault.retry_after
    if after is None and fault.status == HTTPStatus.TOO_MANY_REQUESTS:
        after = 1
    return error_answer(error, ((b"retry-after", b"%d" % after),) if after is not None else ())


async def _html(fault: Html, play: Play) -> Answer:
    phrase = HTTPStatus(fault.status).phrase.encode() if fault.status in _KNOWN else b"Error"
    body = _HTML % (fault.status, phrase, fault.status, phrase)
    return Answer(fault.status, body, content_type=b"text/html")


async def _latency(fault: Latency, play: Play) -> Answer | None:
    await play.wait(fault.seconds)
    return await play.answer()


async def _log_normal_latency(fault: LogNormalLatency, play: Play) -> Answer | None:
    await play.wait(play.chance.lognormvariate(math.log(fault.median), fault.sigma))
    return await play.answer()


async def _reset(fault: Reset, play: Play) -> None:
    await play.hang_up(abruptly=True)


async def _stall(fault: Stall, play: Play) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(play.until_gone(), fault.seconds)
    await play.hang_up()


async def _truncated(fault: Truncated, play: Play) -> None:
    answer = await play.answer()
    if answer is not None:
        await play.cut(answer, int(len(answer.body) * fault.share))


async def _reply_lost(fault: ReplyLost, play: Play) -> None:
    await play.answer()
    await play.hang_up()


async def _altered(fault: Altered, play: Play) -> Answer | None:
    answer = await play.answer()
    if answer is None or not answer.body:
        return answer
    body = msgspec.json.encode(merged(msgspec.json.decode(answer.body), fault.patch))
    return msgspec.structs.replace(answer, body=body)


async def _exit_before_commit(fault: ExitBeforeCommit, play: Play) -> None:
    await play.answer_to_the_commit()
    play.end_process()


async def _exit_after_commit(fault: ExitAfterCommit, play: Play) -> None:
    await play.answer()
    play.end_process()


_KNOWN = frozenset(int(status) for status in HTTPStatus)

KINDS: Mapping[type[Fault], Run] = {
    Status: _status,
    Html: _html,
    Latency: _latency,
    LogNormalLatency: _log_normal_latency,
    Reset: _reset,
    Stall: _stall,
    Truncated: _truncated,
    ReplyLost: _reply_lost,
    Altered: _altered,
    ExitBeforeCommit: _exit_before_commit,
    ExitAfterCommit: _exit_after_commit,
}

AnyFault: TypeAlias = (
    Status
    | Html
    | Latency
    | LogNormalLatency
    | Reset
    | Stall
    | Truncated
    | ReplyLost
    | Altered
    | ExitBeforeCommit
    | ExitAfterCommit
)
"""One of KINDS, told apart by `kind`."""

ENDING = (ExitBeforeCommit, ExitAfterCommit)
"""Those that take the process with them."""


def kind_of(fault: Fault) -> str:
    """Its name in scripts."""
    return str(fault.__struct_config__.tag)


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch applied (RFC 7396): null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
