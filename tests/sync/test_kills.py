"""Kills at random instants, of either side, ending in the same invariant: the hub is the book."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from desk import Command, Desk, overlapping, sent

from headrace.model.entity import BY_NAME
from headrace.server.request_log import LogRecord
from headrace.testkit.billing import Counts, generate, write_project
from headrace.testkit.hub import HubProcess, hub, hub_process, make_keys

IN_FLIGHT = 5
_PATIENCE_S = 60.0


class Import:
    """A generated book, and a hub in a process of its own that logs to a file."""

    def __init__(self, folder: Path, hub: HubProcess, log: Path, records: int) -> None:
        database = folder / "billing.db"
        self.counts: Counts = generate(database, records=records, seed=9)
        project = write_project(folder / "project", database, rate=10**6)
        pair = make_keys(hub.data, "killed")
        self.hub = hub
        self.desk = Desk(project, hub.url, pair.key, pair.secret)
        self._log = log

    def log(self) -> list[LogRecord]:
        """Writes that the hub has answered."""
        lines = self._log.read_bytes().splitlines() if self._log.exists() else []
        records = [msgspec.json.decode(line, type=LogRecord) for line in lines]
        return [record for record in records if record.method != "GET"]

    def start(self, *words: str) -> Command:
        return self.desk.start("apply", *words)

    def wait_for(self, count: int, command: Command) -> None:
        """Until the hub has answered so many writes, or the command has ended."""
        end = time.monotonic() + _PATIENCE_S
        while self._lines() < count and command.process.poll() is None:
            assert time.monotonic() < end, f"{self._lines()} of {count} requests came"
            time.sleep(0.002)

    def _lines(self) -> int:
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def prove_whole(self) -> None:
        """Nothing is left to send, nothing is missing, nothing differs."""
        with self.desk.open() as organisation:
            told = organisation.journal.count()
        assert sum(told.values()) == self.counts.requests
        assert set(told) == set(BY_NAME)
        assert self.desk.plan().empty
        proof = self.desk.reconcile()
        assert proof.balanced, proof.differences[:3]
        assert proof.customers + proof.documents == self.counts.requests


@pytest.fixture
def importing(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Import]:
    log = tmp_path / "requests.jsonl"
    with hub_process(tmp_path / "hub", "off", log) as hub:
        yield Import(tmp_path, hub, log, getattr(request, "param", 500))


def repeated(log: list[LogRecord]) -> int:
    """Requests that were answered more than once."""
    return sum(count - 1 for count in sent(log).values())


@pytest.mark.parametrize("importing", [600], indirect=True)
def test_apply_killed_at_ten_random_instants(importing: Import) -> None:
    random = Random(2026)
    kills = 0
    for _ in range(10):
        command = importing.start()
        importing.wait_for(len(importing.log()) + random.randint(1, 70), command)
        time.sleep(random.random() * 0.01)
        assert command.process.poll() is None, "the import ended before it could be killed"
        command.process.kill()
        command.process.communicate()
        kills += 1
    assert importing.start().communicated().returncode == 0
    assert kills == 10
    log = importing.log()
    assert repeated(log) <= kills * IN_FLIGHT
    assert {record.status for record in log} <= {200, 201}
    importing.prove_whole()
    assert importing.log() == log


def test_a_hub_that_is_killed_and_comes_back_is_gone_on_with(importing: Import) -> None:
    command = importing.start()
    importing.wait_for(150, command)
    importing.hub.kill()
    time.sleep(0.5)
    importing.hub.start()
    done = command.communicated()
    assert done.returncode == 0, done.stderr
    assert "tries repeated" in done.stdout
    assert repeated(importing.log()) <= IN_FLIGHT
    importing.prove_whole()


def test_a_hub_that_stays_away_ends_the_run_with_a_word_and_the_next_goes_on(
    importing: Import,
) -> None:
    command = importing.start("--patience", "2s")
    importing.wait_for(150, command)
    importing.hub.kill()
    done = command.communicated()
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {importing.hub.url} is not usable (")
    assert "records are delivered and noted" in line and "run the same command again" in line
    importing.hub.start()
    assert importing.start().communicated().returncode == 0
    assert repeated(importing.log()) <= IN_FLIGHT
    importing.prove_whole()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight_and_loses_nothing(
    importing: Import, number: signal.Signals
) -> None:
    command = importing.start()
    importing.wait_for(120, command)
    command.process.send_signal(number)
    done = command.communicated()
    assert done.returncode == 130, done.stderr
    assert "run `headrace apply` again" in done.stdout
    log = importing.log()
    assert 120 <= len(log) < importing.counts.requests
    with importing.desk.open() as organisation:
        assert sum(organisation.journal.count().values()) == len(log)
    assert importing.start().communicated().returncode == 0
    log = importing.log()
    assert repeated(log) == 0
    assert overlapping(log) == []
    importing.prove_whole()


def test_status_works_beside_an_apply_and_a_second_apply_says_who_holds_it(
    tmp_path: Path,
) -> None:
    generate(tmp_path / "billing.db", records=1_500, seed=9)
    project = write_project(tmp_path / "project", tmp_path / "billing.db", rate=10**6)
    # Slow enough to be still at it when the others have looked.
    with hub(latency=0.1) as running:
        desk = Desk(project, running.url, running.key, running.secret)
        command = desk.start("apply")
        end = time.monotonic() + _PATIENCE_S
        while len(running.requests()) < 20:
            assert time.monotonic() < end
            time.sleep(0.01)
        second = desk.command("apply")
        status = desk.command("status", "--json")
        assert command.process.poll() is None, "the import ended too early to tell"
        command.process.send_signal(signal.SIGINT)
        assert command.communicated().returncode == 130
        answered = len(running.requests())
    assert second.returncode == 8
    (line,) = second.stderr.splitlines()
    assert "Another command works on billing" in line and "wait until it is done" in line
    assert status.returncode == 0
    (report,) = msgspec.json.decode(status.stdout)
    # The hub notes an answer before its latency, the journal behind it.
    assert 20 - IN_FLIGHT <= sum(report["records"].values()) <= answered
    assert report["runs"][0]["ended_at"] is None
