"""The loop: syncs a project's organisations, each at its own interval, in one process.

At most `at_once` organisations are open at a time; the one that is overdue for the longest is next.
Organisations share only the event loop, so the error of one does not affect the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from headrace.fleet.hinting import HintKeeper
from headrace.fleet.observer import Observer
from headrace.fleet.open_books import OpenBooks
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.sync import SyncOptions
from headrace.fleet.threads import Threads, use_threads
from headrace.fleet.turn import WIND_UP_S, Turn
from headrace.fleet.watch import WatchedProject
from headrace.model.clock import Clock, until_next
from headrace.model.errors import ConfigurationError
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.session import LOOP

_LOOK_S = 2.0
"""Maximum seconds until an edit of the project file is noticed."""
_LOOK_OPEN_S = 1.5
"""The same while books are kept open, until a command that wants one is noticed."""
_GATHER_S = 0.05
"""Seconds for which hints are gathered before a round."""


class Loop:
    """Syncs until stopped. An organisation's error is reported, and the others continue."""

    def __init__(
        self,
        watched: WatchedProject,
        chosen: Sequence[str] | None,
        clock: Clock,
        report: Callable[[Round], None],
        complain: Callable[[str], None] = lambda sentence: None,
        observer: Observer | None = None,
        pictures: bool = False,
    ) -> None:
        """Sync the organisations that `chosen`, names and patterns, match; None for all.

        Organisations that match later join the loop. `complain` gets messages about the loop
        itself. With `pictures`, each round keeps its plan for the pages. Raises ConfigurationError
        for a name or pattern that matches none.
        """
        self._watched = watched
        self._chosen = chosen
        self._clock = clock
        self._report = report
        self._complain = complain
        self.observer = observer or Observer()
        self._pictures = pictures
        self._stopping = asyncio.Event()
        self._turns: dict[str, Turn] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._earlier: dict[str, DeliveryOutcome] = {}
        """Outcomes of earlier slices, by organisation, until the last slice is delivered."""
        self._due: dict[str, float] = {}
        """Time of the next round by organisation, in the clock's monotonic seconds."""
        self._books: OpenBooks | None = None
        self._threads: Threads | None = None
        self._to_open: set[str] = set()
        """Organisations whose next round opens the book in any case."""
        self._events: asyncio.AbstractEventLoop | None = None
        self._hinted: set[str] = set()
        """Organisations with a hint since their round began, to be followed by another."""
        self._earliest: dict[str, float] = {}
        """Time before which hints lead to no further round, by organisation."""
        self._woken = asyncio.Event()
        self._join(watched.project.names(chosen))

    def stop(self) -> None:
        """Stop the loop after the requests in flight have been answered."""
        self._stopping.set()
        for turn in list(self._turns.values()):
            turn.stop()

    def hint(self, name: str) -> None:
        """Let a round of the organisation follow soon: its source may have changed.

        Hints that come together lead to one round, and hints during a round to one after it. Rounds
        that follow hints read and plan for at most half of the time, so that a busy source leaves
        room for others. An API that was away puts off nothing.
        """
        if name not in self._due:
            return
        if name in self._running:
            self._hinted.add(name)
            return
        soon = max(self._clock.monotonic() + _GATHER_S, self._earliest.get(name, 0.0))
        if soon < self._due[name]:
            self._due[name] = soon
            self._woken.set()

    def ask(self, name: str, open_book: bool = False) -> None:
        """Do as `hint` does, from another thread; `open_book` lets the round open the book even if
        nothing has changed."""
        if open_book:
            self._to_open.add(name)
        if (events := self._events) is not None:
            with suppress(RuntimeError):  # it has just ended
                events.call_soon_threadsafe(self.hint, name)

    @property
    def project(self) -> LoadedProject:
        """The project as it was last read."""
        return self._watched.project

    @property
    def books(self) -> OpenBooks | None:
        """The books that are open; None before the loop runs."""
        return self._books

    async def run(self, once: bool = False) -> list[str]:
        """Sync every organisation at its interval; `once` syncs each a single time.

        Returns the organisations that were still reading some seconds after a stop. Each occupies a
        thread that ends only with the process. They send nothing.
        """
        stopping = asyncio.create_task(self._stopping.wait())
        self._events = asyncio.get_running_loop()
        self._threads = use_threads(self._clock)
        keeper = HintKeeper(self._clock, self.hint, self._complain)
        self._books = None if once else OpenBooks(self._clock)
        try:
            while not self._stopping.is_set():
                self.observer.alive(self._watched.project, list(self._due))
                if not once:
                    self._take_up()
                    keeper.follow(self._watched.project, list(self._due))
                if self._books is not None:
                    for name in self._books.wanted():
                        await asyncio.to_thread(self._books.drop, name)
                self._start(once)
                if once and not self._running:
                    return []
                await self._rest(stopping)
                self._collect()
            return await self._wind_up()
        finally:
            self._events = None
            stopping.cancel()
            await keeper.close()
            if self._books is not None:
                await asyncio.to_thread(self._books.close)

    async def _rest(self, stopping: asyncio.Task[bool]) -> None:
        """Wait until there may be something to do."""
        self._woken.clear()
        resting = asyncio.ensure_future(self._clock.sleep(self._idle_for()))
        woken = asyncio.ensure_future(self._woken.wait())
        awaited = {stopping, resting, woken, *self._running.values()}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        resting.cancel()
        woken.cancel()

    async def _wind_up(self) -> list[str]:
        """Wait for all deliveries to end, and a few seconds for rounds that only read."""
        patience = self._clock.monotonic() + WIND_UP_S
        while self._running:
            await asyncio.wait(self._running.values(), timeout=WIND_UP_S / 10)
            self._collect()
            delivering = any(turn.delivering for turn in self._turns.values())
            if not delivering and self._clock.monotonic() > patience:
                break
        return list(self._running)

    def _take_up(self) -> None:
        """Add organisations that are new in the project file, and drop those that left it."""
        project = self._watched.look()
        try:
            names = project.names(self._chosen)
        except ConfigurationError:  # every organisation that a pattern matched was removed
            names = [name for name in project.names() if name in self._due]
        for gone in self._due.keys() - set(names):
            del self._due[gone]
            if self._books is not None:
                self._books.drop(gone)
        self._join([name for name in names if name not in self._due])

    def _join(self, names: Sequence[str]) -> None:
        """Schedule organisations by their last round: new ones first, then the longest overdue."""
        project, now = self._watched.project, self._clock.monotonic()
        since_epoch = self._clock.now().timestamp()
        for name in names:
            self._due[name] = now - max(0.0, since_epoch - project.worked_at(name))

    def _start(self, once: bool) -> None:
        """Start the longest overdue organisations, up to `at_once` at a time."""
        now = self._clock.monotonic()
        overdue = (
            (due, name)
            for name, due in self._due.items()
            if due <= now and name not in self._running and not self._is_wanted(name)
        )
        for _, name in sorted(overdue)[: self._room()]:
            self._running[name] = asyncio.create_task(self._turn(name, once))

    def _room(self) -> int:
        """Return how many more rounds may begin. One whose source does not answer has left its
        place."""
        left = self._threads.blocked() if self._threads is not None else 0
        return max(0, self._watched.project.at_once + left - len(self._running))

    def _is_wanted(self, name: str) -> bool:
        books, project = self._books, self._watched.project
        return books is not None and name in project.names() and books.is_wanted(project, name)

    def _idle_for(self) -> float:
        now = self._clock.monotonic()
        period = _LOOK_OPEN_S if self._books is not None and self._books.names else _LOOK_S
        look = until_next(period, self._clock)
        due = [due - now for name, due in self._due.items() if name not in self._running]
        if not self._room():
            return look
        return min([look, *(max(0.0, seconds) for seconds in due)])

    def _collect(self) -> None:
        """Remove the rounds that ended. Raises only what a defect of the loop itself raised."""
        for name, task in list(self._running.items()):
            if task.done():
                del self._running[name]
                if name in self._hinted and name in self._due:
                    self._due[name] = min(self._due[name], self._earliest[name])
                task.result()

    async def _turn(self, name: str, once: bool) -> None:
        project = self._watched.project
        started = self._clock.monotonic()
        self._hinted.discard(name)
        turn = self._turns[name] = Turn(
            name,
            self._clock,
            self.observer,
            self._books,
            earlier=self._earlier.pop(name, None),
            options=self._options(name),
        )
        if self._stopping.is_set():
            turn.stop()
        try:
            round = await turn.run(project)
        finally:
            del self._turns[name]
        outcome = round.outcome
        ended = self._clock.monotonic()
        self._earliest[name] = ended + turn.worked
        if name in self._due:
            if outcome is not None and outcome.sliced and round.error is None:
                # More is left to send, but organisations that are overdue longer go first.
                self._due[name] = ended
                self._earlier[name] = outcome
            elif once:
                del self._due[name]
            else:
                self._due[name] = started + project.settings_of(name).interval.total_seconds()
        self._report(round)

    def _options(self, name: str) -> SyncOptions:
        open_book = name in self._to_open
        self._to_open.discard(name)
        return SyncOptions(
            command=LOOP, through=False, pictures=self._pictures, open_book=open_book
        )
