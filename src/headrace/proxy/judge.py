"""Plays what passed the proxy on a shadow hub, and finds where the two differ in shape."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from headrace.oracle.contract import Contract, Operation
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import Exchange, Kept, decoded, kept
from headrace.oracle.player import MISSING, Played, StandIns
from headrace.oracle.tokens import Tokens
from headrace.oracle.verdict import PASSING, differences
from headrace.proxy.history import History, Request
from headrace.proxy.shadow import STAND_INS, Seat, Shadow, description, shadow_hub

READS = frozenset({"GET", "HEAD"})
_CLIENTS_MOST = 100
_REMEMBERED_MOST = 500_000
"""Records of one client, after which its shadow begins again with nothing."""


class Judged(Struct, frozen=True):
    """An exchange as it may be kept, and what differs."""

    exchange: Kept
    differences: list[Difference]
    exact: bool
    """Whether the shadow knew the records, so that status and every field were compared."""
    compared: bool
    """False when the bodies are too large, or the server was away."""


class _Client:
    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.history = History()


class Judge:
    """Judges exchanges one after the other, in the order of their answers."""

    def __init__(self, shadow: Shadow, contract: Contract, tokens: Tokens, players: StandIns,
                 seat: Seat) -> None:  # fmt: skip
        self._shadow = shadow
        self._contract = contract
        self._tokens = tokens
        self._stand_ins = players
        self._seat = seat
        self._clients: dict[int, _Client] = {}
        self._numbers = itertools.count(1)

    async def judge(self, exchange: Exchange) -> Judged:
        """Return what may be kept of an exchange, and its differences."""
        seen = kept(exchange, self._contract, self._tokens)
        operation = self._contract.find(exchange.method, exchange.path)
        writes = exchange.method not in READS
        if operation is not None and writes and exchange.status in (401, 429):  # without effect
            client, request = await self._requested(exchange, operation)
            client.history.end(request)
        if not exchange.whole or exchange.status in (401, 429, *PASSING):
            return self._judged(exchange, seen, [], exact=False)
        if operation is not None and writes:
            return await self._write(exchange, seen, operation)
        return await self._read(exchange, seen, operation)

    async def begin(self, exchange: Exchange) -> None:
        """A write is being sent. What is answered before it has an answer may or may not have seen
        its effect; a write that never gets one leaves its records unknown for good."""
        operation = self._contract.find(exchange.method, exchange.path)
        if operation is not None:
            client, request = await self._requested(exchange, operation)
            client.history.begin(request)

    async def _requested(self, exchange: Exchange, operation: Operation) -> tuple[_Client, Request]:
        client = await self._client(exchange.client)
        body = decoded(exchange.sent) if "json" in exchange.content_type else None
        return client, client.history.request(exchange, operation.template, body)

    def forget(self) -> None:
        """Exchanges were lost: no client's shadow knows its history any more."""
        self._clients.clear()

    async def _read(self, exchange: Exchange, seen: Kept, operation: Operation | None) -> Judged:
        client = self._clients.get(exchange.client)
        if client is not None and operation is not None:
            request = client.history.request(exchange, operation.template, None)
            if request.names and client.history.foretells(request, exchange):
                played = await client.seat.play(exchange.method, request.target, b"", "")
                return self._judged(exchange, seen, [played], exact=True)
        played_all = [
            await self._seat.play(exchange.method, target, exchange.sent, exchange.content_type)
            for target in self._targets(exchange, seen)
        ]
        judged = self._judged(exchange, seen, played_all, exact=False)
        if operation is not None:
            judged.differences.extend(self._listed(exchange, operation))
            if exchange.status == 404:
                client = await self._client(exchange.client)
                request = client.history.request(exchange, operation.template, None)
                client.history.missed(request)
        return judged

    def _targets(self, exchange: Exchange, seen: Kept) -> list[str]:
        """The requests by which the shadow shows what a hub may answer: the records may exist or
        not, in the path as in the query."""
        operation = self._contract.find(exchange.method, exchange.path)
        template = operation.template if operation is not None else seen.path
        paths = dict.fromkeys(
            self._stand_ins.variants(template, exchange.path) if operation else [exchange.path]
        )
        query = exchange.target.partition("?")[2]
        queries = {query: None}
        for known in (True, False):
            pairs = [self._stood_in(name, value, known) for name, value in exchange.query]
            queries[urlencode(pairs, quote_via=quote)] = None
        return [f"{path}?{text}" if text else path for path in paths for text in queries]

    def _stood_in(self, name: str, value: str, known: bool) -> tuple[str, str]:
        ids = self._stand_ins.ids
        if name == "customerId":
            return name, ids.get("customer", MISSING) if known else MISSING
        head, line, tail = name.partition("_")
        if line and head in ("customFieldsData", "customFieldData"):
            field_id, dot, operator = tail.rpartition(".")
            own = ids.get("custom_field", MISSING) if known else MISSING
            return (f"{head}_{own}{dot}{operator}", value) if field_id else (name, value)
        return name, value

    def _listed(self, exchange: Exchange, operation: Operation) -> list[Difference]:
        """Whether records that were created through the proxy are listed newest first."""
        client = self._clients.get(exchange.client)
        answer = exchange.answer
        sorts = any(name in ("sortBy", "sortOrder") for name, _ in exchange.query)
        if client is None or operation.envelope is None or sorts or not isinstance(answer, dict):
            return []
        entries = answer.get(operation.envelope)
        if not isinstance(entries, list):
            return []
        ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
        if not client.history.misordered([one for one in ids if isinstance(one, str)]):
            return []
        return [Difference(operation.name, "order", "entries", "newest first", "another order")]

    async def _write(self, exchange: Exchange, seen: Kept, operation: Operation) -> Judged:
        client, request = await self._requested(exchange, operation)
        history = client.history
        body = decoded(exchange.sent) if "json" in exchange.content_type else None
        history.end(request)
        foretold = history.foretells(request, exchange)
        history.note(request, exchange)
        if not foretold:
            if exchange.status < 400:
                history.spoil(request)
            return self._judged(exchange, seen, [], exact=False)
        played = await client.seat.play(
            exchange.method, request.target, _sent(exchange, request, body), exchange.content_type
        )
        # Whether the server has had the record all along is its own affair.
        open_ = history.is_new(request) and exchange.status not in (201, played.status)
        judged = self._judged(exchange, seen, [] if open_ else [played], exact=not open_)
        if exchange.status < 400 and played.status < 400 and not open_:
            history.learn(request, exchange, exchange.answer, decoded(played.body))
        elif exchange.status < 400 or played.status < 400:
            history.spoil(request)
        return judged

    def _judged(
        self, exchange: Exchange, seen: Kept, played: list[Played], *, exact: bool
    ) -> Judged:
        answers = [self._kept(exchange, one) for one in played]
        found = differences(self._contract, seen, answers, exact=exact, traffic=exchange.traffic)
        compared = exchange.whole and exchange.status not in PASSING
        return Judged(seen, found, exact, compared)

    def _kept(self, exchange: Exchange, played: Played) -> Kept:
        """The hub's answer in the same form."""
        answer = msgspec.structs.replace(
            exchange, status=played.status, headers=played.headers, received=played.body, sent=b""
        )
        return kept(answer, self._contract, self._tokens)

    async def _client(self, number: int) -> _Client:
        found = self._clients.get(number)
        if found is None or len(found.history) > _REMEMBERED_MOST:
            if len(self._clients) >= _CLIENTS_MOST:
                self._clients.clear()
            seat = await self._shadow.seat(f"client-{next(self._numbers)}")
            found = self._clients[number] = _Client(seat)
        return found


def _sent(exchange: Exchange, request: Request, body: object) -> bytes:
    """The body for the shadow; the original bytes where no id is in it."""
    return exchange.sent if request.body == body else msgspec.json.encode(request.body)


@asynccontextmanager
async def judging(salt: bytes) -> AsyncIterator[Judge]:
    """Open a judge with a shadow hub of its own; `salt` is that of its tokens."""
    contract = Contract(description())
    with shadow_hub() as shadow:
        seat = await shadow.seat(STAND_INS)
        stand_ins = StandIns(seat)
        await stand_ins.make(contract, "")
        yield Judge(shadow, contract, Tokens(salt), stand_ins, seat)
