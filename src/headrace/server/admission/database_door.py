"""The door of a hub on PostgreSQL: keys and limits are asked of the database.

Requests that arrive together are asked for together. What is answered is told with the next
question, or by itself soon after; until then it counts as under way, which never lets one request
more in. One that finds no place while other hubs hold some waits a moment for what they have to
tell, and for those that died to be noticed, before it is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.server.admission.door import Visitor
from headrace.server.admission.keys import Keys
from headrace.server.admission.limits import OFF, WINDOW_S, Limits, RateRefusal, too_fast, too_many
from headrace.store.admin.keys import active_keys, keys_version
from headrace.store.context import Organisation
from headrace.store.engine.admissions import Grant, Granted, Visits, Want
from headrace.store.engine.postgres import PostgresStore

_TELL_AFTER_S = 0.002
"""How long an answered request may count as under way for the other hubs."""
_ASK_AGAIN_S = 0.004
_PATIENCE_S = 0.04
"""How long a request waits for a place that another hub may just be giving back."""


class _Waiting(Struct, eq=False):
    """A request before the door."""

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
        self._visits = Visits(limits.per_minute, limits.concurrent, WINDOW_S)
        self._lane = store.lane(self._visits.prepare, self._visits.greet)
        self._waiting: list[_Waiting] = []
        self._held: Counter[int] = Counter()
        self._reported: dict[int, int] = {}
        """What the database believes that we hold, where that may be more than nothing."""
        self._process = 0
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        organisation = self._keys.find(key, secret, arrived)
        if organisation is None or self._limits == OFF:
            await self._renew()
            organisation = self._keys.check(key, secret, arrived)
        if self._limits == OFF:
            self._held[organisation.seq] += 1
            return Visitor(organisation, self._held[organisation.seq])
        return await self._enter(organisation, key, secret, arrived)

    def leave(self, visitor: Visitor) -> None:
        self._held[visitor.organisation.seq] -= 1
        if self._limits != OFF and self._asking is None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_TELL_AFTER_S, self._ask)

    async def close(self) -> None:
        await self._keys.close()
        if self._asking is not None:
            await self._asking
        await asyncio.to_thread(self._lane.close)

    async def _enter(
        self, organisation: Organisation, key: str | None, secret: str | None, arrived: float
    ) -> Visitor:
        version = self._keys.version
        future: asyncio.Future[int | RateRefusal] = asyncio.get_running_loop().create_future()
        self._ask(_Waiting(organisation.seq, arrived + _PATIENCE_S, future))
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

    def _ask(self, waiting: _Waiting | None = None) -> None:
        """Begin a round of questions, which lasts while there are any."""
        if waiting is not None:
            self._waiting.append(waiting)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._asking is None:
            self._asking = asyncio.create_task(self._rounds())

    async def _rounds(self) -> None:
        try:
            while wants := self._wants():
                waiting, self._waiting = self._waiting, []
                try:
                    granted = await self._lane.ask(self._visits.admit, wants)
                    if granted.keys_version != self._keys.version:
                        await self._load(granted.keys_version)
                except Exception as error:
                    _fail(waiting, error)
                    self._reported.clear()
                    return
                self._hear(wants, waiting, granted)
        finally:
            self._asking = None
            if self._waiting and self._timer is None:
                self._ask()

    def _wants(self) -> list[Want]:
        """Who waits, and whatever the database does not know yet of what we hold."""
        wanted = Counter(waiting.organisation for waiting in self._waiting)
        changed = {seq for seq, held in self._reported.items() if held != self._held[seq]}
        return [Want(seq, wanted[seq], self._held[seq]) for seq in sorted({*wanted, *changed})]

    def _hear(self, wants: list[Want], waiting: list[_Waiting], granted: Granted) -> None:
        if granted.process != self._process:
            # The database forgets us with the connection: it has to be told everything again.
            self._process = granted.process
            self._reported = {seq: -1 for seq, held in self._held.items() if held}
        for want, grant in zip(wants, granted.grants, strict=True):
            self._reported[want.organisation] = want.held + grant.granted
            if not self._reported[want.organisation]:
                del self._reported[want.organisation]
            mine = [one for one in waiting if one.organisation == want.organisation]
            for place, one in enumerate(mine[: grant.granted], 1):
                if one.future.done():
                    continue  # its sender has gone: the next round gives the place back
                self._held[want.organisation] += 1
                one.future.set_result(grant.in_flight + place)
            self._turn_away(mine[grant.granted :], grant)

    def _turn_away(self, waiting: list[_Waiting], grant: Grant) -> None:
        """Refuse who found no place, or let him wait for the next round."""
        now = self._clock.monotonic()
        in_flight = grant.in_flight + grant.granted
        for one in waiting:
            if one.future.done():
                continue
            if grant.too_fast:
                one.future.set_result(too_fast(self._limits, in_flight, grant.wait))
            elif grant.others and now < one.until:
                asyncio.get_running_loop().call_later(_ASK_AGAIN_S, self._ask, one)
            else:
                refusal = too_many(self._limits, in_flight, grant.used, grant.wait)
                one.future.set_result(refusal)

    async def _renew(self) -> None:
        """Have keys that are not older than this moment."""
        version = await self._store.read(keys_version)
        if version != self._keys.version:
            await self._load(version)

    async def _load(self, version: int) -> None:
        self._keys.replace(version, await self._store.read(active_keys))


def _fail(waiting: list[_Waiting], error: Exception) -> None:
    for one in waiting:
        if not one.future.done():
            one.future.set_exception(error)
