"""Whether the API is there: one harmless request that no record can spoil."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headrace.client.breaker import Breaker
from headrace.client.pace import Pace
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, judge, message_of
from headrace.model.entity import CUSTOMER
from headrace.model.errors import ApiError, NotTheApi, Unreachable

_PATH = f"{CUSTOMER.path}?limit=1"


class Health:
    """Asks at the delivery's pace, once for all that want to know at the same time."""

    def __init__(
        self, transport: Transport, pace: Pace, breaker: Breaker, answered: Callable[[], None]
    ) -> None:
        """The breaker learns what came; `answered` is told of each answer or failure."""
        self._transport = transport
        self._pace = pace
        self._breaker = breaker
        self._answered = answered
        self._asking: asyncio.Task[ApiError | None] | None = None

    async def look(self) -> ApiError | None:
        """What is wrong with the API, None when it answers. NotTheApi is no matter of waiting."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._done)
        return await asyncio.shield(self._asking)

    def _done(self, task: asyncio.Task[ApiError | None]) -> None:
        self._asking = None

    async def _ask(self) -> ApiError | None:
        await self._pace.acquire()
        try:
            answer = await self._transport.send("GET", _PATH)
        except ApiError as error:
            self._breaker.dead()
            return error
        finally:
            self._pace.release()
            self._answered()
        verdict = judge(answer)
        if verdict in (Verdict.DONE, Verdict.THROTTLED):
            self._breaker.lives()
            return None
        self._breaker.dead()
        if verdict in (Verdict.BLOCKED, Verdict.NOT_THE_API):
            return NotTheApi(answer.described)
        return Unreachable(f"status {answer.status}: {message_of(answer)}")
