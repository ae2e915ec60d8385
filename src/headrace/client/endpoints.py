"""The endpoints: paths and pages, for Upflow and for the hub alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import msgspec

from headrace.client.pace import Pace
from headrace.client.transport import Answer, Transport
from headrace.client.verdict import Verdict, judge, message_of, retry_after
from headrace.model.clock import Clock
from headrace.model.entity import CUSTOMER, Entity
from headrace.model.errors import Refused, Unauthorised, Unreachable

READ_ATTEMPTS = 6


def external_path(entity: Entity, external_id: str) -> str:
    """`/invoices/external:INV-1`, with every character of the id that needs it encoded."""
    return f"{entity.path}/external:{quote(external_id, safe='')}"


def contacts_path(customer: str) -> str:
    """Where the contacts of a customer are; both ids are the source's."""
    return f"{external_path(CUSTOMER, customer)}/contacts"


def contact_path(customer: str, external_id: str) -> str:
    """One contact of a customer."""
    return f"{contacts_path(customer)}/external:{quote(external_id, safe='')}"


def pdf_path(entity: Entity, external_id: str) -> str:
    """Where the PDF of an invoice or credit note is posted."""
    return f"{external_path(entity, external_id)}/pdf"


class Reader:
    """Reads pages and entities at the organisation's pace, with the guide's retries.

    `answered` is told of each answer or failure, for all of them count at the server.
    """

    def __init__(
        self,
        transport: Transport,
        pace: Pace,
        clock: Clock,
        answered: Callable[[], None],
        attempts: int = READ_ATTEMPTS,
    ) -> None:
        self._transport = transport
        self._pace = pace
        self._clock = clock
        self._answered = answered
        self._attempts = attempts

    async def pages(self, entity: Entity) -> AsyncIterator[list[dict[str, Any]]]:
        """Every page of a list, newest first; the answer's own `limit` says how far to go on."""
        offset = 0
        while True:
            answer = await self.get(f"{entity.path}?offset={offset}&limit={entity.page_cap}")
            page = msgspec.json.decode(answer.body)
            items = page.get(entity.envelope, [])
            yield items
            offset += len(items)
            if not items or offset >= page.get("total", 0):
                return

    async def get(self, path: str) -> Answer:
        """One GET. Raises as `request`."""
        return await self.request("GET", path)

    async def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request that may be repeated without harm, beside the lanes of a delivery.

        Raises Unauthorised, Refused, or Unreachable once the retries are used up.
        """
        trouble = ""
        for attempt in range(self._attempts):
            if attempt:
                await self._clock.sleep(float(2 ** (attempt - 1)))
            await self._pace.acquire()
            try:
                answer = await self._transport.send(method, path, body)
            except Unreachable as error:
                trouble = str(error)
                continue
            finally:
                self._pace.release()
                self._answered()
            verdict = judge(answer)
            if verdict is Verdict.DONE:
                return answer
            if verdict is Verdict.UNAUTHORISED:
                raise Unauthorised(f"status {answer.status}: {message_of(answer)}")
            if verdict in (Verdict.REJECTED, Verdict.NOT_THE_API):
                raise Refused(answer.status, message_of(answer))
            if verdict is Verdict.THROTTLED:
                self._pace.close_for(retry_after(answer, self._clock))
            trouble = f"status {answer.status}: {message_of(answer)}"
        raise Unreachable(trouble)
