"""The retry policy, for delivery, reads and look-ups alike: how often, and after how long.

What is tried again is a matter of the verdict: RETRY and requests without an answer until the
attempts are used up, UNCLEAR a little less long, THROTTLED whenever the server says. Every attempt
takes a slot of the pace.
"""

from __future__ import annotations

import random

from headrace.client.verdict import Verdict

ATTEMPTS = 6
"""Of one request, the first included: 1, 2, 4, 8 and 16 s lie between."""
GLANCES = 2
"""Attempts to read what a command can do without."""
PATIENCE = 60.0
"""Seconds for which the API may be down before a run stops."""
THROTTLED_MAX = 300.0
"""Seconds of nothing but 429, waits that the server asks for included, before it is given up: some
other program takes all of the rate. Of a delivery and of a read alike."""
_UNCLEAR_ATTEMPTS = 4
_WAIT_MAX = 60.0
_JITTER = 0.25


def attempts_for(verdict: Verdict) -> int:
    """How often a request is sent that is answered so each time."""
    return _UNCLEAR_ATTEMPTS if verdict is Verdict.UNCLEAR else ATTEMPTS


class Backoff:
    """How long to wait, with jitter, so that many don't come back at the same moment."""

    def __init__(self) -> None:
        self._chance = random.Random()

    def wait_after(self, attempt: int) -> float:
        """Seconds between the attempt of that number, from 1, and the next."""
        return min(_WAIT_MAX, 2.0 ** (attempt - 1)) * (1 + self._chance.random() * _JITTER)
