"""The endpoints: paths and pages, for Upflow and for the hub alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from headrace.client.answer import Answer
from headrace.client.pace import Pace
from headrace.client.page import Walk, check_records, read_page
from headrace.client.retry import ATTEMPTS, THROTTLED_MAX, Backoff
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, error_of, judge, retry_after
from headrace.model.clock import Clock
from headrace.model.entity import CUSTOMER, Entity
from headrace.model.errors import NotTheApi, Refused, Unreachable

_REMEMBERED = 50_000
_BACKS = 1_000
"""Steps back in one list; beyond them, it is read as it comes."""
_NO_FILTERS: Mapping[str, str] = {}


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


class _Met:
    """The ids that a list gave last. Pages overlap by what was added or deleted between two of
    them, so what lies further back need not be remembered."""

    def __init__(self) -> None:
        self._ids: dict[Any, None] = {}

    def knows_none(self, ids: Sequence[Any]) -> bool:
        return bool(self._ids) and not any(id in self._ids for id in ids)

    def is_new(self, id: Any) -> bool:
        """Whether it was not met; now it was. What has no id is always new."""
        if id in self._ids:
            return False
        if id is not None:
            self._ids[id] = None
            if len(self._ids) > _REMEMBERED:
                del self._ids[next(iter(self._ids))]
        return True


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
        attempts: int = ATTEMPTS,
    ) -> None:
        self._transport = transport
        self._pace = pace
        self._clock = clock
        self._answered = answered
        self._attempts = attempts
        self._backoff = Backoff()

    async def pages(
        self, entity: Entity, filters: Mapping[str, str] = _NO_FILTERS
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Every page of a list, each record once, to its end: whatever the answers' `total` says,
        full pages are followed by another. NotTheApi for a list that does not end.

        Others may add and delete meanwhile, which moves the list: each page begins with the last
        record of the page before, so that a place where it became shorter is seen, and read again
        from further ahead. What changes in a page that was read is not seen. `filters` are further
        parameters of the list.
        """
        met, walk = _Met(), Walk(entity)
        query = "".join(f"&{name}={quote(value, safe='')}" for name, value in filters.items())
        offset = backs = 0
        overlaps = False
        while True:
            answer = await self.get(f"{entity.path}?offset={offset}&limit={entity.page_cap}{query}")
            page = read_page(answer, entity)
            ids = [item.get("id") for item in page.items]
            if overlaps and offset and backs < _BACKS and met.knows_none(ids):
                backs += 1
                offset = max(0, offset - max(1, entity.page_cap // 2))
                continue
            new = [item for item in page.items if met.is_new(item.get("id"))]
            yield new
            offset += len(page.items)
            if not walk.goes_on(page, offset, len(new)):
                return
            overlaps = len(page.items) > 1
            offset -= overlaps

    async def find(self, path: str, entity: Entity) -> dict[str, Any] | None:
        """One record, None where there is none. Raises as `request`, and NotTheApi for what is no
        record of the entity."""
        try:
            answer = await self.get(path)
        except Refused as error:
            if error.status != 404:
                raise
            return None
        found = answer.object()
        check_records([found], entity, f"GET {path}")
        return found

    async def get(self, path: str) -> Answer:
        """One GET. Raises as `request`."""
        return await self.request("GET", path)

    async def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request that may be repeated without harm, beside the lanes of a delivery.

        Raises Unauthorised, Refused, NotTheApi, or Unreachable once the retries are used up.
        """
        trouble = ""
        started = self._clock.monotonic()
        for attempt in range(self._attempts):
            if attempt:
                await self._clock.sleep(self._backoff.wait_after(attempt))
            await self._pace.acquire()
            try:
                answer = await self._transport.send(method, path, body)
            except Unreachable as error:
                trouble = str(error)
                continue
            finally:
                self._pace.release()
                self._answered()
            verdict = judge(answer) if answer.status != 204 else Verdict.DONE
            if verdict is Verdict.DONE:
                return answer
            wrong = error_of(verdict, answer)
            if isinstance(wrong, NotTheApi):
                raise NotTheApi(f"{method} {path.partition('?')[0]}: {wrong}")
            if not isinstance(wrong, Unreachable):
                raise wrong
            if verdict is Verdict.THROTTLED:
                seconds = retry_after(answer, self._clock)
                if self._clock.monotonic() - started + seconds > THROTTLED_MAX:
                    raise Unreachable(f"status 429: it asks to wait {seconds:.0f} s more")
                self._pace.close_for(seconds)
            trouble = str(wrong)
        raise Unreachable(trouble)
