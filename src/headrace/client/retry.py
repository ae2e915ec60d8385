"""The retry policy for deliveries, reads and look-ups: how many attempts, and the delays between
them.

The verdict decides what is retried: RETRY and requests without an answer until the attempts are
used up, UNCLEAR with fewer attempts, THROTTLED after the delay that the server asks for. Every
attempt takes a slot of the pace.
"""

from __future__ import annotations

import random

from headrace.client.verdict import Verdict

ATTEMPTS = 6
"""Maximum number of attempts of a request; the delays between them are 1, 2, 4, 8 and 16 s."""
GLANCES = 2
"""Maximum number of attempts for reads that a command can do without."""
PATIENCE = 60.0
"""Seconds for which the API may be down before a run stops."""
THROTTLED_MAX = 300.0
"""Seconds of nothing but 429, waits that the server asks for included, before it is given up: some
other program takes all of the rate. Of a delivery and of a read alike."""
_UNCLEAR_ATTEMPTS = 4
_WAIT_MAX = 60.0
_JITTER = 0.25


def attempts_for(verdict: Verdict) -> int:
    """Return the maximum number of attempts for a request that keeps getting this verdict."""
    return _UNCLEAR_ATTEMPTS if verdict is Verdict.UNCLEAR else ATTEMPTS


class Backoff:
    """Computes delays, with jitter so that many requests do not retry at the same moment."""

    def __init__(self) -> None:
        self._chance = random.Random()

    def wait_after(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of that number, counted from 1."""
        return min(_WAIT_MAX, 2.0 ** (attempt - 1)) * (1 + self._chance.random() * _JITTER)
