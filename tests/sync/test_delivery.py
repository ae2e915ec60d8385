"""What a delivery does with answers that are not a plain yes, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from desk import most_in_a_window
from fake_api import BROKEN, Arrival, Bench, FakeApi, Reply, Script, SharedBook, refusal
from shop import Shop

from headrace.client.answer import Answer
from headrace.model.errors import NotTheApi, Refused, Unauthorised, Unreachable
from virtual_time import VirtualClock

LATENCY = 0.2
HTML = Answer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>Welcome</html>")


def _shop(folder: Path, more: str = "") -> Shop:
    """Ten customers with two invoices each, and a payment of the first one."""
    made = Shop(folder, rate=600, more=more)
    for n in range(10):
        made.customer(f"C{n}")
        made.invoice(f"I{n}", f"C{n}", 1000)
        made.invoice(f"J{n}", f"C{n}", 500)
        made.payment(f"P{n}", f"C{n}", 1000, {f"I{n}": 1000})
    return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBook]:
    folder = tmp_path_factory.mktemp("delivery")
    _shop(folder).close()
    with closing(SharedBook(folder)) as book:
        yield book


@pytest.fixture
def bench(shared: SharedBook, tmp_path: Path) -> Iterator[Bench]:
    with closing(shared.bench(tmp_path / "shop")) as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """For tests that change the source, at `own_bench`."""
    with closing(_shop(tmp_path, getattr(request, "param", ""))) as made:
        yield made


@pytest.fixture
def own_bench(shop: Shop) -> Iterator[Bench]:
    with closing(Bench(shop.folder, VirtualClock())) as opened:
        yield opened


def api_of(bench: Bench, script: Script | None = None) -> FakeApi:
    return FakeApi(bench.clock, LATENCY, script=script)


def replies(external_id: str, *answers: Reply) -> Script:
    """Answers the record's first requests so, and takes all the rest."""
    left = list(answers)

    def script(arrival: Arrival) -> Reply | None:
        return left.pop(0) if arrival.external_id == external_id and left else None

    return script


@pytest.mark.parametrize(
    "trouble", [refusal(500), refusal(502), refusal(503), refusal(504), BROKEN]
)
def test_a_failure_is_tried_again_after_one_and_two_seconds_while_others_go_on(
    bench: Bench, trouble: Reply
) -> None:
    api = api_of(bench, replies("I0", trouble, trouble))
    progress, delivery = bench.deliver(api, bench.plan())
    assert (progress.done, progress.retries, delivery.stopped) == (40, 2, None)
    first, second, third = [a for a in api.arrivals if a.external_id == "I0"]
    assert 1.0 <= second.at - first.answered <= 1.25 + 1.5 * LATENCY
    assert 2.0 <= third.at - second.answered <= 2.5 + 1.5 * LATENCY
    between = [a for a in api.arrivals if first.answered < a.at < third.at]
    assert len({arrival.customer for arrival in between}) > 5
    assert all(a.customer != "C0" for a in between if a.external_id != "I0")


def test_retries_take_slots_of_the_window(own_bench: Bench, shop: Shop) -> None:
    bench = own_bench
    for n in range(600):
        shop.customer(f"more {n}")
    odd = {f"more {n}" for n in range(0, 600, 3)}
    tried: set[str] = set()

    def script(arrival: Arrival) -> Reply | None:
        if arrival.external_id in odd - tried:
            tried.add(arrival.external_id)
            return refusal(503)
        return None

    api = api_of(bench, script)
    progress, _ = bench.deliver(api, bench.plan())
    assert (progress.done, progress.retries) == (640, 200)
    assert len(api.arrivals) == 840
    assert api.statuses == {200, 503}
    assert most_in_a_window((arrival.at for arrival in api.arrivals), 60.0) == 600


def test_a_record_that_alone_fails_for_ever_is_given_up_and_named(bench: Bench) -> None:
    api = api_of(bench, lambda a: refusal(500, "oops") if a.external_id == "I0" else None)
    progress, delivery = bench.deliver(api, bench.plan())
    assert delivery.stopped is None
    assert len(api.times_of("I0")) == 6
    # Its payment is not sent, its neighbour is.
    assert (progress.done, progress.held) == (38, 2)
    assert api.times_of("P0") == []
    assert progress.failed == ["invoice I0 failed 6 times: status 500: oops"]
    api = api_of(bench)
    progress, _ = bench.deliver(api, bench.plan())
    assert sorted(arrival.external_id for arrival in api.arrivals) == ["I0", "P0"]


def test_an_api_that_is_down_is_asked_seldom_and_then_the_run_stops(bench: Bench) -> None:
    api = api_of(bench, lambda a: refusal(500, "oops"))
    progress, delivery = bench.deliver(api, bench.plan(), patience=60)
    assert isinstance(delivery.stopped, Unreachable)
    assert "oops" in str(delivery.stopped)
    assert 59 <= progress.elapsed <= 62
    # Once for what was under way, then one question that no record can spoil, ever less often.
    assert len([a for a in api.arrivals if a.method != "GET"]) <= 10
    assert len(api.arrivals) <= 10 + 8
    assert progress.left == 40


def test_an_api_that_comes_back_is_gone_on_with(bench: Bench) -> None:
    start = bench.clock.seconds
    api = api_of(bench, lambda a: BROKEN if 1 < bench.clock.seconds - start < 50 else None)
    progress, delivery = bench.deliver(api, bench.plan(), patience=60)
    assert (delivery.stopped, progress.done, progress.held) == (None, 40, 0)


def test_a_refusal_is_sent_once_and_holds_back_what_depends_on_it(bench: Bench) -> None:
    api = api_of(bench, lambda a: refusal(400, "no name") if a.external_id == "C0" else None)
    progress, _ = bench.deliver(api, bench.plan())
    assert len(api.times_of("C0")) == 1
    assert all(arrival.customer != "C0" for arrival in api.arrivals if arrival.entity != "customer")
    assert (progress.done, progress.rejected, progress.held) == (36, 1, 3)
    (reject,) = bench.organisation.journal.rejects()
    assert (reject.external_id, reject.status, reject.message) == ("C0", 400, "no name")
    # It stays back until its row changes, and so does what depends on it.
    plan = bench.plan()
    assert plan.empty
    assert {held.external_id for held in plan.held} == {"C0", "I0", "J0", "P0"}


def test_a_refused_record_goes_again_when_its_row_changed(own_bench: Bench, shop: Shop) -> None:
    bench = own_bench
    api = api_of(bench, lambda a: refusal(400) if a.external_id == "C0" else None)
    bench.deliver(api, bench.plan())
    shop.run("update customers set name = 'Better' where external_id = 'C0'")
    api = api_of(bench)
    bench.deliver(api, bench.plan())
    assert [a.external_id for a in api.arrivals] == ["C0", "J0", "I0", "P0"]
    assert bench.organisation.journal.rejects() == []


@pytest.mark.parametrize("shop", ["keep_payloads = false"], indirect=True)
def test_a_refusal_is_sent_once_more_when_what_it_refers_to_has_landed_since(
    own_bench: Bench, shop: Shop
) -> None:
    bench = own_bench
    shop.customer("child", "C0")
    shop.invoice("K", "child", 100)
    bench.deliver(api_of(bench), bench.plan())
    # The parent pays the child's invoice, which grows in the same run, in another lane.
    shop.run("update invoices set gross_amount = 900 where external_id = 'K'")
    shop.payment("early", "C0", 900, {"K": 900})
    shop.payment("further", "C0", 10)
    shop.payment("never", "C1", 10)

    def script(arrival: Arrival) -> Reply | None:
        too_early = arrival.external_id == "early" and not api.times_of("K")
        return refusal(400) if too_early or arrival.external_id == "never" else None

    api = api_of(bench, script)
    progress, _ = bench.deliver(api, bench.plan(), in_flight=1)
    assert [len(api.times_of(name)) for name in ("early", "K", "never")] == [2, 1, 1]
    assert api.arrivals[-1].external_id == "early"
    assert (progress.done, progress.rejected) == (3, 1)
    (reject,) = bench.organisation.journal.rejects()
    assert reject.external_id == "never"


def test_429_is_waited_out_and_is_no_error(bench: Bench) -> None:
    api = api_of(bench, replies("I0", refusal(429, "wait", **{"retry-after": "7"})))
    progress, delivery = bench.deliver(api, bench.plan())
    assert (progress.done, progress.retries, progress.throttled) == (40, 0, 1)
    assert delivery.stopped is None
    first, second = (arrival for arrival in api.arrivals if arrival.external_id == "I0")
    # Nothing at all starts before the seven seconds are over.
    assert not [
        a for a in api.arrivals if first.answered + 1.5 * LATENCY < a.at < first.answered + 7
    ]
    assert second.at >= first.answered + 7


def test_429_for_ever_stops_the_run(bench: Bench) -> None:
    api = api_of(bench, lambda a: refusal(429, "wait", **{"retry-after": "30"}))
    progress, delivery = bench.deliver(api, bench.plan())
    assert isinstance(delivery.stopped, Unreachable) and "429" in str(delivery.stopped)
    assert 200 < progress.elapsed < 330
    assert progress.left == 40


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal(401, "bad key"), Unauthorised, "bad key"),
        (refusal(403, "revoked"), Unauthorised, "revoked"),
        (HTML, NotTheApi, "text/html, '<html>Welcome</html>'"),
        (refusal(404, "no such path"), Refused, "no such path"),
        (Answer(302, {"location": "/login", "content-type": "text/html"}, b""), NotTheApi, "302"),
    ],
)
def test_what_no_record_can_mend_stops_at_once_and_keeps_everything_planned(
    bench: Bench, answer: Answer, error: type[Exception], words: str
) -> None:
    api = api_of(bench, lambda arrival: answer)
    progress, delivery = bench.deliver(api, bench.plan())
    assert isinstance(delivery.stopped, error) and words in str(delivery.stopped)
    # Some go on while it is asked whether a 403 means the key.
    assert len(api.arrivals) <= 10
    assert (progress.done, progress.rejected, progress.left) == (0, 0, 40)
    assert bench.organisation.journal.rejects() == []
    assert bench.plan().requests == 40


def test_interrupting_finishes_what_is_in_flight_and_keeps_the_rest(bench: Bench) -> None:
    bench.interrupt_at = 12
    api = api_of(bench)
    progress, delivery = bench.deliver(api, bench.plan())
    assert delivery.interrupted
    assert 12 <= progress.done == len(api.arrivals) <= 17
    bench.interrupt_at = None
    bench.deliver(api, bench.plan())
    assert len(api.arrivals) == len({a.external_id for a in api.arrivals}) == 40


def test_a_crash_between_answer_and_journal_costs_one_more_request_and_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_of(bench)
    journal = bench.organisation.journal
    acknowledge: Callable[..., None] = journal.acknowledge
    calls = 0

    def failing(records: list[object]) -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise OSError("disk full")
        acknowledge(records)

    monkeypatch.setattr(journal, "acknowledge", failing)
    with pytest.raises(OSError, match="disk full"):
        bench.deliver(api, bench.plan())
    monkeypatch.undo()
    before = len(api.arrivals)
    assert before < 30
    bench.deliver(api, bench.plan())
    assert len(api.arrivals) == 41
