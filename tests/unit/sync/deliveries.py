"""A delivery without book, journal or network: operations given by the test, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from headrace.client.answer import Answer
from headrace.client.pace import Pace
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.operations.operation import Lane, Operation
from headrace.sync.planning.plan import Plan
from virtual_time import VirtualClock

JSON = {"content-type": "application/json"}
Reply = Answer | Exception | None
Script = Callable[[str, str, int], Reply]
"""(method, external id, how many times before): what to answer; None takes it."""


def operation(number: int, external_id: str = "", **more: Any) -> Operation:
    """A new invoice, unless said otherwise."""
    external_id = external_id or f"I{number}"
    payload = b'{"externalId":"%s"}' % external_id.encode()
    fields: dict[str, Any] = {
        "entity": "invoice",
        "action": "create",
        "customer": "C1",
        "fingerprint": number,
        "hash": b"h",
        "payload": payload,
        "body": payload,
    }
    return Operation(number=number, external_id=external_id, **(fields | more))


def payment(number: int, name: str, *invoices: str, **more: Any) -> Operation:
    links = [
        {"amountLinked": 1, "invoice": {"externalId": invoice_name}} for invoice_name in invoices
    ]
    payload = msgspec.json.encode({"externalId": name, "linkedInvoices": links})
    fields: dict[str, Any] = {
        "entity": "payment",
        "payload": payload,
        "body": payload,
        "refers_to": tuple(("invoice", one) for one in invoices),
    }
    return operation(number, name, **(fields | more))


def lane(*operations: Operation, phase: int = 1, rank: int | None = None) -> Lane:
    """A loaded lane of these operations, of the first one's customer."""
    number = operations[0].number
    last = operations[-1].number
    made = Lane(
        customer=operations[0].customer,
        phase=phase,
        next=last + 1,
        last=last,
        rank=number if rank is None else rank,
    )
    made.queue.extend(operations)
    return made


class FakeLoader:
    """Hands out lanes as the plan has them: not loaded, one slice after the other."""

    def __init__(self, *lanes: Lane, slice: int = 2, of_each: int = 400) -> None:
        self._operations = {one.number: one for lane in lanes for one in lane.queue}
        self._lanes = list(lanes)
        for one in lanes:
            one.next = one.queue[0].number
            one.queue.clear()
        self._slice = slice
        self._of_each = of_each
        self.awaited = {n for one in self._operations.values() for n in one.waits_for}
        self.ended = False
        self.loaded: list[list[int]] = []
        """Ranks of the lanes of each `load`."""
        self.pdfs = FakePdfs()

    def next_lanes(self) -> list[Lane]:
        found, self._lanes = self._lanes[: self._slice], self._lanes[self._slice :]
        same = [one for one in found if one.phase == found[0].phase]
        self._lanes[:0] = found[len(same) :]
        self.ended = not same
        return same

    def load(self, lanes: Sequence[Lane]) -> None:
        self.loaded.append([one.rank for one in lanes])
        for one in lanes:
            last = min(one.last, one.next + self._of_each - 1)
            one.queue.extend(self._operations[n] for n in range(one.next, last + 1))
            one.next = last + 1


class FakePdf(msgspec.Struct):
    digest: bytes
    file: bytes


class FakePdfs:
    """Opens PDFs, or fails."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None

    @asynccontextmanager
    async def open(self, entity: str, external_id: str) -> Any:
        if self.trouble is not None:
            raise self.trouble
        yield FakePdf(b"digest", b"%PDF " + external_id.encode())


class FakeJournal:
    """Takes everything, and keeps it by the name of the call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.acknowledged_before = 0
        self.lacks_landmarks = False
        self.failing: dict[Any, int] = {}

    def of(self, name: str) -> list[Any]:
        """The arguments of each call of that name: one alone, or a tuple."""
        found = [call[1:] for call in self.calls if call[0] == name]
        return [arguments[0] if len(arguments) == 1 else arguments for arguments in found]

    def count(self) -> int:
        return self.acknowledged_before + len(self.of("acknowledge"))

    async def flushed(self) -> None:
        self.calls.append(("flush",))

    def note_failing(self, key: Any, trouble: str) -> int:
        self.calls.append(("note_failing", key, trouble))
        return self.failing.get(key, 1)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))


PLAN_FIELDS: dict[str, Any] = {
    "organisation": "acme",
    "made_at": "2026-11-20T00:00:00Z",
    "counts": [],
    "money": [],
    "rate": 600,
    "in_flight": 5,
    "latency": 0.2,
}


def plan(requests: int, open_requests: int = 0, **more: Any) -> Plan:
    return Plan(
        requests=requests, open_requests=open_requests, longest_lane=1, **(PLAN_FIELDS | more)
    )


class Run:
    """One delivery of these lanes to an API that a script speaks for."""

    def __init__(
        self,
        *lanes: Lane,
        script: Script = lambda method, external_id, before: None,
        latency: float = 0.2,
        in_flight: int = 3,
        limit: int = 600,
        patience: float = 60.0,
        slice: int = 2,
    ) -> None:
        self.clock = VirtualClock()
        self.began = self.clock.seconds
        self.journal = FakeJournal()
        self.loader = FakeLoader(*lanes, slice=slice)
        self.pace = Pace(limit, in_flight, self.clock)
        total = len(self.loader._operations)
        open_total = sum(one.last - one.next + 1 for one in lanes if one.phase <= 1)
        self.progress = Progress(plan(total, open_total), self.clock, self.pace)
        self.delivery = Delivery(
            self.loader,  # type: ignore[arg-type]
            self,
            self.pace,
            self.journal,  # type: ignore[arg-type]
            self.clock,
            self.progress,
            patience,
        )
        self._script = script
        self._latency = latency
        self.sent: list[tuple[float, str, str]] = []
        """(seconds since the start, method, external id), as sent."""
        self.bodies: list[bytes | None] = []
        self.most = 0
        self._in_flight = 0
        self._before: dict[tuple[str, str], int] = {}

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        if method == "GET":
            return await self._reply(method, "probe", body, b'{"customers": [], "total": 0}')
        if "headrace-nobody" in path:
            return await self._reply(method, "nobody", body, b"{}")
        name = path.rpartition(":")[2]
        if body and method == "POST":
            name = msgspec.json.decode(body)["externalId"]
        return await self._reply(method, name, body, b'{"externalId":"%s"}' % name.encode())

    async def upload(self, path: str, file: bytes, name: str) -> Answer:
        assert name == "document.pdf"
        own = path.removesuffix("/pdf").rpartition(":")[2]
        return await self._reply("POST", own, file, b"", 204)

    async def _reply(
        self, method: str, name: str, body: bytes | None, taken: bytes, status: int = 200
    ) -> Answer:
        self.sent.append((round(self.clock.seconds - self.began, 3), method, name))
        self.bodies.append(body)
        self._in_flight += 1
        self.most = max(self.most, self._in_flight)
        before = self._before.get((method, name), 0)
        self._before[method, name] = before + 1
        await self.clock.sleep(self._latency)
        self._in_flight -= 1
        reply = self._script(method, name, before)
        if isinstance(reply, Exception):
            raise reply
        if reply is not None:
            return reply
        return Answer(204, {}, b"") if method == "DELETE" else Answer(status, JSON, taken)

    @property
    def names(self) -> list[str]:
        """What was sent, in order."""
        return [name for _, _, name in self.sent]

    def times(self, name: str) -> list[float]:
        return [at for at, _, own in self.sent if own == name]

    def go(self, *after: tuple[float, Callable[[], None]]) -> Run:
        """Delivers, and does these things after so many seconds."""

        async def run() -> None:
            running = asyncio.ensure_future(self.delivery.run())
            for seconds, act in after:
                await self.clock.sleep(self.began + seconds - self.clock.seconds)
                act()
            await running

        self.clock.run(run())
        assert self.pace.in_flight == 0
        return self


def refusal(status: int, message: str = "no", **headers: str) -> Answer:
    """An answer in the API's error form."""
    return Answer(status, JSON | headers, msgspec.json.encode({"message": message}))


def always(external_id: str, reply: Reply) -> Script:
    """Gives one record always that reply, and takes all others."""
    return lambda method, own, before: reply if own == external_id else None


def once(external_id: str, *replies: Reply) -> Script:
    """Gives the record these replies to its first requests."""
    return lambda method, own, before: (
        replies[before] if own == external_id and before < len(replies) else None
    )
