"""The retry policy in figures."""

from __future__ import annotations

import pytest

from headrace.client.retry import ATTEMPTS, Backoff, attempts_for
from headrace.client.verdict import Verdict


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (50, 60)],
)
def test_each_delay_is_twice_the_one_before_plus_up_to_a_quarter(
    attempt: int, seconds: float
) -> None:
    backoff = Backoff()
    delays = [backoff.wait_after(attempt) for _ in range(200)]
    assert seconds <= min(delays) < seconds * 1.05
    assert seconds * 1.2 < max(delays) <= seconds * 1.25


def test_what_is_unclear_is_tried_fewer_times() -> None:
    assert attempts_for(Verdict.UNCLEAR) == 4
    assert {attempts_for(one) for one in Verdict if one is not Verdict.UNCLEAR} == {ATTEMPTS}
    assert ATTEMPTS == 6
