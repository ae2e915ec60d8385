"""Records that always fail among healthy ones: the others arrive, they are named, and they heal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from desk import execute
from fake_api import BROKEN, STALLED, Arrival, Bench, FakeApi, Reply, Script, SharedBook, refusal
from shop import Shop

from headrace.client.answer import Answer
from headrace.client.retry import ATTEMPTS
from headrace.model.errors import ApiError, NotTheApi, Unauthorised, Unreachable
from virtual_time import VirtualClock

_HTML = {"content-type": "text/html"}
POISONS: dict[str, Reply] = {
    "500": refusal(500, "oops"),
    "529": Answer(529, _HTML, b"<html>overloaded</html>"),
    "408": Answer(408, {}, b""),
    "413": Answer(413, _HTML, b"<html>too large</html>"),
    "403": Answer(403, _HTML, b"<html>blocked by our firewall</html>"),
    "403 in JSON": refusal(403, "this record is barred"),
    "403, empty": Answer(403, {}, b""),
    "409": refusal(409, "locked"),
    "time-out": STALLED,
    "reset": BROKEN,
}
CUSTOMERS = 30
ENTITIES = {"C": "customer", "I": "invoice", "J": "invoice", "P": "payment"}


class Sick:
    """Which records fail, each in its own way."""

    def __init__(self, random: Random, names: list[str], count: int) -> None:
        self.poisons = {
            name: random.choice(sorted(POISONS)) for name in random.sample(names, count)
        }

    def reply(self, arrival: Arrival) -> Reply | None:
        kind = self.poisons.get(arrival.external_id)
        return POISONS[kind] if kind else None

    def holds(self, name: str) -> bool:
        """Whether the record can't arrive: it fails, or is nothing without one that does."""
        number = name[1:]
        return name in self.poisons or f"C{number}" in self.poisons


def _fill(folder: Path, customers: Iterable[int] = range(CUSTOMERS)) -> None:
    shop = Shop(folder, rate=600)
    for n in customers:
        shop.customer(f"C{n}")
        shop.invoice(f"I{n}", f"C{n}", 1000)
        shop.invoice(f"J{n}", f"C{n}", 500)
        shop.payment(f"P{n}", f"C{n}", 1000, {f"I{n}": 1000})
    shop.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBook]:
    folder = tmp_path_factory.mktemp("poison")
    _fill(folder)
    with closing(SharedBook(folder)) as book:
        yield book


@pytest.fixture
def bench(shared: SharedBook, tmp_path: Path) -> Iterator[Bench]:
    with closing(shared.bench(tmp_path / "shop")) as opened:
        yield opened


@pytest.fixture
def small_bench(tmp_path: Path) -> Iterator[Bench]:
    """Of one customer, and for tests that change the source."""
    _fill(tmp_path, [3])
    with closing(Bench(tmp_path, VirtualClock())) as opened:
        yield opened


NAMES = [f"{letter}{n}" for n in range(CUSTOMERS) for letter in "CIJP"]


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 1), (2, 4), (3, 5), (4, 6), (5, 12), (6, 25), (7, 60)]
    + [pytest.param(n, 1 + n % 70, marks=pytest.mark.soak) for n in range(8, 208)],
)
def test_whatever_does_not_depend_on_a_failing_record_arrives_in_one_run(
    bench: Bench, seed: int, count: int
) -> None:
    sick = Sick(Random(seed), NAMES, count)
    api = FakeApi(bench.clock, 0.2, seed=seed, script=sick.reply)
    progress, delivery = bench.deliver(api, bench.plan())
    assert delivery.stopped is None
    journal = bench.organisation.journal
    acknowledged = {key[1] for key in journal.acknowledged([(ENTITIES[n[0]], n) for n in NAMES])}
    # A payment waits for its invoice while that fails: the next run may bring both.
    independent = {
        name
        for name in NAMES
        if not sick.holds(name) and not (name[0] == "P" and f"I{name[1:]}" in sick.poisons)
    }
    assert acknowledged >= independent, sorted(independent - acknowledged)
    named = " ".join(progress.failed) + " ".join(r.external_id for r in journal.rejects())
    reached = {arrival.external_id for arrival in api.arrivals} & sick.poisons.keys()
    assert all(name in named for name in reached)
    writes = [arrival for arrival in api.arrivals if arrival.method != "GET"]
    extra = len(writes) - len({arrival.external_id for arrival in writes})
    assert extra <= len(sick.poisons) * ATTEMPTS
    assert len(api.arrivals) - len(writes) <= 2 * len(sick.poisons) + 2
    # The poison is gone.
    journal.clear_rejects()
    progress, delivery = bench.deliver(FakeApi(bench.clock, 0.2), bench.plan())
    assert delivery.stopped is None and not progress.failed
    assert bench.plan().empty


def test_a_record_without_a_decision_in_five_runs_is_refused(bench: Bench) -> None:
    sick = Sick(Random(1), ["J3"], 1)
    sick.poisons = {"J3": "500"}
    for _ in range(4):
        bench.deliver(FakeApi(bench.clock, 0.2, script=sick.reply), bench.plan())
        assert bench.organisation.journal.rejects() == []
    bench.deliver(FakeApi(bench.clock, 0.2, script=sick.reply), bench.plan())
    (reject,) = bench.organisation.journal.rejects()
    assert reject.external_id == "J3"
    assert reject.message == "no decision in 5 runs: status 500: oops"
    assert bench.plan().empty


def test_an_api_that_takes_no_record_is_down_though_it_answers_reads(bench: Bench) -> None:
    def script(arrival: Arrival) -> Reply | None:
        return refusal(503, "read only") if arrival.method != "GET" else None

    api = FakeApi(bench.clock, 0.2, script=script)
    _, delivery = bench.deliver(api, bench.plan())
    assert isinstance(delivery.stopped, Unreachable) and "read only" in str(delivery.stopped)
    assert bench.organisation.journal.rejects() == []
    assert len(api.arrivals) < 400


def _ends(bench: Bench, script: Script, limit: int = 600) -> tuple[ApiError | None, list[Arrival]]:
    api = FakeApi(bench.clock, 0.2, script=script, limit=limit)
    _, delivery = bench.deliver(api, bench.plan())
    return delivery.stopped, api.arrivals


BARRED = refusal(403, "your key may not do this")


@pytest.mark.parametrize("one", [True, False], ids=["one customer", "many"])
def test_a_key_that_may_not_write_ends_the_run_before_any_record_is_blamed(
    request: pytest.FixtureRequest, one: bool
) -> None:
    bench: Bench = request.getfixturevalue("small_bench" if one else "bench")
    stopped, arrivals = _ends(bench, lambda arrival: BARRED if arrival.method != "GET" else None)
    assert isinstance(stopped, Unauthorised)
    assert str(stopped) == "status 403: your key may not do this; it may read, but not write"
    assert len(arrivals) <= (3 if one else 25)
    assert not bench.organisation.journal.rejects()
    assert not bench.organisation.journal.asked()


def test_a_key_that_may_only_delete_ends_the_run_as_well(bench: Bench) -> None:
    stopped, arrivals = _ends(bench, lambda arrival: BARRED if arrival.method == "POST" else None)
    assert isinstance(stopped, Unauthorised) and len(arrivals) < 400
    assert not bench.organisation.journal.rejects()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("taken", [0, 20])
def test_a_key_that_is_revoked_ends_the_run_at_once(bench: Bench, status: int, taken: int) -> None:
    came: list[str] = []

    def script(arrival: Arrival) -> Reply | None:
        came.append(arrival.method)
        return refusal(status, "revoked") if len(came) > taken else None

    stopped, arrivals = _ends(bench, script)
    assert isinstance(stopped, Unauthorised) and str(stopped) == f"status {status}: revoked"
    assert len(arrivals) <= taken + 25
    assert sum(arrival.method == "GET" for arrival in arrivals) <= 2


def test_a_key_that_may_no_longer_write_ends_the_run(bench: Bench) -> None:
    came: list[str] = []

    def script(arrival: Arrival) -> Reply | None:
        came.append(arrival.method)
        return BARRED if len(came) > 20 and arrival.method != "GET" else None

    stopped, arrivals = _ends(bench, script)
    assert isinstance(stopped, Unauthorised) and "may read, but not write" in str(stopped)
    assert len(arrivals) <= 80


def test_one_record_that_is_barred_is_no_matter_of_the_key_though_nothing_else_is_sent(
    small_bench: Bench,
) -> None:
    bench = small_bench
    bench.deliver(FakeApi(bench.clock, 0.2), bench.plan())
    execute(bench.folder / "shop.db", "update invoices set name = 'x' where external_id = 'J3'")

    def script(arrival: Arrival) -> Reply | None:
        return BARRED if arrival.external_id == "J3" else None

    for _ in range(5):
        stopped, arrivals = _ends(bench, script)
        assert stopped is None and len(arrivals) <= ATTEMPTS + 6
    (reject,) = bench.organisation.journal.rejects()
    assert reject.external_id == "J3"
    assert reject.message == "no decision in 5 runs: status 403: your key may not do this"


@pytest.mark.parametrize("one", [True, False], ids=["one customer", "many"])
def test_a_page_of_somebody_else_s_that_comes_first_ends_the_run_at_once(
    request: pytest.FixtureRequest, one: bool
) -> None:
    bench: Bench = request.getfixturevalue("small_bench" if one else "bench")
    stopped, arrivals = _ends(bench, lambda arrival: POISONS["403"])
    assert isinstance(stopped, NotTheApi) and "blocked by our firewall" in str(stopped)
    # Of one customer nothing else is on its way; of many, what the look takes.
    assert len(arrivals) <= (2 if one else 25)


def test_a_firewall_s_page_for_one_record_among_others_costs_one_look(bench: Bench) -> None:
    def script(arrival: Arrival) -> Reply | None:
        return POISONS["403"] if arrival.external_id == "J3" else None

    stopped, arrivals = _ends(bench, script)
    assert stopped is None
    assert sum(arrival.external_id == "J3" for arrival in arrivals) == ATTEMPTS
    assert sum(arrival.method == "GET" for arrival in arrivals) == 1
