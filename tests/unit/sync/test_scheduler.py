"""A whole delivery to an API that a script speaks for, in virtual time."""

from __future__ import annotations

import math
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from deliveries import JSON, Reply, Run, always, lane, once, operation, refusal

from headrace.client.answer import Answer
from headrace.model.errors import NotTheApi, Refused, Unauthorised, Unreachable
from headrace.sync.operations.operation import Lane
from headrace.sync.operations.pdf_digests import NoPdf

BROKEN = Unreachable("the connection broke")
UNSENT = Unreachable("no connection", left=False)
HTML = Answer(502, {"content-type": "text/html"}, b"<html>")
BLOCKED = Answer(403, {"content-type": "text/html"}, b"<html>")


def customers(count: int, each: int = 1, phase: int = 1, first: int = 1) -> list[Lane]:
    """So many customers' lanes of so many operations."""
    return [
        lane(
            *(operation(n, customer=f"C{start}") for n in range(start, start + each)),
            phase=phase,
        )
        for start in range(first, first + count * each, each)
    ]


def rejected(run: Run) -> list[tuple[str, int, str]]:
    return [
        (reject.external_id, reject.status, reject.message)
        for reject, _ in run.journal.of("reject")
    ]


def test_everything_is_sent_once_and_acknowledged() -> None:
    run = Run(*customers(4, each=3)).go()
    assert sorted(run.names) == sorted(f"I{n}" for n in range(1, 13))
    assert run.progress.done == 12
    assert run.delivery.stopped is None
    assert not run.delivery.interrupted and not run.delivery.sliced
    written = [one.external_id for (one,) in run.journal.of("acknowledge")]
    assert sorted(written) == sorted(run.names)
    assert run.progress.latency == pytest.approx(0.2, abs=0.01)
    assert run.journal.calls[-1] == ("flush",)


def test_an_empty_plan_sends_nothing() -> None:
    assert Run().go().sent == []


def test_of_a_customer_one_request_is_in_flight_and_of_all_as_many_as_allowed() -> None:
    run = Run(*customers(1, each=4)).go()
    assert run.most == 1
    assert run.names == ["I1", "I2", "I3", "I4"]
    assert Run(*customers(9)).go().most == 3


def test_every_question_is_in_the_journal_before_it_is_sent() -> None:
    run = Run(*customers(2)).go()
    names = [call[0] for call in run.journal.calls]
    for place, call in enumerate(run.journal.calls):
        if call[0] == "ask":
            assert "flush" in names[place:]
    assert names.index("ask") < names.index("acknowledge")


def test_the_settled_past_follows_the_open_items_whose_end_is_noted() -> None:
    run = Run(*customers(3), *customers(2, phase=2, first=4)).go()
    assert set(run.names[:3]) == {"I1", "I2", "I3"}
    assert run.progress.open_complete_after == pytest.approx(0.2, abs=0.02)
    assert min(run.times("I4"), run.times("I5")) >= [0.2]


def test_a_lane_that_waits_for_another_holds_no_slot() -> None:
    waiting = lane(operation(1, customer="A", waits_for=(4,)))
    run = Run(waiting, *customers(3, first=2), in_flight=1).go()
    assert run.names == ["I2", "I3", "I4", "I1"]


def test_a_limit_of_requests_a_minute_is_kept() -> None:
    run = Run(*customers(5), limit=2).go()
    assert [math.floor(at / 60) for at, _, _ in run.sent] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("trouble", [refusal(500), HTML, BROKEN, UNSENT])
def test_a_failure_is_tried_again_after_one_and_two_seconds_while_others_go_on(
    trouble: Reply,
) -> None:
    run = Run(*customers(3, each=2), script=once("I1", trouble, trouble)).go()
    first, second, third = run.times("I1")
    assert 1.2 <= second - first <= 1.5
    assert 2.2 <= third - second <= 2.8
    assert max(run.times("I4") + run.times("I6")) < 1
    assert run.times("I2")[0] > third
    assert (run.progress.retries, run.progress.done) == (2, 6)


def test_a_request_that_may_have_arrived_is_not_decided() -> None:
    decided = {}
    for name, reply in (
        ("broken", BROKEN),
        ("unsent", UNSENT),
        ("500", refusal(500)),
        ("409", refusal(409)),
        ("429", refusal(429, **{"retry-after": "1"})),
    ):
        run = Run(*customers(1), script=once("I1", reply)).go()
        decided[name] = run.journal.of("decided")
        assert len(run.journal.of("answered")) == 1
    sure = [("invoice", "I1")]
    assert decided == {"broken": [], "500": [], "unsent": sure, "409": sure, "429": sure}


def test_a_request_that_may_have_arrived_once_stays_undecided() -> None:
    for first, then in ((BROKEN, UNSENT), (refusal(500), refusal(409))):
        run = Run(*customers(1), script=once("I1", first, then)).go()
        assert run.progress.done == 1
        assert run.journal.of("decided") == []


def test_the_next_try_is_announced() -> None:
    for trouble, said in ((BROKEN, "the connection broke"), (refusal(500, "oh"), "status 500: oh")):
        run = Run(*customers(1), script=once("I1", trouble))
        notes: list[str] = []
        run.go((0.5, lambda run=run, notes=notes: notes.append(run.progress.note)))  # type: ignore[misc]
        assert notes == [f"{said}; next try in 1 s"]


def test_a_record_whose_connection_always_breaks_is_given_up_with_that_reason() -> None:
    run = Run(*customers(2, each=2), script=always("I1", BROKEN)).go()
    assert run.progress.failed == ["invoice I1 failed 6 times: the connection broke"]


def test_a_record_that_alone_fails_for_ever_is_given_up_and_the_rest_goes() -> None:
    run = Run(*customers(3, each=2), script=always("I1", refusal(500, "bad luck"))).go()
    assert len(run.times("I1")) == 6
    assert run.progress.failed == ["invoice I1 failed 6 times: status 500: bad luck"]
    assert (run.progress.done, run.progress.held) == (5, 1)
    assert run.journal.of("note_failing") == [(("invoice", "I1"), "status 500: bad luck")]
    assert run.delivery.stopped is None


def test_patience_ends_before_all_attempts_are_made() -> None:
    run = Run(*customers(2), script=always("I1", refusal(500)), patience=4.0).go()
    assert len(run.times("I1")) == 4
    assert run.progress.held == 1


def test_what_waits_for_a_record_that_was_given_up_is_set_aside() -> None:
    waiting = lane(operation(1, customer="A", waits_for=(2,)))
    run = Run(waiting, *customers(2, first=2), script=always("I2", refusal(500))).go()
    assert run.times("I1") == []
    assert (run.progress.done, run.progress.held) == (1, 2)


def test_failures_in_all_lanes_ask_whether_the_api_is_up() -> None:
    def down(method: str, name: str, before: int) -> Reply:
        return BROKEN if run.clock.seconds - run.began < 10 else None

    run = Run(*customers(5), script=down)
    run.go()
    probes = run.times("probe")
    assert probes and probes[0] < 0.5
    assert all(at < 0.3 or at > 10 for at, _, name in run.sent if name != "probe")
    assert run.progress.done == 5
    assert run.progress.note == ""


def test_an_api_that_is_down_is_asked_seldom_and_then_the_run_stops() -> None:
    run = Run(*customers(5), script=lambda *_: BROKEN).go()
    assert isinstance(run.delivery.stopped, Unreachable)
    assert str(run.delivery.stopped) == "the connection broke"
    probes = run.times("probe")
    assert 5 <= len(probes) <= 8
    assert 55 <= probes[-1] <= 62
    waits = [later - sooner for sooner, later in pairwise(probes)]
    for wait, seconds in zip(waits[:-1], (1, 2, 4, 8, 16), strict=False):
        assert seconds <= wait - 0.2 <= seconds * 1.25
    assert run.progress.failed == []
    assert "next try in" in run.progress.note
    assert run.journal.of("reject") == []


def test_an_api_that_answers_reads_puts_the_fault_on_the_records() -> None:
    bad = {"I1", "I2", "I3"}
    run = Run(*customers(6), script=lambda _, name, __: refusal(500) if name in bad else None).go()
    assert run.times("probe")
    assert run.progress.done == 3
    assert len(run.progress.failed) == 3
    assert run.delivery.stopped is None


def test_where_no_record_was_ever_decided_on_the_last_failure_stops_the_run() -> None:
    def reads_only(method: str, name: str, before: int) -> Reply:
        return None if name == "probe" else refusal(500, "out of order")

    run = Run(*customers(3), script=reads_only).go()
    assert isinstance(run.delivery.stopped, Unreachable)
    assert str(run.delivery.stopped) == "status 500: out of order"
    assert run.journal.of("note_failing") == []
    run = Run(*customers(2), script=reads_only).go()
    assert run.delivery.stopped is None
    assert len(run.journal.of("note_failing")) == 2


def test_a_refusal_is_recorded_and_the_lane_goes_on() -> None:
    run = Run(*customers(2, each=2), script=always("I1", refusal(422, "no such thing"))).go()
    assert rejected(run) == [("I1", 422, "no such thing")]
    assert (run.progress.done, run.progress.rejected) == (3, 1)
    assert len(run.times("I1")) == 1


def test_a_refusal_goes_again_when_what_it_refers_to_has_landed_since() -> None:
    links = operation(1, "P1", entity="payment", customer="A", refers_to=(("invoice", "I2"),))
    run = Run(
        lane(links),
        lane(operation(2, customer="B", rebinds=True)),
        in_flight=1,
        script=once("P1", refusal(400)),
    ).go()
    assert run.names == ["P1", "I2", "P1"]
    assert (run.progress.done, run.progress.rejected) == (2, 0)


def test_what_is_in_flight_when_its_obstacle_lands_goes_again_too() -> None:
    links = operation(1, "P1", entity="payment", customer="A", refers_to=(("invoice", "I2"),))
    run = Run(
        lane(links),
        lane(operation(2, customer="B", rebinds=True)),
        in_flight=2,
        script=once("P1", refusal(400)),
    ).go()
    assert run.names == ["P1", "I2", "P1"]
    assert rejected(run) == []
    assert run.delivery._results.refusals._by_obstacle == {}


@pytest.mark.parametrize("status", [409, 423])
def test_what_is_unclear_is_tried_four_times_and_then_refused(status: int) -> None:
    run = Run(*customers(2), script=always("I1", refusal(status, "locked"))).go()
    assert len(run.times("I1")) == 4
    assert rejected(run) == [("I1", status, "locked")]
    assert run.delivery.stopped is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(401), Unauthorised),
        (Answer(200, JSON, b"[]"), NotTheApi),
        (Answer(302, JSON, b"{}"), NotTheApi),
        (NotTheApi("over 8,000,000 bytes"), NotTheApi),
    ],
)
def test_what_no_record_can_mend_stops_the_run_at_once(reply: Reply, kind: type[Exception]) -> None:
    run = Run(*customers(9), script=always("I1", reply)).go()
    assert isinstance(run.delivery.stopped, kind)
    assert len(run.sent) <= 6
    assert run.times("I1") == [0.0]
    assert rejected(run) == []


def test_an_acknowledgement_of_another_record_stops_the_run() -> None:
    other = Answer(200, JSON, b'{"externalId": "X"}')
    run = Run(*customers(2), script=once("I1", other)).go()
    assert isinstance(run.delivery.stopped, NotTheApi)


def test_an_unknown_path_before_anything_was_taken_is_not_the_records_fault() -> None:
    run = Run(*customers(9), script=lambda *_: refusal(404, "no route")).go()
    assert isinstance(run.delivery.stopped, Refused)
    assert rejected(run) == []
    run = Run(*customers(2), script=always("I1", refusal(404, "no route")))
    run.journal.acknowledged_before = 1
    run.go()
    assert run.delivery.stopped is None
    assert rejected(run) == [("I1", 404, "no route")]
    for status, stops in ((405, True), (400, False)):
        run = Run(*customers(1), script=lambda *_, s=status: refusal(s)).go()  # type: ignore[misc]
        assert (run.delivery.stopped is not None) == stops


def test_a_page_in_between_is_asked_about_before_the_first_decision() -> None:
    run = Run(*customers(2), script=once("I1", BLOCKED), in_flight=1).go()
    assert run.names[:2] == ["I1", "probe"]
    assert run.progress.done == 2
    run = Run(*customers(1), script=once("I1", BLOCKED)).go()
    assert run.names == ["I1", "probe", "I1"]
    run = Run(*customers(1, each=2), script=once("I2", BLOCKED)).go()
    assert run.names == ["I1", "I2", "I2"]


def test_a_proxy_that_blocks_everything_stops_the_run() -> None:
    run = Run(*customers(5), script=lambda *_: BLOCKED).go()
    assert isinstance(run.delivery.stopped, NotTheApi)
    assert run.names.count("probe") == 1


def test_a_key_that_may_not_write_stops_the_run_and_says_so() -> None:
    def read_only(method: str, name: str, before: int) -> Reply:
        return None if name == "probe" else refusal(403, "read only")

    run = Run(*customers(5), script=read_only).go()
    assert isinstance(run.delivery.stopped, Unauthorised)
    assert "may read, but not write" in str(run.delivery.stopped)
    assert rejected(run) == []


def test_one_record_that_is_forbidden_is_given_up_and_the_rest_goes() -> None:
    run = Run(*customers(3, each=2), script=always("I3", refusal(403, "not this one"))).go()
    assert run.delivery.stopped is None
    assert run.progress.done == 5
    # One probe at its first attempt, one when its attempts are spent; writing was seen to work.
    assert (run.names.count("probe"), run.names.count("nobody")) == (2, 0)
    assert run.progress.failed == ["invoice I3 failed 6 times: status 403: not this one"]


def test_a_first_record_that_is_forbidden_asks_whether_the_key_may_write() -> None:
    run = Run(*customers(1), script=once("I1", refusal(403))).go()
    assert run.names == ["I1", "probe", "nobody", "I1"]
    assert run.delivery.stopped is None


def test_an_api_that_is_down_is_not_asked_whether_the_key_may_write() -> None:
    def down(method: str, name: str, before: int) -> Reply:
        return None if before else BROKEN if name == "probe" else refusal(403)

    run = Run(*customers(1), script=down).go()
    assert run.names == ["I1", "probe", "probe", "I1"]


def test_a_key_that_is_revoked_meanwhile_stops_the_run() -> None:
    def revoked(method: str, name: str, before: int) -> Reply:
        return refusal(403, "revoked") if run.clock.seconds - run.began > 1 else None

    run = Run(*customers(2, each=9), script=revoked)
    run.go()
    assert isinstance(run.delivery.stopped, Unauthorised)
    assert str(run.delivery.stopped) == "status 403: revoked"


def test_429_is_waited_out_and_is_no_error() -> None:
    busy = refusal(429, **{"retry-after": "20"})
    run = Run(*customers(4), script=once("I1", busy), in_flight=1).go()
    assert run.times("I1") == pytest.approx([0, 20.2], abs=0.05)
    assert [at for at, _, _ in run.sent if 0.3 < at < 20] == []
    assert (run.progress.done, run.progress.throttled, run.progress.retries) == (4, 1, 0)
    assert run.progress.note == ""


def test_every_429_is_counted_and_a_date_is_waited_for() -> None:
    run = Run(*customers(1))
    later = format_datetime(run.clock.now() + timedelta(seconds=30))
    busy = refusal(429, **{"retry-after": later})
    run = Run(*customers(1), script=once("I1", busy, refusal(429, **{"retry-after": "2"}))).go()
    assert run.progress.throttled == 2
    assert run.times("I1") == pytest.approx([0, 30, 32.2], abs=1.2)


def test_a_pause_that_is_asked_for_is_told() -> None:
    busy = refusal(429, **{"retry-after": "20"})
    run = Run(*customers(1), script=once("I1", busy))
    notes: list[str] = []
    run.go((5, lambda: notes.append(run.progress.note)))
    assert notes == ["the API asked to wait 20 s (429)"]
    states = run.journal.of("note_state")
    assert any(state.note == notes[0] for state in states)


def test_five_minutes_of_429_and_nothing_else_stop_the_run() -> None:
    busy = refusal(429, **{"retry-after": "100"})
    run = Run(*customers(2), script=lambda *_: busy).go()
    assert str(run.delivery.stopped) == "status 429: it asks to wait 100 s more"
    assert run.times("I1") and run.sent[-1][0] <= 300
    long = refusal(429, **{"retry-after": "301"})
    assert str(Run(*customers(1), script=lambda *_: long).go().delivery.stopped) == (
        "status 429: it asks to wait 301 s more"
    )
    fair = refusal(429, **{"retry-after": "300"})
    assert Run(*customers(1), script=once("I1", fair)).go().delivery.stopped is None


def test_an_answer_between_two_429_begins_the_five_minutes_anew() -> None:
    busy = refusal(429, **{"retry-after": "200"})
    run = Run(*customers(1, each=3), script=lambda _, __, before: None if before else busy).go()
    assert run.delivery.stopped is None
    assert run.progress.done == 3


def test_interrupting_finishes_what_is_in_flight_and_keeps_the_rest() -> None:
    run = Run(*customers(2, each=9), latency=1.0)
    run.go((0.5, run.delivery.interrupt))
    assert run.delivery.interrupted
    assert run.names == ["I1", "I10"]
    assert run.progress.done == 2
    assert run.progress.left == 16


def test_interrupting_ends_the_pause_before_a_retry() -> None:
    run = Run(*customers(1), script=lambda *_: refusal(500))
    run.go((2, run.delivery.interrupt))
    assert run.clock.seconds - run.began < 3
    assert rejected(run) == []


def test_a_refusal_of_an_interrupted_run_stays_planned() -> None:
    links = operation(1, "P1", entity="payment", refers_to=(("invoice", "I9"),))
    run = Run(lane(links, operation(2), operation(3)), script=once("P1", refusal(400)))
    run.go((0.3, run.delivery.interrupt))
    assert rejected(run) == []
    assert run.progress.rejected == 0


def test_a_slice_ends_after_its_time() -> None:
    run = Run(*customers(1, each=20), latency=1.0)
    run.delivery.end_after(3.5)
    run.go()
    assert run.delivery.sliced
    assert run.progress.done == 4
    run = Run(*customers(1, each=3), latency=1.0)
    run.delivery.end_after(3.5)
    assert not run.go().delivery.sliced


def test_a_slice_ends_while_the_rate_is_used_up() -> None:
    run = Run(*customers(4), limit=2)
    run.delivery.end_after(20)
    run.go()
    assert run.delivery.sliced
    assert run.progress.done == 2
    assert run.clock.seconds - run.began == pytest.approx(20, abs=0.1)
    run = Run(*customers(3), limit=2)
    run.delivery.end_after(100)
    run.go()
    assert not run.delivery.sliced
    assert run.sent[-1][0] == pytest.approx(60.2, abs=0.1)


def test_a_slice_ends_while_the_api_is_down() -> None:
    run = Run(*customers(5), script=lambda *_: BROKEN)
    run.delivery.end_after(10)
    run.go()
    assert run.delivery.sliced
    assert run.delivery.stopped is None
    assert run.clock.seconds - run.began == pytest.approx(10, abs=1)


def test_a_deletion_that_finds_nothing_is_done() -> None:
    gone = operation(1, action="delete", payload=None, body=None, hash=None)
    run = Run(lane(gone), script=once("I1", refusal(404, "not found"))).go()
    assert run.sent[0][1] == "DELETE"
    assert run.progress.done == 1
    assert rejected(run) == []


def test_a_contact_is_acknowledged_by_its_own_id() -> None:
    one = operation(
        1, "C1/K1", entity="contact", body=b'{"externalId":"K1"}', payload=b'{"externalId":"K1"}'
    )
    run = Run(lane(one)).go()
    assert run.names == ["K1"]
    assert run.progress.done == 1


def pdf(number: int, name: str) -> Any:
    return operation(number, name, entity="invoice_pdf", body=None, payload=None, hash=None)


def test_a_pdf_is_uploaded_and_its_digest_recorded() -> None:
    run = Run(lane(pdf(1, "I1"))).go()
    assert run.bodies == [b"%PDF I1"]
    assert run.journal.of("acknowledge")[0][0].hash == b"digest"


def test_a_pdf_that_cannot_be_read_is_given_up_and_the_rest_goes() -> None:
    run = Run(lane(pdf(1, "I1"), operation(2)))
    run.loader.pdfs.trouble = NoPdf("it is not there")
    run.go()
    assert run.names == ["I2"]
    assert run.progress.failed == ["invoice_pdf I1 at it is not there"]
    assert (run.progress.held, run.progress.done) == (1, 1)
    assert run.journal.of("decided") == [("invoice_pdf", "I1")]


def test_a_release_counts_and_its_record_follows() -> None:
    release = operation(
        1, "P1", entity="payment", action="release", is_release=True, frees=(("invoice", "I1"),)
    )
    record = operation(2, "P1", entity="payment", action="update")
    run = Run(lane(release, record)).go()
    assert run.names == ["P1", "P1"]
    assert run.progress.done == 2
    actions = [one.action for (one,) in run.journal.of("acknowledge")]
    assert actions == ["update", "update"]


def test_a_defect_in_headrace_is_raised_after_what_is_in_flight() -> None:
    run = Run(*customers(3), script=always("I1", ZeroDivisionError("oh")))
    with pytest.raises(ZeroDivisionError):
        run.go()
    assert run.journal.calls[-1] == ("flush",)
    assert len(run.sent) <= 5


def test_progress_is_written_at_most_once_a_second() -> None:
    run = Run(*customers(1, each=50), latency=0.1).go()
    states = run.journal.of("note_state")
    assert 4 <= len(states) <= 7
    moments = [state.noted_at for state in states]
    assert all(b - a >= 0.99 for a, b in pairwise(moments))
