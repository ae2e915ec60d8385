"""A plan as a value: its times, its scope, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.model.errors import ConfigurationError, StalePlan
from headrace.sync.planning.plan import (
    Count,
    Plan,
    duration,
    least_seconds,
    stages_duration,
)
from headrace.sync.planning.saved_plan import SavedPlan, read_plan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.planning.tables import Table, _table


def plan(requests: int = 0, **more: Any) -> Plan:
    fields: dict[str, Any] = {
        "organisation": "acme",
        "made_at": "2026-11-20",
        "counts": [],
        "money": [],
        "requests": requests,
        "open_requests": 0,
        "longest_lane": 0,
        "rate": 600,
        "in_flight": 5,
        "latency": 0.5,
    }
    return Plan(**(fields | more))


def test_a_plan_counts_its_requests_by_kind() -> None:
    counts = [
        Count("payment", "release", 2),
        Count("refund", "release", 1),
        Count("payment", "link", 4),
        Count("payment", "update", 8),
    ]
    made = plan(15, counts=counts)
    assert (made.releases, made.late_links, made.empty) == (3, 4, False)
    assert made.count("payment", "update") == 8
    assert made.count("refund", "update") == 0
    assert plan().empty


def test_a_plans_time_is_that_of_its_two_stages() -> None:
    made = plan(100, open_requests=40, longest_open_lane=1, longest_lane=60)
    assert made.open_seconds == pytest.approx(40 * 0.1)
    assert made.seconds == pytest.approx(40 * 0.1 + 60 * 0.5)


@pytest.mark.parametrize(
    ("stages", "rate", "in_flight", "latency", "seconds"),
    [
        ([(10, 1)], 600, 1, 0.5, 5.0),
        ([(10, 10)], 600, 1, 0.5, 5.0),
        ([(10, 10)], 600, 5, 0.5, 5.0),
        ([(10, 1)], 600, 5, 0.5, 1.0),
        ([(10, 6)], 600, 5, 0.5, 5 * 0.5 + 5 * 0.1),
        ([(10, 99)], 600, 5, 0.5, 5.0),
        ([(3, 0), (4, 0)], 600, 1, 1.0, 7.0),
        ([(3, 1)], 2, 1, 1.0, 62.0),
        ([(2, 1), (1, 1)], 2, 1, 1.0, 62.0),
        ([(3, 1)], 2, 1, 40.0, 140.0),
        ([(3, 1)], 2, 1, 70.0, 210.0),
        ([(4, 1)], 2, 1, 1.0, 63.0),
        ([(5, 1)], 2, 1, 1.0, 123.0),
        ([], 2, 1, 1.0, 0.0),
        ([(10, 6)], 600, 2, 0.5, 8 * 0.25 + 2 * 0.5),
        ([(10, 4)], 600, 3, 0.6, 9 * 0.2 + 1 * 0.6),
        ([(9, 4)], 600, 3, 0.6, 7 * 0.2 + 2 * 0.6),
    ],
)
def test_stages_take_bursts_of_the_rate_one_after_the_other(
    stages: list[tuple[int, int]], rate: int, in_flight: int, latency: float, seconds: float
) -> None:
    assert stages_duration(stages, rate, in_flight, latency) == pytest.approx(seconds)
    if len(stages) == 1:
        ((requests, longest),) = stages
        found = duration(requests, rate, in_flight, latency, longest)
        assert found == pytest.approx(seconds)


def test_the_least_time_counts_whole_windows() -> None:
    assert [least_seconds(n, 2) for n in range(6)] == [0, 0, 0, 60, 60, 120]


def test_a_scope_is_whole_unless_something_is_said() -> None:
    assert WHOLE.whole
    for scope in (Scope(only=("invoice",)), Scope(customer="C"), Scope(limit=1)):
        assert not scope.whole


def saved(**more: Any) -> SavedPlan:
    fields: dict[str, Any] = {
        "organisation": "acme",
        "scope": Scope(customer="C"),
        "journal": ("j", 7),
        "digest": 42,
        "plan": plan(3),
    }
    return SavedPlan(**(fields | more))


def test_a_saved_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    saved().write(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == saved()
    assert '{\n  "organisation": "acme",' in (tmp_path / "plan.json").read_text()


def test_a_saved_plan_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(msgspec.json.encode({"version": 1}))
    with pytest.raises(ConfigurationError, match=r"another version of headrace \(format 1; this"):
        read_plan(path)
    for content in (b"{", b"[]", b"\xff", b"{}", b'{"version": 2}'):
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="is not a plan that headrace saved"):
            read_plan(path)
    with pytest.raises(ConfigurationError, match="can't be read: No such file"):
        read_plan(tmp_path / "none.json")
    with pytest.raises(ConfigurationError, match="can't be written: Is a directory"):
        saved().write(tmp_path)


def test_a_plan_is_stale_when_something_else_was_delivered_or_the_source_changed() -> None:
    saved().raise_if_stale(saved(plan=plan(4)))
    with pytest.raises(StalePlan, match="something else was delivered for acme"):
        saved().raise_if_stale(saved(journal=("j", 8)))
    with pytest.raises(StalePlan, match="It had 3 requests, and now there are 4"):
        saved().raise_if_stale(saved(digest=43, plan=plan(4)))


def test_a_table_is_declared_by_its_columns_its_meaning_and_its_files() -> None:
    declared = _table("plan.x", "a varchar, b bigint[]", "a row", "one.py", "two.py", "three.py")
    assert declared == Table(
        name="plan.x",
        columns=("a varchar", "b bigint[]"),
        meaning="a row",
        made_by="one.py",
        read_by=("two.py", "three.py"),
    )
