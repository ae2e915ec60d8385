"""The hub is held against every recording in tests/oracle."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import msgspec
import pytest

from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.oracle.difference import Difference
from headrace.oracle.recording import DifferenceLine, Head, differences_of, head_of, load
from headrace.testkit.conformance import recording
from headrace.testkit.conformance.against import against_traffic
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.evidence import Evidence
from headrace.testkit.conformance.server import Server, ServerUnderTest
from headrace.testkit.conformance.suite import run_cases
from headrace.testkit.hub import RunningHub, hub

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from reference import learned_part

ORACLE = Path(__file__).parents[1] / "oracle"
RECORDINGS = sorted(ORACLE.glob("*.jsonl"))


async def _held(running: RunningHub, path: Path) -> list[object]:
    """Differences that the recording does not have itself."""
    target = ServerUnderTest(running.url, running.key, running.secret, 100_000, 5)
    async with HttpTransport(running.url, running.key, running.secret, 30, 5) as transport:
        server = Server(target, transport, SYSTEM_CLOCK)
        if head_of(path).kind == "traffic":
            known = {(one.operation, one.place) for one in differences_of(path)}
            found = await against_traffic(server, load(path), "held")
            return [one for one in found if (one.operation, one.place) not in known]
        theirs = recording.load(path)
        cases = [case for case in CASES if case.name in theirs.cases]
        assert len(cases) == len(theirs.cases), "a case was renamed: record it again"
        results = [result async for result in run_cases(server, cases, "run-1")]
        return list(recording.compare(recording.record(running.url, results), theirs))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_the_hub_answers_as_recorded(path: Path) -> None:
    with hub() as running:
        assert asyncio.run(_held(running, path)) == []


def test_there_are_recordings_of_both_kinds_and_each_has_its_row() -> None:
    assert {head_of(path).kind for path in RECORDINGS} == {"traffic", "cases"}
    readme = (ORACLE / "README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([\w.-]+)`", readme, re.M)) == {path.name for path in RECORDINGS}


def test_a_hub_that_answers_otherwise_than_recorded_is_found(tmp_path: Path) -> None:
    text = (ORACLE / "hub.jsonl").read_text("utf-8").replace('"vatNumber"', '"vatId"')
    (tmp_path / "altered.jsonl").write_text(text)
    with hub() as running:
        found = asyncio.run(_held(running, tmp_path / "altered.jsonl"))
    places = {one.place for one in found if isinstance(one, Difference)}
    assert {"body.vatNumber", "body.vatId", "body.customers[].vatNumber"} <= places


def test_a_learned_rule_has_its_recording() -> None:
    for case in CASES:
        if case.evidence is Evidence.LEARNED:
            name = case.source.rpartition(", ")[2]
            operations = {one.operation for one in differences_of(ORACLE / name)}
            assert operations & set(case.operations), case.name


def test_every_difference_of_a_recording_is_on_the_parity_page(tmp_path: Path) -> None:
    one = Difference("GET /invoices/{}", "status", "status", "404", 410)
    lines = [Head(kind="traffic", server="upflow-sandbox"), DifferenceLine(one)]
    (tmp_path / "sandbox.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    row = learned_part(tmp_path).splitlines()[-1]
    assert row == (
        "| `GET /invoices/{id}` | status: 410 | status: 404 | observed in a recording of "
        "upflow-sandbox, `sandbox.jsonl` | not adopted; `--like` does it |"
    )
