"""How an overview is made in the background, and which one is shown meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from headrace.console.overview import Overviews
from headrace.store.context import Context, Organisation
from headrace.store.records.organisation_overview import OrganisationOverview

ACME = Organisation(1, "acme", "EUR", "UTC", "secret")


class Moved:
    """A clock that the test moves."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 27, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> Awaitable[None]:
        return asyncio.sleep(0)


class Slow:
    """A store that counts how often an overview is made, and waits until it may be."""

    made = 0

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def scan(self, run: Any, *arguments: Any) -> OrganisationOverview:
        await self.may.wait()
        self.made += 1
        if self.made == 3:
            raise OSError("unreachable")
        return OrganisationOverview(str(self.made), [])


def test_nobody_waits_for_figures_and_old_ones_are_shown_meanwhile() -> None:
    asyncio.run(_read())


async def _read() -> None:
    clock, store, overviews = Moved(), Slow(), Overviews()
    context = Context(ACME, clock.now())

    async def shown(organisation: Organisation = ACME) -> str | None:
        own = replace(context, organisation=organisation)
        found = await overviews.of(store, clock, own)  # type: ignore[arg-type]
        return found.made_at if found else None

    assert await shown() is None, "they are being computed"
    assert await asyncio.gather(shown(), shown()) == [None, None]
    store.may.set()
    assert await shown() == "1"
    assert store.made == 1, "readers share what is computed"
    clock.seconds = 59
    assert (await shown(), store.made) == ("1", 1)
    store.may.clear()
    clock.seconds = 6_000
    assert await shown() == "1", "an old one is shown while another is made"
    store.may.set()
    assert await shown() == "2"
    clock.seconds += 61
    assert await shown() == "2", "the database is away"
    assert await shown() == "4", "and is asked again"
    store.may.clear()
    moved = replace(ACME, clock="2027-01-01T00:00:00.000Z")
    assert await shown(moved) is None, "another time makes other figures"
    store.may.set()
    assert await shown(moved) == "5"
    other = replace(ACME, seq=2)
    assert await shown(other) == "6"
