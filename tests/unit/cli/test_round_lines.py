"""What a loop prints of its rounds: what is wrong in full once an hour, and what is new at once."""

from __future__ import annotations

import json

import pytest

from headrace.book.checks.checks import Problem
from headrace.cli.show.rounds import RoundLines
from headrace.fleet.round import Round
from headrace.model.errors import SourceError, UnsafePlan
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.planning.plan import Plan
from virtual_time import VirtualClock

NAMELESS = Problem("error", "invoice", "I1", "has no name", "name it")
DATELESS = Problem("error", "invoice", "I2", "has no due date", "write one")


_NOTHING = DeliveryOutcome(
    sent=0, rejected=0, held=0, left=0, retries=0, throttled=0, seconds=0.0,
    open_complete_after=None, interrupted=False,
)  # fmt: skip


class Loop:
    """Rounds of an organisation, and the lines that each of them prints."""

    def __init__(self, capture: pytest.CaptureFixture[str], *, json: bool = False) -> None:
        self.clock = VirtualClock()
        self._capture = capture
        self._lines = RoundLines(self.clock, json=json)

    def after(self, seconds: float, *problems: Problem, error: str = "") -> list[str]:
        """The lines of a round that comes so much later."""
        self.clock.seconds += seconds
        plan = Plan(
            organisation="acme", made_at="2026-11-22T00:00:00.000Z", counts=[], money=[],
            requests=0, open_requests=0, longest_lane=0, rate=600, in_flight=5,
            problems=list(problems),
        )  # fmt: skip
        failed = UnsafePlan(error) if error else None
        self._lines.show(Round("acme", plan, None if error else _NOTHING, failed))
        return self._capture.readouterr().out.splitlines()


def test_an_error_is_shown_in_full_once_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop(capsys)
    text = "Nothing was sent: {} of 1,000 invoices would change. " + "Look at `headrace plan`. " * 9
    refused = [text.format(number).strip() for number in range(500, 504)]
    assert loop.after(0, error=refused[0]) == [f"00:16:40 acme: {refused[0]}"]
    short = "as at 00:16:40: Nothing was sent: 501 of 1,000 invoices would change. "
    (line,) = loop.after(60, error=refused[1])
    assert line.startswith(f"00:17:40 acme: {short}")
    assert len(line) < 120
    assert line.endswith("…")
    assert loop.after(3540, error=refused[2]) == [f"01:16:40 acme: {refused[2]}"]
    assert loop.after(1, error="Another.") == ["01:16:41 acme: Another."]
    assert loop.after(1, error="Another.") == ["01:16:42 acme: as at 01:16:41: Another."]
    assert loop.after(1) == ["01:16:43 acme: nothing to send"]
    assert loop.after(1, error="Another.") == ["01:16:44 acme: Another."]


def test_problems_count_from_the_round_that_showed_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loop = Loop(capsys)
    loop.after(0)
    assert len(loop.after(60, NAMELESS)) == 3
    assert loop.after(60, NAMELESS)[1:] == ["1 problem, as shown since 00:17:40"]


def test_only_new_problems_are_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop(capsys)
    in_full = ["Problems (1 error)", "  error: invoice I1 has no name; name it"]
    assert loop.after(0, NAMELESS)[1:] == in_full
    assert loop.after(60, NAMELESS)[1:] == ["1 problem, as shown since 00:16:40"]
    assert loop.after(60, NAMELESS, DATELESS)[1:] == [
        "1 problem, as shown since 00:16:40",
        "Problems (1 error)",
        "  error: invoice I2 has no due date; write one",
    ]
    assert loop.after(60, NAMELESS, DATELESS)[1:] == ["2 problems, as shown since 00:16:40"]
    assert loop.after(60, DATELESS)[1:] == ["1 problem, as shown since 00:16:40"]
    assert loop.after(60, DATELESS, NAMELESS)[1:] == [
        "1 problem, as shown since 00:16:40",
        *in_full,
    ]
    assert len(loop.after(3600, DATELESS, NAMELESS)) == 4
    assert loop.after(60)[1:] == []
    assert loop.after(60, NAMELESS)[1:] == in_full


def test_each_organisation_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    lines = RoundLines(VirtualClock(), json=False)
    for name in ("acme", "other", "acme"):
        lines.show(Round(name, None, None, SourceError("The file is gone.")))
    assert capsys.readouterr().out.splitlines() == [
        "00:16:40 acme: The file is gone.",
        "00:16:40 other: The file is gone.",
        "00:16:40 acme: as at 00:16:40: The file is gone.",
    ]


def test_documents_are_always_complete(capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop(capsys, json=True)
    for _ in range(2):
        (line,) = loop.after(1, NAMELESS, error="Nothing was sent.")
        document = json.loads(line)
        assert document["error"] == "Nothing was sent."
        assert [problem["external_id"] for problem in document["problems"]] == ["I1"]
