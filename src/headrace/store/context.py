"""In whose name and when a store function runs."""

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
    """A tenant; nothing of it is visible to another."""

    seq: int
    name: str
    currency: str
    time_zone: str
    secret: str
    """Signs the links that are given out in its name."""
    clock: str | None = None
    """The instant at which a test has stopped its time, as it is stored."""


class Context(Struct, frozen=True):
    """The organisation and the moment of one request."""

    organisation: Organisation
    now: datetime
    origin: str = ""
    """Scheme and host by which the hub was asked; what links in answers begin with."""
    chance: Callable[[int], bytes] = os.urandom
    """Gives so many bytes; what ids differ by."""

    @property
    def stopped(self) -> bool:
        """Whether `now` is the organisation's test clock's."""
        clock = self.organisation.clock
        return clock is not None and clock == self.timestamp

    @property
    def today(self) -> date:
        """The date in the organisation's time zone, which decides what is overdue."""
        return self.now.astimezone(_zone(self.organisation.time_zone)).date()

    @property
    def timestamp(self) -> str:
        """`now` as it is stored."""
        return format_instant(self.now)

    def new_id(self) -> str:
        """As the function of that name, of this moment."""
        return new_id(self.now, self.chance)

    def pdf_url(self, document_id: str) -> str:
        """Where a document's PDF can be read without a key, for one to two hours.

        The same for all answers of an hour, so that answers of one state are equal.
        """
        expires = (int(self.now.timestamp()) // _HOUR_S + 2) * _HOUR_S
        signature = sign(self.organisation.secret, "pdf", document_id, expires)
        return f"{self.origin}/pdf/{document_id}?expires={expires}&signature={signature}"


def new_id(now: datetime, chance: Callable[[int], bytes]) -> str:
    """A UUID of version 7: ordered by time, so that a new row lands at an index's end."""
    milliseconds = int(now.timestamp() * 1000)
    number = int.from_bytes(chance(10), "big") | (milliseconds << 80)
    number = (number & ~(0xF << 76)) | (7 << 76)
    number = (number & ~(3 << 62)) | (2 << 62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@functools.cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
