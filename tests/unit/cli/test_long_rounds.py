"""What a loop prints of rounds that take long."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cli.show.long_rounds import LongRounds
from headrace.cli.show.rounds import RoundLines
from headrace.client.pace import Pace
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.model.project import Project
from headrace.sync.delivery.progress import Progress
from headrace.sync.planning.plan import Plan
from virtual_time import VirtualClock

PROJECT = LoadedProject(Path(), Project(organisation={}))
PLAN = Plan(
    organisation="acme", made_at="2026-11-22T00:00:00.000Z", counts=[], money=[],
    requests=3_000, open_requests=0, longest_lane=0, rate=600, in_flight=5,
)  # fmt: skip


class Loop:
    """Rounds that go on, and the lines that are printed while time passes."""

    def __init__(self, capture: pytest.CaptureFixture[str], *, json: bool = False) -> None:
        self.clock = VirtualClock()
        self._capture = capture
        self.rounds = LongRounds(self.clock, RoundLines(self.clock, json=json).say)

    def after(self, seconds: float) -> list[str]:
        """The lines of so much time, during which the loop gives a sign of life each second."""
        for _ in range(int(seconds)):
            self.clock.seconds += 1
            self.rounds.alive(PROJECT, [])
        return self._capture.readouterr().out.splitlines()

    def send(self, name: str) -> Progress:
        """Begin the delivery of a round."""
        progress = Progress(PLAN, self.clock, Pace(PLAN.rate, PLAN.in_flight, self.clock))
        self.rounds.sending(name, progress)
        return progress

    def end(self, name: str) -> None:
        """End a round."""
        ended = Round(name, PLAN, None)
        self.clock.run(self.rounds.ended(PROJECT, ended))


def test_a_round_of_some_seconds_says_nothing_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loop = Loop(capsys)
    for _ in range(3):
        loop.rounds.began("acme")
        assert loop.after(9) == []
        loop.end("acme")
        assert loop.after(70) == []


def test_a_long_one_says_every_minute_how_far_it_is_or_what_it_waits_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loop = Loop(capsys)
    loop.rounds.began("acme")
    loop.clock.seconds += 5
    loop.rounds.began("other")
    assert loop.after(5) == ["00:16:50 acme: reading and planning for 10 s"]
    progress = loop.send("acme")
    progress.done, progress.note = 600, "no connection; next try in 8 s"
    assert loop.after(10) == ["00:16:55 other: reading and planning for 10 s"]
    loop.end("other")
    (line,) = loop.after(60)
    assert line.startswith("00:17:50 acme: 600 of 3,000: 0 in the last minute")
    assert line.endswith("no connection; next try in 8 s")
    assert loop.after(49) == []
    loop.end("acme")
    assert loop.after(60) == []


def test_json_has_only_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop(capsys, json=True)
    loop.rounds.began("acme")
    assert loop.after(100) == []
