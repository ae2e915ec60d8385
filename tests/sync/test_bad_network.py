"""An import through one failure in five: what is waited for, what is sent again, what is there.

Waits are exact in virtual time against a scripted API. What arrives is shown against a real hub
with its own faults, by a client whose clock jumps over its waits.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from desk import HubDesk, Key, overlapping, sent
from fake_api import (
    BROKEN,
    STALLED,
    TIMEOUT_S,
    Arrival,
    Bench,
    FakeApi,
    Reply,
    refusal,
    request_of,
)
from msgspec import Struct

from headrace.client.answer import Answer
from headrace.client.retry import PATIENCE
from headrace.client.transport import HttpTransport
from headrace.fleet.project import load_project
from headrace.server.observing.request_log import LogRecord
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.testkit.billing import generate, write_project
from virtual_time import HastyClock, VirtualClock

LATENCY = 0.3
_ASKED_S = 7
_FAILURES: tuple[tuple[float, Reply], ...] = (
    (0.04, refusal(429, "slow down", **{"retry-after": str(_ASKED_S)})),
    (0.03, refusal(500, "oops")),
    (0.03, refusal(503, "away")),
    (0.04, BROKEN),
    (0.02, STALLED),
    (0.02, refusal(400, "wrong")),
    (0.02, refusal(422, "wrong")),
)


def failing(seed: int) -> Callable[[Arrival], Reply | None]:
    """A fifth of all requests, by chance; 4xx for invoices only, so that it is plain what is held
    because of them."""
    random = Random(seed)

    def script(arrival: Arrival) -> Reply | None:
        drawn = random.random()
        for share, reply in _FAILURES:
            drawn -= share
            if drawn < 0:
                return reply if arrival.entity == "invoice" or not wrong(reply) else None
        return None

    return script


def wrong(reply: Reply) -> bool:
    return not isinstance(reply, Exception) and 400 <= reply.status < 429


@pytest.fixture(params=[600, pytest.param(10_000, marks=pytest.mark.soak)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project whose first import takes about so many requests."""
    generate(tmp_path / "billing.db", records=request.param, seed=5)
    folder = write_project(tmp_path / "project", tmp_path / "billing.db", rate=10**6)
    # A clock that does not wait knows of deliveries alone, not of what is read before.
    with (folder / "headrace.toml").open("a", encoding="utf-8") as file:
        file.write('claims = "off"\n')
    return folder


@pytest.fixture
def bench(project: Path) -> Iterator[Bench]:
    opened = Bench(project, VirtualClock())
    yield opened
    opened.close()


def test_waits_are_as_the_guide_says_and_no_4xx_is_tried_again(bench: Bench) -> None:
    api = FakeApi(bench.clock, LATENCY, script=failing(7), limit=10**6)
    plan = bench.plan()
    progress, delivery = bench.deliver(api, plan)
    assert delivery.stopped is None
    left = given_up(api.arrivals)
    assert len(progress.failed) == len(left)
    assert progress.done + progress.rejected + progress.held == plan.requests
    failed = [arrival for arrival in api.arrivals if arrival.status != 200]
    assert 0.14 < len(failed) / len(api.arrivals) < 0.23
    closed = [(a.answered, a.answered + _ASKED_S) for a in failed if a.status == 429]
    for start, end in closed:
        assert not [a for a in api.arrivals if start < a.sent < end]
    # The more records there are, the more of them wait for a free place at once.
    longest, ahead = 0, 3 if plan.requests < 1_000 else 5
    for key, tries in by_record(api.arrivals).items():
        assert tries[-1].status in (200, 400, 422) or key in left
        assert all(one.status not in (200, 400, 422) for one in tries[:-1])
        longest = max(longest, prove_the_waits(tries, closed, ahead))
    assert longest >= 2
    assert progress.rejected == sum(arrival.status in (400, 422) for arrival in failed) > 0
    assert (api.most_in_flight, api.most_of_one_customer) == (5, 1)


def given_up(arrivals: list[Arrival]) -> set[Key]:
    """The records that were left for the next run: they failed for longer than a minute, since two
    stalled requests alone take that long."""
    left = set()
    for key, tries in by_record(arrivals).items():
        if tries[-1].status not in (200, 400, 422):
            assert tries[-1].answered - tries[0].answered >= PATIENCE
            left.add(key)
    return left


def by_record(arrivals: list[Arrival]) -> dict[Key, list[Arrival]]:
    """The tries of each, in their order."""
    found: dict[Key, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        found[arrival.entity, arrival.external_id].append(arrival)
    return found


def prove_the_waits(tries: list[Arrival], closed: list[tuple[float, float]], ahead: int) -> int:
    """1, 2, 4, 8, 16 seconds and up to a quarter more, and no longer but for a free place or where
    a 429 asked for it; how many failures there were one after the other."""
    failures = 0
    for one, other in itertools.pairwise(tries):
        if one.status == 429:
            continue
        wait = 2.0**failures
        failures += 1
        assert other.sent - one.answered >= wait
        due = one.answered + 1.25 * wait
        for start, end in closed:
            if start <= due + 1.5 * LATENCY:
                due = max(due, end)
        # Every place may be taken, by a stalled request for longest; then `ahead` go first.
        assert other.sent <= due + TIMEOUT_S + ahead * LATENCY
    return failures


SHARES = {
    "status 429": 0.04,
    "status 500": 0.03,
    "status 503": 0.03,
    "reset": 0.03,
    "stall": 0.01,
    "truncated": 0.03,
    "reply-lost": 0.03,
}
CARRIED_OUT = ("truncated", "reply-lost")


def test_the_hub_is_the_book_after_all_of_them(
    project: Path, new_desk: Callable[[Path], HubDesk], tries: list[Try]
) -> None:
    desk = new_desk(project)
    faults = [
        {"kind": kind, "rate": share}
        | ({"status": int(status)} if status else {})
        | ({"seconds": 0.2} if kind == "stall" else {})
        for name, share in SHARES.items()
        for kind, _, status in [name.partition(" ")]
    ]
    refused = {"kind": "status", "status": 400, "on": "POST /invoices", "rate": 0.02}
    with desk.hub.faults(refused, *faults, organisation=desk.name, seed=3):
        outcome = hasty_apply(desk)
    log = desk.writes()
    hit = [record for record in log if record.fault is not None and record.status != 400]
    assert 0.14 < len(hit) / len(log) < 0.24
    assert {record.fault for record in hit} == {name.split()[0] for name in SHARES}
    assert outcome.failed == [] and outcome.left == 0
    assert outcome.rejected == sum(record.status == 400 for record in log) > 0
    assert (
        len(log)
        == len(tries)
        == outcome.retries + outcome.throttled + outcome.sent + (outcome.rejected)
    )
    prove_each_was_sent_as_often_as_needed(tries)
    prove_each_was_written_as_often_as_needed(log, {o.key for o in tries if o.status == 400})
    with desk.open() as organisation:
        organisation.journal.clear_rejects()
        asyncio.run(organisation.prepare())
        rest = asyncio.run(organisation.apply(organisation.plan(), "apply"))
        # With the refused invoices, the links to them follow, which their payments went without.
        assert rest.rejected == 0
        assert rest.sent >= outcome.rejected + outcome.held
        organisation.compare()
        assert organisation.plan().empty
        assert asyncio.run(organisation.remote.drift()).empty
        proof = asyncio.run(organisation.remote.reconcile())
        assert proof.balanced, proof.differences


def prove_each_was_sent_as_often_as_needed(tries: list[Try]) -> None:
    """Once, and once more for each failure; nothing after an answer that decides."""
    of_record: dict[Key, list[int]] = defaultdict(list)
    for one in tries:
        of_record[one.key].append(one.status)
    for statuses in of_record.values():
        assert statuses[-1] in (200, 201, 400)
        assert set(statuses[:-1]) <= {0, 429, 500, 503}
        assert len(statuses) <= 8


def prove_each_was_written_as_often_as_needed(log: list[LogRecord], refused: set[Key]) -> None:
    """Once, and once more for each answer to a write that was lost, unless that was then refused;
    of one customer never two at a time."""
    carried_out = [r for r in log if r.fault is None or r.fault in CARRIED_OUT]
    lost = sent(record for record in carried_out if record.fault is not None)
    written = sent(carried_out)
    assert all(count <= 1 + lost[key] for key, count in written.items())
    assert {key for key, count in written.items() if count < 1 + lost[key]} <= refused
    assert lost.total() > 0
    assert overlapping(carried_out) == []


class Try(Struct):
    """One request as its sender saw it; status 0 without an answer."""

    key: Key
    status: int


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[Try]:
    """Every write of the test, in the order that they were sent."""
    made: list[Try] = []
    send = HttpTransport.send

    async def noted(
        self: HttpTransport, method: str, path: str, body: bytes | None = None
    ) -> Answer:
        if method == "GET":
            return await send(self, method, path)
        what = request_of(method, path, body, 0.0, 0.0)
        made.append(one := Try((what.entity, what.external_id), 0))
        answer = await send(self, method, path, body)
        one.status = answer.status
        return answer

    monkeypatch.setattr(HttpTransport, "send", noted)
    return made


def hasty_apply(desk: HubDesk) -> DeliveryOutcome:
    """`apply` by a clock that does not wait."""
    clock = HastyClock(silence=5.0)
    loaded = load_project(desk.folder)
    with loaded.open(loaded.only(None), clock, desk.environment) as organisation:
        organisation.refresh()
        plan = organisation.plan()

        def watch(progress: Progress, delivery: Delivery) -> None:
            clock.busy = lambda: delivery._pace.in_flight > 0

        return clock.run(organisation.apply(plan, "apply", watch))
