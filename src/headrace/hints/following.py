"""Follows one source's hints: connects, connects again when they are lost, and chooses anew."""

from __future__ import annotations

from headrace.hints.choice import choose
from headrace.hints.file_events import FileEvents
from headrace.hints.way import Hint, Subject
from headrace.model.clock import Clock

_FIRST_S = 0.5
_LONGEST_S = 60.0
_CHOOSE_AGAIN_S = 600.0
"""Seconds after which a source without any hints is asked again."""


class Following:
    """The hints of one organisation."""

    def __init__(self, subject: Subject, wish: str, clock: Clock, events: FileEvents) -> None:
        """`wish` is the setting `hints`."""
        self._subject = subject
        self._wish = wish
        self._clock = clock
        self._events = events
        self.way = ""
        """Name of the way that brings hints now; empty while there is none."""
        self.trouble = ""
        """Why hints were lost last; empty while they come."""

    async def run(self, hint: Hint) -> None:
        """Call `hint` for each hint until cancelled.

        After a lost connection, waits longer each time before it connects again. Each connection
        begins with a hint, because changes may have been missed.
        """
        wait = _FIRST_S
        while True:
            choice = await choose(self._subject, self._wish, False, self._clock, self._events)
            if choice.way is None:
                self.trouble = "; ".join(why for _, why in choice.objections)
                # A database that is down has no way at all, and one that has none may get one.
                wait = min(2 * wait, _LONGEST_S if choice.objections else _CHOOSE_AGAIN_S)
                await self._clock.sleep(wait)
                continue
            came = False

            def hinted(name: str = choice.way.name) -> None:
                nonlocal came
                came, self.way, self.trouble = True, name, ""
                hint()

            try:
                await choice.way.watch(hinted)
            except Exception as error:
                # Whatever ends them, hints come back: rounds go on in the meantime.
                self.trouble = str(error) or type(error).__name__
            self.way = ""
            wait = _FIRST_S if came else min(2 * wait, _LONGEST_S)
            await self._clock.sleep(wait)
