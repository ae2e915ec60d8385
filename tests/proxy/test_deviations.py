"""A hub with one seeded deviation as the real server: each is found, and nothing else is."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from deviations import KINDS, deviation, limits
from sessions import exchanges, limited

from headrace.oracle.contract import Contract
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import Exchange
from headrace.oracle.vocabulary import AT_ONCE
from headrace.proxy.judge import Judge, judging
from headrace.proxy.shadow import Shadow, description, shadow_hub

Change = Callable[[Exchange], Exchange]
CONTRACT = Contract(description())


class Beside:
    """A hub as the real server, and the judge of what it answers."""

    def __init__(self, real: Shadow, judge: Judge) -> None:
        self._real = real
        self._judge = judge
        self._sessions = 0

    async def session(
        self, change: Change = lambda exchange: exchange
    ) -> tuple[list[Exchange], list[Difference]]:
        """Play a session in a new organisation; returns its exchanges and all differences."""
        self._sessions += 1
        seat = await self._real.seat(f"real-{self._sessions}")
        passed, found = [], []
        async for exchange in exchanges(seat, f"s{self._sessions}", self._sessions):
            passed.append(exchange)
            judged = await self._judge.judge(change(exchange))
            found += judged.differences
        return passed, found

    async def limited(self, seed: int) -> tuple[str, set[str]]:
        """Send many requests to a server with other limits; returns them, and the kinds of
        differences."""
        made = limits(seed)
        found = []
        # Ten at a time are enough to see that fewer are accepted.
        for exchange in limited(made, 0.05 if made.concurrent == AT_ONCE else 0.2,
                                1 if made.concurrent == AT_ONCE else AT_ONCE):  # fmt: skip
            found += (await self._judge.judge(exchange)).differences
        return f"{seed}: {made}", {one.kind for one in found}


@asynccontextmanager
async def beside() -> AsyncIterator[Beside]:
    with shadow_hub() as real:
        async with judging(b"0123456789abcdef") as judge:
            yield Beside(real, judge)


async def _found(seeds: Iterable[int]) -> tuple[list[str], list[str]]:
    """Deviations that were missed, and differences that are none of the deviation's."""
    missed, false = [], []
    async with beside() as pair:
        session, found = await pair.session()
        assert found == [], "an unaltered hub differs in nothing"
        for seed in seeds:
            if KINDS[seed % len(KINDS)] == "limit":
                what, kinds = await pair.limited(seed)
                missed += [] if "limit" in kinds else [what]
                false += [f"{what}: {kind}" for kind in kinds - {"limit"}]
                continue
            made = deviation(seed, session, CONTRACT)
            what = f"{seed}: {made.operation} {made.status}: {made.what}"
            _, found = await pair.session(functools.partial(made, contract=CONTRACT))
            own = [one for one in found if one.operation == made.operation]
            if not own:
                missed.append(what)
            false += [f"{what}: {one}" for one in found if one not in own]
    return missed, false


def found_of(seeds: Iterable[int]) -> tuple[list[str], list[str]]:
    """Deviations of these seeds that are missed, and differences that are none of theirs."""
    return asyncio.run(_found(seeds))


def test_every_kind_of_deviation_is_found_and_nothing_else_is() -> None:
    missed, false = found_of(range(50))
    assert missed == []
    assert false == []
    assert {KINDS[seed % len(KINDS)] for seed in range(50)} == set(KINDS)


@pytest.mark.soak
def test_many_deviations_are_found() -> None:
    """In lists of all customers, a field that an entry may lack is not missed: that is allowed."""
    missed, false = found_of(range(50, 1_050))
    assert len(missed) <= 10, missed
    assert false == []
