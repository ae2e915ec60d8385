"""The context of a store function: the organisation, and the time it runs at."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from headrace.model.clock import format_instant
from headrace.store.signature import sign

_HOUR_S = 3_600


class Organisation(Struct, frozen=True):
    """A tenant; its data is invisible to all others."""

    seq: int
    name: str
    currency: str
    time_zone: str
    secret: str
    """Key that signs the links issued for the organisation."""
    clock: str | None = None
    """The moment at which a test has frozen the organisation's clock, as stored."""
    limits: str | None = None
    """Limits of its own, as `headrace serve --limits` spells them; known only with its keys."""


class Context(Struct, frozen=True):
    """The organisation, the time and the address of one request."""

    organisation: Organisation
    now: datetime
    origin: str = ""
    """Scheme and host that the client used; the start of every link in an answer."""
    links_until: datetime | None = None
    """How long links to PDFs are valid, on a page that is valid for some time itself."""
    chance: Callable[[int], bytes] = os.urandom
    """Returns that many random bytes, for ids."""

    @property
    def stopped(self) -> bool:
        """Whether `now` comes from a frozen clock."""
        clock = self.organisation.clock
        return clock is not None and clock == self.timestamp

    @property
    def today(self) -> date:
        """The date in the organisation's time zone, which decides what is overdue."""
        return self.now.astimezone(_zone(self.organisation.time_zone)).date()

    @property
    def timestamp(self) -> str:
        """`now` in the stored format."""
        return format_instant(self.now)

    def new_id(self) -> str:
        """Return a new id with the timestamp of this request; see `new_id` of this module."""
        return new_id(self.now, self.chance)

    def pdf_url(self, document_id: str) -> str:
        """Return a link to a document's PDF that needs no key and is valid for one to two hours, or
        until `links_until`.

        Links issued within the same hour are equal, so that repeated answers about the same state
        are equal too.
        """
        expires = (int(self.now.timestamp()) // _HOUR_S + 2) * _HOUR_S
        if self.links_until is not None:
            expires = int(self.links_until.timestamp())
        signature = sign(self.organisation.secret, "pdf", document_id, expires)
        return f"{self.origin}/pdf/{document_id}?expires={expires}&signature={signature}"


def new_id(now: datetime, chance: Callable[[int], bytes]) -> str:
    """Return a UUID version 7. It is ordered by time, so new rows are appended at the end of an
    index."""
    milliseconds = int(now.timestamp() * 1000)
    number = int.from_bytes(chance(10), "big") | (milliseconds << 80)
    number = (number & ~(0xF << 76)) | (7 << 76)
    number = (number & ~(3 << 62)) | (2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@functools.cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
