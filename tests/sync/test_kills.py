"""Kills at random instants, of either side, ending in the same invariant: the hub is the book."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import msgspec
import pytest
from departures import depart
from desk import Command, Desk, Key, overlapping, query, sent

from headrace.client.endpoints import external_path
from headrace.model.entity import BY_NAME, Entity
from headrace.server.observing.request_log import LogRecord
from headrace.sync.operations.response_check import differing_fields
from headrace.sync.remote.proof import Reconciled
from headrace.testkit.billing import Counts, changes, generate, write_project
from headrace.testkit.hub import HubProcess, hub, hub_process, make_keys

IN_FLIGHT = 5
_PATIENCE_S = 60.0
_START_S = 1.5
"""About what a command takes until its first request, on a machine that is not slow."""


class Import:
    """A generated book, and a hub in a process of its own that logs to a file."""

    def __init__(self, folder: Path, hub: HubProcess, log: Path, records: int) -> None:
        self.database = folder / "billing.db"
        self.counts: Counts = generate(self.database, records=records, seed=9)
        project = write_project(folder / "project", self.database, rate=10**6)
        pair = make_keys(hub.data, "killed")
        self.hub = hub
        self.desk = Desk(project, hub.url, pair.key, pair.secret)
        self._keys = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        self._log = log
        self._looked_at = 0
        """The journal's change up to which it was held against the hub."""

    def log(self) -> list[LogRecord]:
        """Writes that the hub has answered."""
        lines = self._log.read_bytes().splitlines() if self._log.exists() else []
        # A hub that was killed may have cut its last line.
        whole = [line for line in lines if line.endswith(b"}")]
        records = [msgspec.json.decode(line, type=LogRecord) for line in whole]
        return [record for record in records if record.method != "GET"]

    def start(self, *words: str) -> Command:
        return self.desk.start("apply", *words)

    def wait_for(self, count: int, command: Command, seconds: float | None = None) -> None:
        """Until the hub has answered so many writes, the command has ended, or for so long."""
        end = time.monotonic() + (_PATIENCE_S if seconds is None else seconds)
        while self._lines() < count and command.process.poll() is None:
            if time.monotonic() >= end:
                assert seconds is not None, f"{self._lines()} of {count} requests came"
                return
            time.sleep(0.002)

    def _lines(self) -> int:
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def kill_one(self, random: Random, most: int) -> bool:
        """An apply that is killed after a few more requests, or one time in five at some moment of
        its start; whether it had not ended before."""
        command = self.start("--force")
        before = self._lines()
        if random.random() < 0.2:
            # Not after more than the others either, however quick the machine.
            self.wait_for(before + most, command, random.random() * _START_S)
        else:
            self.wait_for(before + random.randint(1, most), command)
            time.sleep(random.random() * 0.01)
        killed = command.process.poll() is None
        command.process.kill()
        command.process.communicate()
        return killed

    def prove_the_journal_is_not_ahead(self) -> set[Key]:
        """All that it has noted since the last look is so in the hub; which records that were."""
        journal = self.desk.folder / ".headrace" / "billing" / "journal.db"
        if not journal.exists() or not query(
            journal, "select 1 from sqlite_master where name = 'forgotten'"
        ):
            return set()  # killed before it was made
        noted = query(
            journal,
            "select change, a.entity, a.external_id, payload from applied as a "
            "join payloads using (entity, external_id) "
            # What was in doubt after a kill is no statement on what the hub has.
            f"where length(hash) > 0 and change > {self._looked_at} "
            "union all select change, entity, external_id, null from forgotten as f "
            f"where change > {self._looked_at} and entity not like '%_pdf' and not exists "
            "(select 1 from applied as a "
            "where a.entity = f.entity and a.external_id = f.external_id)",
        )
        with closing(HTTPConnection(urlsplit(self.hub.url).netloc)) as connection:
            answers = [
                self._there(connection, BY_NAME[entity], external_id)
                for _, entity, external_id, _ in noted
            ]
        for (change, entity, external_id, payload), there in zip(noted, answers, strict=True):
            self._looked_at = max(self._looked_at, change)
            if payload is None:
                assert there is None, f"{entity} {external_id} was not deleted"
                continue
            assert there is not None, f"{entity} {external_id} is not there"
            assert differing_fields(payload, there) == []
        return {(entity, external_id) for _, entity, external_id, _ in noted}

    def _there(self, connection: HTTPConnection, entity: Entity, external_id: str) -> bytes | None:
        """What the hub answers about a record, on a connection that serves for all of them."""
        path = urlsplit(self.hub.url).path + external_path(entity, external_id)
        connection.request("GET", path, headers=self._keys)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 404), content
        return content if answer.status == 200 else None

    def prove_in_step(self, whole: bool) -> None:
        """The hub is the book: nothing to send, the same balances, nothing kept otherwise; and a
        whole one is all that was generated."""
        with self.desk.open() as organisation:
            told = organisation.journal.count()
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            proof = asyncio.run(organisation.remote.reconcile())
            drift = asyncio.run(organisation.remote.drift())
        assert plan.empty and not plan.held
        assert proof.balanced, proof.differences[:3]
        assert drift.empty and not drift.strangers
        assert drift.compared == proof.customers + proof.documents
        if whole:
            self._prove_all_told(told, proof)

    def prove_whole(self) -> None:
        """Nothing is left to send, nothing is missing, nothing differs."""
        with self.desk.open() as organisation:
            told = organisation.journal.count()
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            proof = asyncio.run(organisation.remote.reconcile())
        assert plan.empty
        assert proof.balanced, proof.differences[:3]
        self._prove_all_told(told, proof)

    def _prove_all_told(self, told: dict[str, int], proof: Reconciled) -> None:
        assert sum(told.values()) == self.counts.requests
        assert set(told) == set(BY_NAME)
        assert proof.customers + proof.documents == self.counts.requests


@pytest.fixture
def importing(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Import]:
    log = tmp_path / "requests.jsonl"
    with hub_process(tmp_path / "hub", "off", log) as hub:
        yield Import(tmp_path, hub, log, getattr(request, "param", 350))


def repeated(log: list[LogRecord]) -> int:
    """Requests that were answered more than once."""
    return sum(count - 1 for count in sent(log).values())


@pytest.mark.parametrize(
    ("importing", "kills", "series"),
    [(600, 4, 1), pytest.param(5_000, 200, 10, marks=pytest.mark.soak)],
    indirect=["importing"],
)
def test_applies_killed_at_random_instants(importing: Import, kills: int, series: int) -> None:
    """Half of the kills over a first import, half over syncs with changes and deletions."""
    random = Random(2026)
    prove_after_kills(importing, random, kills // 2, importing.counts.requests)
    each = kills // 2 // series
    for number in range(series):
        changes(importing.database, seed=number, count=12 * each)
        depart(importing.database, random, clients=3, receipts=10 * each)
        prove_after_kills(importing, random, each)


def prove_after_kills(
    importing: Import, random: Random, kills: int, all_of_them: int | None = None
) -> None:
    """A plan that is delivered by that many killed applies and one that ends: no more is sent twice
    than was in flight at the kills, and the journal is never ahead. It may be known to have all
    requests of the book."""
    before = len(importing.log())
    # Some come beyond those that are waited for, more on a quick machine.
    most = (all_of_them or importing.desk.plan().requests) // kills // 2
    noted: set[Key] = set()
    for _ in range(kills):
        assert importing.kill_one(random, most), "it ended before it could be killed"
        noted |= importing.prove_the_journal_is_not_ahead()
    done = importing.start("--force").communicated()
    assert done.returncode == 0, done.stderr
    noted |= importing.prove_the_journal_is_not_ahead()
    log = importing.log()[before:]
    twice = repeated(log)
    gone = [record for record in log if record.status == 404]
    print(f"{kills} kills: {len(log)} requests, {twice} twice, {len(noted)} noted")
    assert noted == sent(log).keys() and len(noted) >= kills
    assert twice <= kills * IN_FLIGHT
    # What was in doubt may come in another order than it could go; it goes once more then.
    early = [record for record in log if record.status == 400]
    assert len(early) <= kills * IN_FLIGHT
    assert {record.status for record in log} <= {200, 201, 204, 400, 404}
    assert len(gone) <= twice and {record.method for record in gone} <= {"DELETE"}
    importing.prove_in_step(whole=all_of_them is not None)
    assert importing.log()[before:] == log


def test_a_hub_that_is_killed_and_comes_back_is_gone_on_with(importing: Import) -> None:
    command = importing.start()
    importing.wait_for(150, command)
    importing.hub.kill()
    time.sleep(0.5)
    importing.hub.start()
    done = command.communicated()
    assert done.returncode == 0, done.stderr
    assert ", retried " in done.stdout
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
    assert "records are delivered and recorded" in line and "run the same command again" in line
    importing.hub.start()
    assert importing.start().communicated().returncode == 0
    assert repeated(importing.log()) <= IN_FLIGHT
    importing.prove_whole()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
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
    assert 100 <= len(log) < importing.counts.requests
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
