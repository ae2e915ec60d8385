"""How long an overview is shown, and when another is made."""

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


class Counting:
    """A store that counts how often an overview is made."""

    made = 0

    async def scan(self, run: Any, *arguments: Any) -> OrganisationOverview:
        self.made += 1
        if self.made == 4:
            raise OSError("unreachable")
        return OrganisationOverview(str(self.made), [])


def test_only_the_first_reader_waits_and_old_figures_are_not_shown() -> None:
    asyncio.run(_read())


async def _read() -> None:
    clock, store, overviews = Moved(), Counting(), Overviews()
    context = Context(ACME, clock.now())

    async def shown(organisation: Organisation = ACME) -> str:
        own = replace(context, organisation=organisation)
        found = await overviews.of(store, clock, own)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return found.made_at

    assert [await shown(), await shown()] == ["1", "1"]
    clock.seconds = 61
    assert await shown() == "1", "the next one is made meanwhile"
    assert await shown() == "2"
    clock.seconds = 61 + 601
    assert await shown() == "3", "older ones are not shown"
    clock.seconds += 61
    assert [await shown(), await shown()] == ["3", "3"], "one that fails changes nothing"
    assert await shown(replace(ACME, clock="2026-01-01")) == "6"
