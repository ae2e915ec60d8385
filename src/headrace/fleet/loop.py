"""The loop: keeps a project's organisations in step, each at its own interval, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.model.errors import HeadraceError
from headrace.sync.deliver import Delivery
from headrace.sync.organisation import Outcome, Watch
from headrace.sync.plan import Plan
from headrace.sync.progress import Progress


class Round(Struct, frozen=True):
    """One sync of one organisation: its plan and outcome, or the error that ended it."""

    organisation: str
    plan: Plan | None
    outcome: Outcome | None
    error: HeadraceError | None = None


class Loop:
    """Syncs until told to stop. An organisation's error is reported and the others go on."""

    def __init__(
        self,
        project: LoadedProject,
        names: Sequence[str],
        clock: Clock,
        report: Callable[[Round], None],
    ) -> None:
        self._project = project
        self._names = names
        self._clock = clock
        self._report = report
        self._stopping = asyncio.Event()
        self._interrupts: dict[str, Callable[[], None]] = {}

    def stop(self) -> None:
        """Lets requests in flight finish, then ends."""
        self._stopping.set()
        for interrupt in list(self._interrupts.values()):
            interrupt()

    async def run(self, once: bool = False) -> None:
        """Runs every organisation at its interval; `once` runs each a single time."""
        await asyncio.gather(*(self._keep(name, once) for name in self._names))

    async def _keep(self, name: str, once: bool) -> None:
        interval = self._project.settings_of(name).interval.total_seconds()
        while not self._stopping.is_set():
            started = self._clock.monotonic()
            self._report(await self.sync(name))
            if once:
                return
            await self._rest(max(0.0, started + interval - self._clock.monotonic()))

    async def _rest(self, seconds: float) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        resting = asyncio.ensure_future(self._clock.sleep(seconds))
        await asyncio.wait({stopping, resting}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        resting.cancel()

    async def sync(self, name: str, watch: Watch | None = None) -> Round:
        """Refreshes, plans and applies one organisation; never raises a HeadraceError."""
        plan = outcome = None
        try:
            with self._project.open(name, self._clock) as organisation:
                await organisation.prepare()
                plan = await asyncio.to_thread(organisation.plan)
                plan.raise_if_unsafe()

                def watching(progress: Progress, delivery: Delivery) -> None:
                    self._interrupts[name] = delivery.interrupt
                    if self._stopping.is_set():
                        delivery.interrupt()
                    if watch is not None:
                        watch(progress, delivery)

                outcome = await organisation.apply(plan, "run", watching, whole=False)
                while outcome.sliced:
                    await organisation.prepare()
                    plan = await asyncio.to_thread(organisation.plan)
                    plan.raise_if_unsafe()
                    again = await organisation.apply(plan, "run", watching, whole=False)
                    outcome = again.after(outcome)
        except HeadraceError as error:
            return Round(name, plan, outcome, error)
        finally:
            self._interrupts.pop(name, None)
        return Round(name, plan, outcome)
