"""A whole delivery to an API that a script speaks for, in virtual time."""

from __future__ import annotations

import math
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from deliveries import Run, always, lane, once, operation, refusal

from headrace.client.answer import Answer
from headrace.model.errors import Unreachable
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
