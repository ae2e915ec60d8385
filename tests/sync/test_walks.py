"""Whatever went wrong on the way: when the last book is sound, one apply makes it as if alone.

Every book in between is wrong in some way that the checks know, and is synced all the same.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from random import Random

import pytest
from flawed_books import flawed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_books import Rows, books
from test_books_in_turn import Side

from headrace.book.checks.checks import Problem
from headrace.testkit.hub import RunningHub

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


class Walk(Side):
    """A side that is also brought through books with errors in them."""

    def stumble(self, book: Rows) -> set[Problem]:
        """Applies a book with flaws. What the API must refuse is not sent. Returns what is wrong
        with it afterwards."""
        self.project.put(book)
        before = len(self.desk.writes())
        with self.desk.open() as organisation:
            asyncio.run(organisation.prepare())
            asyncio.run(organisation.apply(organisation.plan(), "apply"))
            organisation.compare()
            problems = set(organisation.plan().problems)
        if self._knows:
            refused = [
                (log.method, log.entity, log.external_id, log.status)
                for log in self.desk.writes(before)
                if log.status >= 400
            ]
            assert refused == []
        return problems

    def problems(self, book: Rows) -> set[Problem]:
        """What is wrong with the book, by a plan."""
        self.project.put(book)
        return set(self.desk.plan().problems)


def walk(hub: RunningHub, more: str, first: Rows, last: Rows, seed: int, steps: int) -> None:
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        walker = Walk(Path(folder) / "walker", hub, more)
        walker.deliver(first)
        for step in range(steps):
            walker.stumble(flawed(first if step % 2 else last, random))
        worst = flawed(random.choice((first, last)), random)
        problems = walker.stumble(worst)
        # The same rows have the same problems, whatever was sent before.
        fresh = Walk(Path(folder) / "fresh", hub, more)
        assert problems == fresh.problems(worst)
        walker.deliver(last)
        fresh.deliver(last)
        assert walker.held() == fresh.held()
        for side in (walker, fresh):
            side.project.close()


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=_CHECKS)
@given(first=books(), last=books(), seed=st.integers(0, 2**32))
def test_a_walk_through_invalid_books_ends_as_the_last_one_alone(
    open_hub: RunningHub, first: Rows, last: Rows, seed: int
) -> None:
    walk(open_hub, "", first, last, seed, 2)


@pytest.mark.soak
@pytest.mark.parametrize("keep", ["true", "false"])
@settings(max_examples=250, deadline=None, suppress_health_check=_CHECKS, print_blob=True)
@given(data=st.data())
def test_any_walk_through_invalid_books(
    open_hub: RunningHub, keep: str, data: st.DataObject
) -> None:
    pair = books(custom_fields=keep == "true")
    seed = data.draw(st.integers(0, 2**32))
    walk(open_hub, f"keep_payloads = {keep}", data.draw(pair), data.draw(pair), seed, 3)
