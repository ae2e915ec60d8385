"""The API's endpoints: paths and pages, the same for Upflow and for the hub."""

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
"""Maximum number of steps back in one list; after that, pages are read as they come."""
_NO_FILTERS: Mapping[str, str] = {}


_TOO_LARGE = (400, 413)
"""Statuses with which a server may refuse a page that would be too large."""
_SHRINK = 8
"""A refused page is asked for again with so many times fewer records."""


def external_path(entity: Entity, external_id: str) -> str:
    """Return a path such as `/invoices/external:INV-1`, with the id percent-encoded."""
    return f"{entity.path}/external:{quote(external_id, safe='')}"


def contacts_path(customer: str) -> str:
    """Return the path of a customer's contacts, by the customer's external id."""
    return f"{external_path(CUSTOMER, customer)}/contacts"


def contact_path(customer: str, external_id: str) -> str:
    """Return the path of one contact; both ids are the source's."""
    return f"{contacts_path(customer)}/external:{quote(external_id, safe='')}"


def pdf_path(entity: Entity, external_id: str) -> str:
    """Return the path to which the PDF of an invoice or credit note is posted."""
    return f"{external_path(entity, external_id)}/pdf"


class _Met:
    """Remembers the latest ids of a list.

    Consecutive pages overlap only by what was added or deleted in between, so older ids need not be
    remembered.
    """

    def __init__(self) -> None:
        self._ids: dict[Any, None] = {}

    def knows_none(self, ids: Sequence[Any]) -> bool:
        return bool(self._ids) and not any(id in self._ids for id in ids)

    def is_new(self, id: Any) -> bool:
        """Whether the record is new; remembers it. Records without an id always count as new."""
        if id in self._ids:
            return False
        if id is not None:
            self._ids[id] = None
            if len(self._ids) > _REMEMBERED:
                del self._ids[next(iter(self._ids))]
        return True


class Reader:
    """Reads pages and entities at the organisation's pace, with the guide's retries.

    `answered` is called for each answer or failure, because all of them count towards the server's
    limit.
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
        """Yield every page of a list, each record once. Raises NotTheApi for a list that does not
        end.

        The end does not depend on the answers' `total`: after a full page, another one is
        requested. Others may add and delete records meanwhile, which shifts the list. Each page
        therefore begins with the last record of the previous page. If that record is missing there,
        the list became shorter, and the page is read again from further ahead. Changes to pages
        already read are not noticed. `filters` are additional query parameters.

        A refused page is asked for again with fewer records, down to one: a server may bound the
        size of a page.
        """
        met, walk = _Met(), Walk(entity)
        query = "".join(f"&{name}={quote(value, safe='')}" for name, value in filters.items())
        offset = backs = 0
        limit, overlaps = entity.page_cap, False
        while True:
            try:
                answer = await self.get(f"{entity.path}?offset={offset}&limit={limit}{query}")
            except Refused as error:
                if error.status not in _TOO_LARGE or limit == 1:
                    raise
                limit = max(1, limit // _SHRINK)
                continue
            page = read_page(answer, entity)
            ids = [item.get("id") for item in page.items]
            if overlaps and offset and backs < _BACKS and met.knows_none(ids):
                backs += 1
                offset = max(0, offset - max(1, limit // 2))
                continue
            new = [item for item in page.items if met.is_new(item.get("id"))]
            yield new
            offset += len(page.items)
            if not walk.goes_on(page, offset, len(new)):
                return
            overlaps = len(page.items) > 1
            offset -= overlaps

    async def find(self, path: str, entity: Entity) -> dict[str, Any] | None:
        """Return one record, None when it does not exist. Raises as `request` does, and
        NotTheApi for an answer that is not a record of the entity."""
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
        """Send one GET. Raises as `request` does."""
        return await self.request("GET", path)

    async def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one idempotent request, outside the lanes of a delivery.

        Raises Unauthorised, Refused, NotTheApi, or Unreachable when all retries have failed.
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
