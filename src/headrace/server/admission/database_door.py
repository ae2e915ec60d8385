"""Admission for a hub on PostgreSQL: keys and limits are shared through the database.

Requests that arrive together are admitted in one round trip. Answered requests are reported with
the next round, or in a round of their own shortly after.

Why that is safe: until it is reported, an answered request still counts as in flight, so the hubs
together never admit more than the limit, only briefly fewer. Example: with 10 allowed in flight and
6 held by another hub that has just answered all of them, this hub may see 6 for 2 ms after they
ended. It would refuse a fifth request although a slot is free. Therefore a request that finds no
slot while other hubs hold some is retried every 4 ms for up to 40 ms, which also leaves time to
detect hubs that died, before it is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.server.admission.door import Visitor
from headrace.server.admission.keys import Keys
from headrace.server.admission.limits import (
    OFF,
    WINDOW_S,
    Limits,
    RateRefusal,
    limits_of,
    too_fast,
    too_many,
)
from headrace.store.admin.keys import active_keys, keys_version
from headrace.store.context import Organisation
from headrace.store.engine.admissions import Admissions, Grant, Granted, Want
from headrace.store.engine.postgres import PostgresStore

_LOGGER = logging.getLogger("headrace.server")
_REPORT_AFTER_S = 0.002
"""How long an answered request may keep counting as in flight at the other hubs."""
_RETRY_S = 0.004
_PATIENCE_S = 0.04
"""How long a request waits for a slot that another hub may be about to release."""


class _Waiting(Struct, eq=False):
    """A request that waits for admission."""

    organisation: int
    until: float
    """Monotonic time at which a place that is not there is refused."""
    future: asyncio.Future[int | RateRefusal]


class DatabaseDoor:
    """One process's door; all its functions run on the event loop."""

    def __init__(self, store: PostgresStore, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._keys = Keys(store, clock)
        self._own_limits: dict[int, Limits] = {}
        """Those of the organisations that have their own, as far as they have been here."""
        self._admissions = Admissions(WINDOW_S)
        self._thread = store.dedicated_thread(self._admissions.prepare, self._admissions.register)
        self._waiting: list[_Waiting] = []
        self._held: Counter[int] = Counter()
        self._reported: dict[int, int] = {}
        """In-flight counts that the database has recorded for this hub, where they may not be
        zero."""
        self._process = 0
        self._round: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        organisation = self._keys.find(key, secret, arrived)
        if organisation is None or limits_of(organisation, self._limits) == OFF:
            await self._refresh_keys()
            organisation = self._keys.check(key, secret, arrived)
        if organisation.limits is not None:
            self._own_limits[organisation.seq] = limits_of(organisation, self._limits)
        if self._limits_of(organisation.seq) == OFF:
            self._held[organisation.seq] += 1
            return Visitor(organisation, self._held[organisation.seq])
        return await self._enter(organisation, key, secret, arrived)

    def leave(self, visitor: Visitor) -> None:
        seq = visitor.organisation.seq
        self._held[seq] -= 1
        if self._limits_of(seq) != OFF and self._round is None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_REPORT_AFTER_S, self._start_round)

    def forget(self, organisation: int) -> None:
        if not self._held[organisation]:
            for known in (self._held, self._reported, self._own_limits):
                known.pop(organisation, None)
        self._thread.submit(self._admissions.forget, organisation).add_done_callback(_dropped)

    async def close(self) -> None:
        await self._keys.close()
        if self._round is not None:
            await self._round
        await asyncio.to_thread(self._thread.close)

    async def _enter(
        self, organisation: Organisation, key: str | None, secret: str | None, arrived: float
    ) -> Visitor:
        version = self._keys.version
        future: asyncio.Future[int | RateRefusal] = asyncio.get_running_loop().create_future()
        self._start_round(_Waiting(organisation.seq, arrived + _PATIENCE_S, future))
        entered = await future
        if isinstance(entered, RateRefusal):
            return Visitor(organisation, entered.in_flight, entered)
        visitor = Visitor(organisation, entered)
        if self._keys.version != version:
            try:
                self._keys.check(key, secret, arrived)
            except BaseException:
                self.leave(visitor)
                raise
        return visitor

    def _start_round(self, waiting: _Waiting | None = None) -> None:
        """Start the admission rounds, which run until nothing is left to ask or report."""
        if waiting is not None:
            self._waiting.append(waiting)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._round is None:
            self._round = asyncio.create_task(self._run_rounds())

    async def _run_rounds(self) -> None:
        try:
            while wants := self._wants():
                waiting, self._waiting = self._waiting, []
                try:
                    granted = await self._thread.submit(self._admissions.admit, wants)
                    if granted.keys_version != self._keys.version:
                        await self._load_keys(granted.keys_version)
                except Exception as error:
                    _fail(waiting, error)
                    self._reported.clear()
                    return
                self._apply(wants, waiting, granted)
        finally:
            self._round = None
            if self._waiting and self._timer is None:
                self._start_round()

    def _wants(self) -> list[Want]:
        """Return what to ask for: the waiting requests, and every count that changed since it
        was reported."""
        wanted = Counter(waiting.organisation for waiting in self._waiting)
        changed = {seq for seq, held in self._reported.items() if held != self._held[seq]}
        return [self._want(seq, wanted[seq]) for seq in sorted({*wanted, *changed})]

    def _want(self, organisation: int, wanted: int) -> Want:
        limits = self._limits_of(organisation)
        held = self._held[organisation]
        return Want(organisation, wanted, held, limits.per_minute, limits.concurrent)

    def _limits_of(self, organisation: int) -> Limits:
        return self._own_limits.get(organisation, self._limits)

    def _apply(self, wants: list[Want], waiting: list[_Waiting], granted: Granted) -> None:
        if granted.process != self._process:
            # A new connection has a new process id, under which the database has recorded nothing:
            # report all counts again.
            self._process = granted.process
            self._reported = {seq: -1 for seq, held in self._held.items() if held}
        for want, grant in zip(wants, granted.grants, strict=True):
            self._reported[want.organisation] = want.held + grant.granted
            if not self._reported[want.organisation]:
                del self._reported[want.organisation]
            mine = [one for one in waiting if one.organisation == want.organisation]
            for place, one in enumerate(mine[: grant.granted], 1):
                if one.future.done():
                    continue  # its client has disconnected: the next round returns the slot
                self._held[want.organisation] += 1
                one.future.set_result(grant.in_flight + place)
            self._refuse_or_retry(want.organisation, mine[grant.granted :], grant)

    def _refuse_or_retry(self, organisation: int, waiting: list[_Waiting], grant: Grant) -> None:
        """Refuse requests without a slot, or retry them in the next round."""
        now = self._clock.monotonic()
        in_flight = grant.in_flight + grant.granted
        limits = self._limits_of(organisation)
        for one in waiting:
            if one.future.done():
                continue
            if grant.too_fast:
                one.future.set_result(too_fast(limits, in_flight, grant.wait))
            elif grant.others and now < one.until:
                asyncio.get_running_loop().call_later(_RETRY_S, self._start_round, one)
            else:
                refusal = too_many(limits, in_flight, grant.used, grant.wait)
                one.future.set_result(refusal)

    async def _refresh_keys(self) -> None:
        """Ensure that the keys are at least as recent as this moment."""
        version = await self._store.read(keys_version)
        if version != self._keys.version:
            await self._load_keys(version)

    async def _load_keys(self, version: int) -> None:
        self._keys.replace(version, await self._store.read(active_keys))


def _fail(waiting: list[_Waiting], error: Exception) -> None:
    for one in waiting:
        if not one.future.done():
            one.future.set_exception(error)


def _dropped(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and future.exception() is not None:
        _LOGGER.warning("the counts of a deleted organisation stay: %s", future.exception())
