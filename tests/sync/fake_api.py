"""An API behind the transport's seam, in virtual time: counts arrivals by its own clock."""

from __future__ import annotations

import asyncio
import shutil
import unittest.mock
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from headrace.book.book import Book
from headrace.client.answer import Answer
from headrace.client.pace import WINDOW
from headrace.fleet.project import load_project
from headrace.model.errors import Unreachable
from headrace.sync.delivery.loader import Loader
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan
from headrace.sync.session import Organisation
from virtual_time import VirtualClock

_JSON = {"content-type": "application/json"}


class Arrival(Struct):
    """One request as the API saw it, times in virtual seconds."""

    sent: float
    at: float
    answered: float
    """For whoever sent it: when it knew the outcome."""
    method: str
    entity: str
    external_id: str
    customer: str
    status: int


Reply = Answer | Exception
Script = Callable[[Arrival], Reply | None]
"""What to answer to a request that is let in; None takes it."""


def refusal(status: int, message: str = "no", **headers: str) -> Answer:
    """An answer in the API's error form."""
    body = msgspec.json.encode({"statusCode": status, "message": message})
    return Answer(status, _JSON | headers, body)


class FakeApi:
    """Takes every record, after `latency` seconds give or take a half, within Upflow's limits.

    What a killed client had sent arrives all the same, if it was still on its way.
    """

    def __init__(
        self,
        clock: VirtualClock,
        latency: float,
        seed: int = 1,
        script: Script | None = None,
        limit: int = 600,
    ) -> None:
        self._clock = clock
        self._latency = latency
        self._random = Random(seed)
        self._script = script or (lambda arrival: None)
        self._limit = limit
        self.arrivals: list[Arrival] = []
        self._arrived = asyncio.Event()
        self._window: deque[float] = deque()
        self._in_flight: Counter[str] = Counter()
        self.most_in_flight = 0
        self.most_of_one_customer = 0

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        whole = self._latency * (0.5 + self._random.random())
        there = whole * self._random.random()
        sent = self._clock.seconds
        try:
            await self._clock.sleep(there)
        except asyncio.CancelledError:
            self._arrive(request_of(method, path, body, sent, sent + there))
            raise
        arrival = request_of(method, path, body, sent, self._clock.seconds)
        reply = self._arrive(arrival)
        self._in_flight[arrival.customer] += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight.total())
        of_one = self._in_flight[arrival.customer]
        self.most_of_one_customer = max(self.most_of_one_customer, of_one)
        try:
            await self._clock.sleep(whole - there + (TIMEOUT_S if reply is STALLED else 0.0))
        finally:
            self._in_flight[arrival.customer] -= 1
            arrival.answered = self._clock.seconds
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _arrive(self, arrival: Arrival) -> Reply:
        while self._window and self._window[0] <= arrival.at - WINDOW:
            self._window.popleft()
        if len(self._window) >= self._limit or self._in_flight.total() >= 10:
            reply: Reply = refusal(429, "too many", **{"retry-after": "1"})
        else:
            self._window.append(arrival.at)
            reply = self._script(arrival) or _taken(arrival)
        arrival.status = reply.status if isinstance(reply, Answer) else 0
        self.arrivals.append(arrival)
        self._arrived.set()
        return reply

    async def has_seen(self, count: int) -> None:
        """Waits until so many requests have arrived."""
        self._arrived = asyncio.Event()  # of the loop that runs now
        while len(self.arrivals) < count:
            self._arrived.clear()
            await self._arrived.wait()

    def times_of(self, external_id: str) -> list[float]:
        """When the record arrived, each time."""
        return [arrival.at for arrival in self.arrivals if arrival.external_id == external_id]

    @property
    def statuses(self) -> set[int]:
        """All that it answered; 0 for no answer."""
        return {arrival.status for arrival in self.arrivals}


def _taken(arrival: Arrival) -> Answer:
    if arrival.method == "DELETE":
        return Answer(204, {}, b"")
    if arrival.method == "GET":
        return Answer(200, _JSON, b'{"customers": [], "total": 0}')
    return Answer(200, _JSON, msgspec.json.encode({"externalId": arrival.external_id}))


def request_of(method: str, path: str, body: bytes | None, sent: float, at: float) -> Arrival:
    """What a request is about."""
    if method == "GET":
        return Arrival(sent, at, at, method, "list", "", "", 200)
    record: dict[str, Any] = msgspec.json.decode(body) if body else {}
    _, plural, *rest = path.split("/")
    external_id = record.get("externalId") or unquote(rest[0]).removeprefix("external:")
    customer = (record.get("customer") or {"externalId": external_id})["externalId"]
    return Arrival(sent, at, at, method, plural.removesuffix("s"), external_id, customer, 200)


BROKEN = Unreachable("the connection broke")
STALLED = Unreachable("no answer in time")
"""Raised so much later than others."""
TIMEOUT_S = 30.0
"""The default of a project's `timeout`."""


_NOTICED_S = 0.001
"""How long after a request its delivery is ended."""


class Killed(Exception):
    """The delivery's process is gone."""


class Bench:
    """An organisation whose deliveries go to a fake API, by a clock of their own."""

    def __init__(self, folder: Path, clock: VirtualClock, book: Book | None = None) -> None:
        """`book` is one of this source, built, which stays as it is and open."""
        self._book = book
        self.folder = folder
        self.clock = clock
        self.interrupt_at: int | None = None
        """Ends the next deliveries gently once that many requests have arrived."""
        self.slice_seconds: float | None = None
        """Ends them to plan again after so long."""
        self.kill_at: int | None = None
        """Ends them by `Killed`: what is in flight is never answered."""
        self.reopen()

    def reopen(self) -> None:
        """As another command would, once it was closed."""
        loaded = load_project(self.folder)
        names = ("HEADRACE_URL", "HEADRACE_KEY", "HEADRACE_SECRET")
        environment = dict.fromkeys(names, "http://fake.test/v1")
        made = Book if self._book is None else lambda *given: self._book
        with unittest.mock.patch("headrace.sync.session.Book", made):
            self.organisation: Organisation = loaded.open(
                loaded.only(None), self.clock, environment
            )
        self._source = [] if self._book is None else self._times()
        """What was last read of the source, by the times of its files."""

    def _times(self) -> list[tuple[str, int]]:
        files = [*self.folder.glob("*.*"), *self.folder.parent.glob("*.db*")]
        return [(str(path), path.stat().st_mtime_ns) for path in sorted(files)]

    def set_in_flight(self, number: int) -> None:
        """As the project's settings would."""
        settings = self.organisation.settings
        target = msgspec.structs.replace(settings.target, in_flight=number)
        self.organisation.settings = msgspec.structs.replace(settings, target=target)

    def plan(self) -> Plan:
        """By the source and the journal as they are now; an unchanged source is not read again."""
        source = self._times()
        if source == self._source:
            self.organisation.compare()
        else:
            assert self._book is None, "the book of others would change"
            self.organisation.refresh()
        self._source = source
        return self.organisation.plan()

    def deliver(
        self, api: FakeApi, plan: Plan, *, in_flight: int = 5, patience: float = 60.0
    ) -> tuple[Progress, Delivery]:
        """One run, paced like `apply` on a key that allows 600 a minute."""
        journal, book = self.organisation.journal, self.organisation.book
        journal.expect_answers(in_flight)
        pace = self.organisation.connection.pace()
        pace.in_flight_limit = in_flight
        progress = Progress(plan, self.clock, pace)
        journal.begin_run("apply", plan.requests, plan.open_requests)
        delivery = Delivery(
            Loader(book, journal), api, pace, journal, self.clock, progress, patience
        )
        if self.slice_seconds is not None:
            delivery.end_after(self.slice_seconds)
        self.clock.run(self._run(delivery, api))
        journal.end_run("done", progress.latency)
        self.organisation._planner.note_around()
        journal.expect_none()
        return progress, delivery

    async def _run(self, delivery: Delivery, api: FakeApi) -> None:
        running = asyncio.ensure_future(delivery.run())
        if end := self.interrupt_at or self.kill_at:
            reached = asyncio.ensure_future(api.has_seen(end))
            await asyncio.wait({running, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
            if not running.done():
                await self.clock.sleep(_NOTICED_S)
                if self.kill_at:
                    raise Killed
                delivery.interrupt()
        await running

    def close(self) -> None:
        if self._book is None:
            self.organisation.close()
        else:
            self.organisation.journal.close()


class SharedBook:
    """A source and its book, built once, for many benches with a journal of their own each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        first = Bench(folder, VirtualClock())
        first.plan()
        first.organisation.journal.close()
        self._book = first.organisation.book

    def bench(self, folder: Path) -> Bench:
        """One in a new folder, at which nothing was delivered yet."""
        shutil.copytree(self._folder, folder, ignore=shutil.ignore_patterns(".headrace"))
        return Bench(folder, VirtualClock(), self._book)

    def close(self) -> None:
        self._book.close()
