"""Probes whether the API is up and the key may write, with requests that change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from headrace.client.answer import Answer
from headrace.client.breaker import Breaker
from headrace.client.endpoints import external_path
from headrace.client.pace import Pace
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, error_of, judge
from headrace.model.entity import CUSTOMER
from headrace.model.errors import ApiError, Unauthorised

_PATH = f"{CUSTOMER.path}?limit=1"
_NOBODY = external_path(CUSTOMER, "headrace-nobody-4e1b76cd-2fed-47a2-9acc-8f28da4b5b3a")
"""An id that no source uses, so that deleting it changes nothing."""
_Ask = Callable[[], Coroutine[None, None, ApiError | None]]


class Health:
    """Sends probes at the delivery's pace; concurrent callers share one probe."""

    def __init__(
        self, transport: Transport, pace: Pace, breaker: Breaker, answered: Callable[[], None]
    ) -> None:
        """The breaker is informed of the result; `answered` is called for each answer or
        failure."""
        self._transport = transport
        self._pace = pace
        self._breaker = breaker
        self._answered = answered
        self._asking: dict[_Ask, asyncio.Task[ApiError | None]] = {}

    async def probe(self) -> ApiError | None:
        """Return what is wrong with the API, None when it answers. Raises NotTheApi and
        Unauthorised, which waiting can't fix."""
        return await self._once(self._ask)

    async def may_write(self) -> ApiError | None:
        """Return what is wrong when the API refuses to delete a record that does not exist; None
        when the key seems to allow writes.

        With a read-only key every record is refused, so without this probe each record would look
        like the cause.
        """
        return await self._once(self._ask_to_write)

    async def _once(self, ask: _Ask) -> ApiError | None:
        if ask not in self._asking:
            task = self._asking[ask] = asyncio.create_task(ask())
            task.add_done_callback(lambda task: self._asking.pop(ask))
        return await asyncio.shield(self._asking[ask])

    async def _ask(self) -> ApiError | None:
        try:
            answer = await self._send("GET", _PATH)
        except ApiError as error:
            self._breaker.probe_failed()
            return error
        verdict = judge(answer)
        if verdict in (Verdict.DONE, Verdict.THROTTLED):
            self._breaker.probe_answered()
            return None
        self._breaker.probe_failed()
        return error_of(verdict, answer)

    async def _ask_to_write(self) -> ApiError | None:
        try:
            answer = await self._send("DELETE", _NOBODY)
        except ApiError:
            return None  # says nothing about the key
        error = error_of(judge(answer), answer)
        if not isinstance(error, Unauthorised):
            return None
        return Unauthorised(f"{error}; it may read, but not write")

    async def _send(self, method: str, path: str) -> Answer:
        await self._pace.acquire()
        try:
            return await self._transport.send(method, path)
        finally:
            self._pace.release()
            self._answered()
