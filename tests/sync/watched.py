"""An organisation that is synced and watched by a clock which the test moves."""

from __future__ import annotations

import asyncio
import copy
import os
import unittest.mock
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk import HubDesk
from receiver import Receiver
from rewound import Rewound
from shop import Shop

from headrace.alerts.announcer import Announcer
from headrace.alerts.digest import Digest
from headrace.alerts.post import ApprisePost
from headrace.alerts.watchman import LOOK_S, Watchman
from headrace.fleet.loop import Loop
from headrace.fleet.project import load_project
from headrace.fleet.round import Round
from headrace.fleet.turn import Turn
from headrace.fleet.watch import WatchedProject
from headrace.testkit.hub import RunningHub

_PAUSE_S = 0.005
_SHORT_S = 59.0


class MovedClock:
    """Real time, plus what the test adds. A short wait, such as before another try, passes at
    once; a long one, such as for the end of a slice, passes with the others."""

    def __init__(self) -> None:
        self.added = 0.0
        self._ends: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.added)

    def monotonic(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        self._ends.append(end)
        try:
            while (left := end - self.monotonic()) > 0:
                await asyncio.sleep(min(_PAUSE_S, left))
                if seconds < _SHORT_S and end == min(self._ends):
                    self.added += max(0.0, end - self.monotonic())
        finally:
            self._ends.remove(end)


_BEAT_S = 45.0
"""Seconds between two signs of life: fewer than show that a process was suspended."""


class Watched:
    """One organisation with its loop; `look` is what its thread does every few seconds."""

    def __init__(self, folder: Path, hub: RunningHub, name: str, receiver: Receiver) -> None:
        self.shop = Shop(folder)
        self.desk = HubDesk(folder, hub, name)
        self.desk.environment["ALERTS"] = receiver.address
        self.receiver = receiver
        self.clock = MovedClock()
        self.settings = folder / "headrace.toml"
        self._written = self.settings.read_text("utf-8")
        self.configure("")
        self.restart()

    def again(self, rewound: Rewound, folder: Path) -> Watched:
        """The same in a new process, with its organisation as it was then."""
        made = copy.copy(self)
        made.desk = rewound.again(folder)
        made.shop = Shop.opened(folder)
        made.settings = folder / "headrace.toml"
        made.clock = MovedClock()
        made.configure("")
        made.restart()
        return made

    def configure(self, more: str, alerts: str = "failures = 2") -> None:
        """Adds settings of the organisation to those that it has anyway."""
        self.settings.write_text(
            f'{self._written}\n{more}\n[alerts]\nto = ["env:ALERTS"]\n{alerts}\n', "utf-8"
        )
        self._project = load_project(self.desk.folder)

    def restart(self) -> None:
        """Begins a new process, as far as that can be seen here."""
        post = ApprisePost(self.desk.environment)
        self.watchman = Watchman(self.clock, Announcer(self.clock, post), Digest(self.clock, post))
        watched = WatchedProject(self.desk.folder, lambda sentence: None)
        self.rounds: list[Round] = []
        self.loop = Loop(watched, None, self.clock, self.rounds.append, observer=self.watchman)

    async def round(self) -> Round:
        """One round, as the loop does it."""
        project = self._project = load_project(self.desk.folder)
        self.watchman.alive(project, ["shop"])
        return await Turn("shop", self.clock, self.loop.observer).run(project)

    def sync(self) -> Round:
        """One round, in this thread."""
        with self.environment():
            return asyncio.run(self.round())

    def pass_time(self, seconds: float, step: float = LOOK_S) -> None:
        """Lets time pass, with a look at every step; the loop turns meanwhile."""
        with self.environment():
            end = self.clock.added + seconds
            while self.clock.added < end:
                self.look()
                until = min(self.clock.added + step, end)
                while self.clock.added < until:
                    self.watchman.beat()
                    self.clock.added = min(self.clock.added + _BEAT_S, until)
            self.look()

    def look_now(self) -> None:
        """One look with the desk's environment."""
        with self.environment():
            self.look()

    def look(self) -> None:
        """One look, while the loop turns."""
        self.watchman.alive(self._project, ["shop"])
        self.watchman.look()

    @contextmanager
    def environment(self) -> Iterator[None]:
        """The desk's environment variables as those of this process."""
        with unittest.mock.patch.dict(os.environ, self.desk.environment):
            yield
