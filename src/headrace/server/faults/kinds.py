"""The kinds of fault: a record of each kind's parameters, and the function that carries it out.

KINDS is the single table: scripts are parsed by it, requests are played by it, and the
documentation and the OpenAPI document are generated from it.
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
    """Parameters of every kind: which requests it hits, and how often."""

    on: str | None = None
    """`METHOD /path` below /v1, with `{}` for any id and `*` for any method; any request by
    default."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """How many requests it hits: by default one, or no maximum if it has a `rate`."""
    rate: Share | None = None
    """Share of the matching requests that it hits, drawn with the script's seed; all by default."""

    @property
    def total(self) -> int | None:
        """Maximum number of requests it hits; None for no maximum."""
        return self.times if self.times is not None or self.rate is not None else 1


class Status(Fault, tag="status", frozen=True):
    """Answers with this status in the API's error format; nothing is carried out."""

    status: Annotated[int, Meta(ge=400, le=599)]
    retry_after: Annotated[int, Meta(ge=0)] | None = None
    """Seconds for the header Retry-After; by default 1 for a 429, else no header."""
    message: str | None = None


class Html(Fault, tag="html", frozen=True):
    """Answers an HTML page, as gateways do, instead of JSON; nothing is carried out."""

    status: Annotated[int, Meta(ge=200, le=599)] = 502


class Latency(Fault, tag="latency", frozen=True):
    """Delays the request, then carries it out."""

    seconds: Seconds


class LogNormalLatency(Fault, tag="log-normal-latency", frozen=True):
    """Like latency, with a random duration: half of the requests take longer than the median."""

    median: Annotated[float, Meta(gt=0, le=3600)]
    """Seconds."""
    sigma: Annotated[float, Meta(ge=0, le=5)] = 0.5


class Reset(Fault, tag="reset", frozen=True):
    """Resets the connection; nothing is carried out."""


class Stall(Fault, tag="stall", frozen=True):
    """Sends no answer and closes the connection after a number of seconds; nothing is carried
    out."""

    seconds: Seconds = 60.0


class Truncated(Fault, tag="truncated", frozen=True):
    """Carries the request out, but cuts its answer off."""

    share: Annotated[float, Meta(ge=0, lt=1)] = 0.5
    """Share of the body's bytes that is sent."""


class ReplyLost(Fault, tag="reply-lost", frozen=True):
    """Carries the request out and commits it, then closes the connection without an answer."""


class Altered(Fault, tag="altered", frozen=True):
    """Carries the request out and changes the answer; what is stored is not affected."""

    patch: dict[str, Any]
    """A JSON merge patch (RFC 7396) for the answer."""


class ExitBeforeCommit(Fault, tag="exit-before-commit", frozen=True):
    """Ends the hub's process after the write is done and before it is committed."""


class ExitAfterCommit(Fault, tag="exit-after-commit", frozen=True):
    """Ends the hub's process after the write is committed and before it is answered."""


Run: TypeAlias = Callable[[Any, Play], Awaitable[Answer | None]]
"""Returns the answer; None when none is to be sent."""


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
"""A fault of any kind, distinguished by `kind`."""

ENDING = (ExitBeforeCommit, ExitAfterCommit)
"""Kinds that end the process."""


def kind_of(fault: Fault) -> str:
    """Return the kind's name in scripts."""
    return str(fault.__struct_config__.tag)


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396): null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
