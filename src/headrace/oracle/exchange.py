"""A request with its answer: as it passed, and as it may be kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from headrace.oracle.contract import DEFAULT_LIMIT, Contract
from headrace.oracle.shape import Shape, shape_of
from headrace.oracle.tokens import Tokens
from headrace.oracle.vocabulary import COUNT_MOST, COUNTED, PARAMETERS

KEPT_HEADERS = (
    "content-type", "allow", "location", "retry-after", "x-ratelimit-limit",
    "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id",
)  # fmt: skip
"""Headers of answers that are looked at; no other leaves the proxy."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MEDIA = frozenset(
    {"application/json", "application/problem+json", "application/pdf", "text/html", "text/plain",
     "multipart/form-data", "application/octet-stream", "application/xml"}
)  # fmt: skip
_UNPACKED_MOST = 16_000_000
_PAGE_MOST = 1_000_000
"""Bytes above which a server may cut a page short of its limit."""


class Traffic(Struct, frozen=True):
    """How busy the server was when a request arrived, as far as the proxy can know."""

    least: int = 0
    """Requests that certainly arrived in the 60 seconds before."""
    most: int = 0
    """Requests that may have arrived in the 60 seconds before."""
    beside: int = 0
    """Requests that may have been in flight at the same time."""


BEGUN = 0
"""The status of a write that is being sent and has no answer yet."""


class Exchange(Struct, frozen=True):
    """What passed, without keys. Exists in memory only."""

    client: int
    """Numbers the key pairs of a session."""
    method: str
    target: str
    """Path and query below the base, percent-encoded."""
    content_type: str
    """Of the request's body."""
    sent: bytes
    status: int
    headers: Mapping[str, str]
    """Those of KEPT_HEADERS and content-encoding, names in lower case."""
    received: bytes
    traffic: Traffic = Traffic()
    began: float = 0.0
    """When the request was sent, in monotonic seconds."""
    ended: float = 0.0
    """When its answer was complete."""
    whole: bool = True
    """Whether both bodies are here; larger ones are not kept."""

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def answer(self) -> Any:
        """The answer's decoded JSON; text if it is none, None if it is empty."""
        return decoded(unpacked(self.received, self.headers.get("content-encoding", "")))


class Page(Struct, frozen=True, omit_defaults=True):
    """The facts of a list's page."""

    limit: int
    """As the request says it."""
    offset: int
    count: int
    full: bool
    """Whether it has as many entries as `limit` and the stated total allow."""
    falling: tuple[str, ...] = ()
    """Of the moments and amounts of its entries, those that never rise."""
    rising: tuple[str, ...] = ()
    """And those that never fall."""


class Kept(Struct, frozen=True, omit_defaults=True):
    """An exchange as a recording has it, made by allow-list."""

    method: str
    path: str
    """The template, such as `/customers/{}`."""
    status: int
    query: dict[str, str | int] = {}
    media: str = ""
    """Kind of the request's body."""
    request: Shape | None = None
    headers: dict[str, str | int] = {}
    body: Shape | None = None
    page: Page | None = None

    @property
    def bare(self) -> Kept:
        """Without tokens: equal for exchanges of one shape."""
        return msgspec.structs.replace(
            self,
            query={name: _blanked(value) for name, value in self.query.items()},
            request=self.request.bare if self.request else None,
            headers={name: _blanked(value) for name, value in self.headers.items()
                     if name not in ("retry-after", "x-ratelimit-remaining", "x-ratelimit-reset")},
            body=self.body.bare if self.body else None,
            page=None,
        )  # fmt: skip


def kept(exchange: Exchange, contract: Contract, tokens: Tokens) -> Kept:
    """Return what may be kept of an exchange. Nothing else of it reaches a recording."""
    answer = exchange.answer
    request = decoded(exchange.sent)
    return Kept(
        method=exchange.method if exchange.method in _METHODS else "OTHER",
        path=contract.template(exchange.path),
        status=exchange.status,
        query=dict(_parameter(name, value, tokens) for name, value in exchange.query[:30]),
        media=_media(exchange.content_type),
        request=None if request is None else shape_of(request, tokens),
        headers=dict(_headers(exchange.headers)),
        body=None if answer is None else shape_of(answer, tokens),
        page=_page(exchange, answer),
    )


def decoded(body: bytes) -> Any:
    """Decode JSON; text if it is none, None if it is empty."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("latin-1")


def unpacked(body: bytes, encoding: str) -> bytes:
    """Undo a content encoding, up to a size; an unknown one gives the body as it is."""
    if encoding.lower() not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(body, _UNPACKED_MOST)
    except zlib.error:
        return body


def numbers_of(exchange: Exchange) -> tuple[int | None, int | None]:
    """Return the `limit` and `offset` that a request for a page asks for; None for unusual ones."""
    asked = dict(exchange.query)
    limit, offset = asked.get("limit", str(DEFAULT_LIMIT)), asked.get("offset", "0")
    if "page" in asked and "offset" not in asked:
        return None, None
    return _number(limit), _number(offset)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _page(exchange: Exchange, answer: Any) -> Page | None:
    if not isinstance(answer, dict) or exchange.status != 200:
        return None
    numbers = [answer.get(name) for name in ("limit", "offset", "total")]
    counts = [number for number in numbers if type(number) is int and number >= 0]
    lists = [value for value in answer.values() if isinstance(value, list)]
    if len(lists) != 1 or len(counts) != len(numbers):
        return None
    limit, offset, total = counts
    asked, _ = numbers_of(exchange)
    entries = lists[0]
    return Page(
        limit=min(asked if asked is not None else limit, COUNT_MOST),
        offset=min(offset, COUNT_MOST),
        count=min(len(entries), COUNT_MOST),
        full=len(exchange.received) > _PAGE_MOST
        or len(entries) == min(limit, max(0, total - offset)),
        falling=_ordered(entries, falling=True),
        rising=_ordered(entries, falling=False),
    )


_SORTED = ("createdAt", "modifiedAt", "validatedAt", "issuedAt", "dueDate", "amount", "grossAmount")


def _ordered(entries: list[Any], *, falling: bool) -> tuple[str, ...]:
    found = []
    for name in _SORTED:
        kind = int if name.lower().endswith("amount") else str
        values = [entry.get(name) for entry in entries if isinstance(entry, dict)]
        given = [value for value in values if type(value) is kind]
        if len(given) == len(entries) > 1 and given == sorted(given, reverse=falling):
            found.append(name)
    return tuple(found)


def _parameter(name: str, value: str, tokens: Tokens) -> tuple[str, str | int]:
    if name.startswith(("customFieldsData_", "customFieldData_")):
        head = name.partition("_")[0]
        tail = ".eq" if name.endswith(".eq") else ""
        return f"{head}_{{}}{tail}", tokens.of(value)
    if name not in PARAMETERS:
        return tokens.of(name), tokens.of(value)
    number = _number(value)
    if name in COUNTED and number is not None:
        return name, min(number, COUNT_MOST + 1)
    if name in ("sortBy", "sortOrder") and value in (*_SORTED, "ASC", "DESC"):
        return name, value
    return name, tokens.of(value)


def _headers(headers: Mapping[str, str]) -> Iterable[tuple[str, str | int]]:
    for name in KEPT_HEADERS:
        value = headers.get(name)
        if value is None:
            continue
        if name == "content-type":
            yield name, _media(value)
        elif name == "allow":
            methods = [word.strip() for word in value.split(",")]
            yield name, ", ".join(sorted(word for word in methods if word in _METHODS))
        elif name.startswith(("retry-after", "x-ratelimit-")) and (n := _number(value)) is not None:
            yield name, min(n, 1_000_000)
        else:
            yield name, "present"


def _media(value: str) -> str:
    media = value.partition(";")[0].strip().lower()
    return media if media in _MEDIA or not media else "another type"


def _blanked(value: str | int) -> str | int:
    return "~" if isinstance(value, str) and value.startswith("~") else value
