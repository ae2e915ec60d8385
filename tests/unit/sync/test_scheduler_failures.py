"""A delivery to an API that fails: retries, probes, and when the run stops."""

from __future__ import annotations

from itertools import pairwise

import pytest
from deliveries import JSON, Reply, Run, always, lane, once, operation, refusal

from headrace.client.answer import Answer
from headrace.client.retry import ATTEMPTS
from headrace.model.errors import NotTheApi, Refused, Unauthorised, Unreachable
from headrace.sync.operations.operation import Lane

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


@pytest.mark.parametrize("trouble", [refusal(500), HTML, BROKEN, UNSENT])
def test_a_failure_is_tried_again_after_one_and_two_seconds_while_others_go_on(
    trouble: Reply,
) -> None:
    run = Run(*customers(3, each=2), script=once("I1", trouble, trouble)).go()
    first, second, third = run.times("I1")
    assert 1.19 <= second - first <= 1.46
    assert 2.19 <= third - second <= 2.71
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
    assert run.progress.failed == [f"invoice I1 failed {ATTEMPTS} times: the connection broke"]


def test_a_record_that_alone_fails_for_ever_is_given_up_and_the_rest_goes() -> None:
    run = Run(*customers(3, each=2), script=always("I1", refusal(500, "bad luck"))).go()
    assert len(run.times("I1")) == ATTEMPTS
    assert run.progress.failed == [f"invoice I1 failed {ATTEMPTS} times: status 500: bad luck"]
    assert (run.progress.done, run.progress.held) == (5, 1)
    assert run.journal.of("note_failing") == [(("invoice", "I1"), "status 500: bad luck")]
    assert run.delivery.stopped is None


def test_patience_ends_before_all_attempts_are_made() -> None:
    run = Run(*customers(2), script=always("I1", refusal(500)), patience=5.0).go()
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
        assert seconds - 0.01 <= wait - 0.2 <= seconds * 1.25 + 0.01
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


def test_a_contact_and_a_deletion_are_acknowledged_by_their_own_name_too() -> None:
    other = Answer(200, JSON, b'{"externalId": "X"}')
    body = b'{"externalId":"K1"}'
    contact = operation(1, "C1/K1", entity="contact", body=body, payload=body)
    gone = operation(1, "I1", action="delete", body=None, payload=None)
    for one, name in ((contact, "K1"), (gone, "I1")):
        run = Run(lane(one), script=once(name, other)).go()
        assert isinstance(run.delivery.stopped, NotTheApi)
        assert run.progress.done == 0


def test_a_record_that_something_in_between_always_blocks_is_given_up_with_what_it_said() -> None:
    run = Run(*customers(2, each=2), script=always("I2", BLOCKED)).go()
    assert run.progress.failed == [
        f"invoice I2 failed {ATTEMPTS} times: status 403, text/html, '<html>'"
    ]


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
    assert run.progress.failed == [f"invoice I3 failed {ATTEMPTS} times: status 403: not this one"]


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
