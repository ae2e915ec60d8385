"""A day of one process with many organisations: nothing grows, nothing is left open."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from fleet import Fleet
from headrace.fleet.loop import Loop
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.watch import WatchedProject
from headrace.testkit.hub import KeyPair, hub_process, make_keys
from virtual_time import HastyClock

HOURS = 24
ORGANISATIONS = 300
_SETTLED_H = 4
"""Hours after which everything has been open once."""


class _Later(HastyClock):
    """A day after now: a file that was written just before could still be written to."""

    def __init__(self) -> None:
        super().__init__(silence=60.0)
        self._epoch = datetime.now(UTC) + timedelta(days=1)

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.seconds)


class Day(Observer):
    """Lets time jump between rounds, and looks at the process once an hour."""

    def __init__(self, fleet: Fleet) -> None:
        self.clock = _Later()
        self.clock.busy = lambda: self._at_work > 0
        self._at_work = 0
        self._fleet = fleet
        self._process = psutil.Process()
        self._chance = random.Random(1)
        self.rounds = 0
        self.errors: list[str] = []
        self.looks: list[tuple[int, int, int]] = []
        """Each hour: MB of memory, file handles, connections."""
        self.changed: set[str] = set()
        self._begun = self.clock.monotonic()
        self.loop = Loop(
            WatchedProject(fleet.folder, print), None, self.clock, self._count, observer=self
        )

    def began(self, name: str) -> None:
        self._at_work += 1

    async def ended(self, project: LoadedProject, round: Round) -> None:
        self._at_work -= 1
        hours = (self.clock.monotonic() - self._begun) / 3600
        if hours > len(self.looks) + 1:
            self._look()
            if len(self.looks) == HOURS:
                self.loop.stop()

    def _count(self, round: Round) -> None:
        self.rounds += 1
        if round.error is not None:
            self.errors.append(str(round.error))

    def _look(self) -> None:
        memory = self._process.memory_info().rss // 2**20
        self.looks.append((memory, self._process.num_fds(), len(self._process.net_connections())))
        for name in self._chance.sample(self._fleet.names, 5):
            self.changed.add(name)
            amount = self._chance.randrange(1, 10_000)
            self._fleet.execute(name, f"update invoices set gross_amount = {amount}")


class _Hub:
    """The hub of a process of its own, as a fleet needs it."""

    def __init__(self, data: Path, url: str) -> None:
        self._data = data
        self.url = url

    def add_organisation(self, name: str) -> KeyPair:
        return make_keys(self._data, name)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    (tmp_path / "hub").mkdir()
    (tmp_path / "fleet").mkdir()
    names = [f"o{number:03}" for number in range(ORGANISATIONS)]
    with hub_process(tmp_path / "hub") as running:
        place = _Hub(running.data, running.url)
        made = Fleet(tmp_path / "fleet", place, names, "day", every="5m")  # type: ignore[arg-type]
        text = made.toml.read_text("utf-8")
        made.toml.write_text(text.replace('every = "5m"', 'every = "5m"\nhints = "off"'), "utf-8")
        for name, value in made.desk.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.mark.soak
def test_a_day_leaves_nothing_behind(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    day = Day(fleet)
    process = psutil.Process()
    day.clock.run(day.loop.run())
    used = sum(process.cpu_times()[:2])
    with capsys.disabled():
        print(f"\n{day.rounds:,} rounds; MB, file handles, connections: {day.looks}")
    assert day.errors == []
    assert day.rounds >= ORGANISATIONS * (HOURS * 12 - 2)
    settled = day.looks[_SETTLED_H:]
    assert settled[-1][0] <= 1.05 * settled[0][0], day.looks
    assert max(look[1] for look in settled[-6:]) <= 2 + max(look[1] for look in settled[:6])
    assert max(look[2] for look in settled) <= 4, day.looks
    assert used / (HOURS * 3600) < 0.02, used
    names = ",".join(sorted(day.changed))
    assert fleet.command("run", "--once").returncode == 0, names
    for name in sorted(day.changed)[:5]:
        said = fleet.command("reconcile", "--organisation", name)
        assert said.returncode == 0, said.stdout + said.stderr
