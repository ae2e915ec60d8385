"""What becomes of each operation: in its lane, in the journal, in the counters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deliveries import JSON, FakeJournal, FakeLoader, lane, operation, plan, refusal

from headrace.client.answer import Answer
from headrace.client.pace import Pace
from headrace.client.verdict import Verdict
from headrace.sync.delivery.absent import Absent
from headrace.sync.delivery.lanes import Lanes
from headrace.sync.delivery.outcome import DeliveryOutcome, outcome_of
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.recorder import Recorder
from headrace.sync.delivery.results import Results
from headrace.sync.journal import Acknowledgement, Asked, Drift, Reject
from headrace.sync.operations.operation import Lane, Operation
from virtual_time import VirtualClock


class Desk:
    """The results of a delivery of these lanes."""

    def __init__(self, *lanes: Lane) -> None:
        self.journal = FakeJournal()
        self.clock = VirtualClock()
        self.lanes = Lanes(FakeLoader(*lanes), 5)  # type: ignore[arg-type]
        self.progress = Progress(plan(9, 9), self.clock, Pace(600, 5, self.clock))
        self.results = Results(self.journal, self.lanes, self.progress)  # type: ignore[arg-type]
        self.lanes.refill()

    def take(self) -> tuple[Lane, Operation]:
        self.lanes.refill()
        found = self.results.take()
        assert found is not None
        return found

    def acknowledge(self) -> Operation:
        one, operation = self.take()
        self.results.acknowledged(one, operation, taken(operation))
        return operation

    def reject(self, answer: Answer | None = None) -> Operation:
        one, operation = self.take()
        self.results.rejected(one, operation, answer or refusal(400, "no"))
        return operation

    def next(self) -> int | None:
        self.lanes.refill()
        found = self.results.take()
        return None if found is None else found[1].number

    @property
    def counts(self) -> tuple[int, int, int]:
        """(done, rejected, held)."""
        return self.progress.done, self.progress.rejected, self.progress.held


def taken(operation: Operation) -> Answer:
    return Answer(200, JSON, operation.body or b"{}")


def customer(number: int, name: str, **more: Any) -> Operation:
    return operation(number, name, entity="customer", customer=name, **more)


def invoice(number: int, name: str, owner: str, **more: Any) -> Operation:
    return operation(number, name, customer=owner, refers_to=(("customer", owner),), **more)


def payment(number: int, name: str, *invoices: str, **more: Any) -> Operation:
    links = [
        {"amountLinked": 1, "invoice": {"externalId": invoice_name}} for invoice_name in invoices
    ]
    payload = msgspec.json.encode({"externalId": name, "linkedInvoices": links})
    fields: dict[str, Any] = {
        "entity": "payment",
        "payload": payload,
        "body": payload,
        "refers_to": tuple(("invoice", one) for one in invoices),
    }
    return operation(number, name, **(fields | more))


def test_an_acknowledgement_is_recorded_and_the_lane_goes_on() -> None:
    desk = Desk(lane(operation(1), operation(2)))
    first = desk.acknowledge()
    (written,) = desk.journal.of("acknowledge")
    assert written == [Acknowledgement("invoice", "I1", "C1", 1, b"h", first.payload, "create", "")]
    assert desk.counts == (1, 0, 0)
    assert desk.progress.open_done == 1
    assert desk.progress.drifted == 0
    assert desk.next() == 2


def test_what_belongs_to_the_past_is_no_open_item() -> None:
    desk = Desk(lane(operation(1), phase=2))
    desk.acknowledge()
    assert (desk.progress.done, desk.progress.open_done) == (1, 0)


def test_a_response_that_differs_is_counted() -> None:
    desk = Desk(lane(operation(1, body=b'{"externalId":"I1","name":"a"}')))
    one, first = desk.take()
    desk.results.acknowledged(one, first, Answer(200, JSON, b'{"externalId":"I1","name":"b"}'))
    assert desk.progress.drifted == 1
    assert desk.progress.done == 1


def test_a_refusal_that_nothing_can_change_is_final_at_once() -> None:
    desk = Desk(lane(operation(1), operation(2)))
    desk.reject(refusal(422, "no such thing"))
    ((reject, action),) = desk.journal.of("reject")
    assert (reject.key, reject.fingerprint, reject.status) == (("invoice", "I1"), 1, 422)
    assert (reject.message, action) == ("no such thing", "create")
    assert reject.payload == b'{"externalId":"I1"}'
    assert desk.counts == (0, 1, 0)
    assert desk.journal.of("decided") == [("invoice", "I1")]
    assert desk.next() == 2
    assert not desk.results.send_again()


def test_what_refers_to_a_refused_new_record_is_set_aside() -> None:
    desk = Desk(lane(customer(1, "C1"), invoice(2, "I2", "C1"), invoice(3, "I3", "C0")))
    desk.reject()
    assert desk.next() == 3
    assert desk.counts == (0, 1, 1)


def test_what_refers_to_a_refused_update_goes_all_the_same() -> None:
    desk = Desk(lane(customer(1, "C1", action="update"), invoice(2, "I2", "C1")))
    desk.reject()
    assert desk.next() == 2


def test_what_is_set_aside_holds_back_what_refers_to_it_in_turn() -> None:
    desk = Desk(
        lane(customer(1, "C1"), invoice(2, "I2", "C1"), payment(3, "P3", "I2"), operation(4))
    )
    desk.reject()
    assert desk.next() == 4
    assert desk.counts == (0, 1, 2)


def test_what_waits_for_an_operation_that_was_given_up_is_set_aside() -> None:
    waiting = operation(3, waits_for=(1,))
    desk = Desk(lane(operation(1, action="update"), operation(2), waiting, operation(4)))
    one, first = desk.take()
    first.attempts = 6
    desk.results.give_up(one, first, "status 500: no")
    assert desk.progress.failed == ["invoice I1 failed 6 times: status 500: no"]
    assert (desk.results.given_up, desk.progress.held) == (1, 1)
    desk.acknowledge()
    assert desk.next() == 4
    assert desk.progress.held == 2


def test_what_waits_for_a_refused_operation_goes() -> None:
    desk = Desk(lane(operation(1), operation(2, waits_for=(1,))))
    desk.reject()
    assert desk.next() == 2


def test_a_record_that_failed_in_five_runs_is_refused() -> None:
    desk = Desk(lane(operation(1), operation(2)))
    for _ in range(2):
        one, next_one = desk.take()
        desk.results.give_up(one, next_one, "status 500: no")
    desk.journal.failing = {("invoice", "I1"): 4, ("invoice", "I2"): 5}
    desk.results.conclude_failures()
    assert desk.journal.of("note_failing") == [
        (("invoice", "I1"), "status 500: no"),
        (("invoice", "I2"), "status 500: no"),
    ]
    ((reject, action),) = desk.journal.of("reject")
    assert reject == Reject(
        "invoice", "I2", 2, 0, "no decision in 5 runs: status 500: no", b'{"externalId":"I2"}'
    )
    assert action == "create"


def obstructed() -> Desk:
    """P1 is refused, I2 lands after it: what P1 settles may be there now."""
    desk = Desk(lane(payment(1, "P1", "I2"), operation(2, "I2", rebinds=True), customer(3, "C3")))
    first = desk.reject(refusal(400, "I2 is not open"))
    first.attempts, first.failing_since = 3, 7.0
    return desk


def test_a_refusal_goes_once_more_when_its_obstacle_has_landed() -> None:
    desk = obstructed()
    assert desk.journal.of("reject") == []
    assert desk.journal.of("answered") == [()]
    desk.acknowledge()
    desk.acknowledge()
    assert desk.counts == (2, 1, 0)
    assert desk.results.send_again()
    assert desk.counts == (2, 0, 0)
    _, again = desk.take()
    assert (again.number, again.attempts, again.failing_since) == (1, 0, None)


def test_a_refusal_whose_obstacle_stays_is_final_at_the_end() -> None:
    desk = obstructed()
    assert not desk.results.send_again()
    desk.results.conclude(ended_early=False)
    ((reject, _),) = desk.journal.of("reject")
    assert (reject.key, reject.message) == (("payment", "P1"), "I2 is not open")
    assert desk.progress.rejected == 1


def test_a_refusal_of_a_run_that_ended_early_stays_planned() -> None:
    desk = obstructed()
    desk.results.conclude(ended_early=True)
    assert desk.journal.of("reject") == []
    assert desk.progress.rejected == 0


def test_what_was_held_goes_again_with_what_it_lacked() -> None:
    desk = Desk(
        lane(
            payment(1, "P1", "I3"),
            operation(2, "R2", entity="refund", refers_to=(("payment", "P1"),)),
            operation(3, "I3", rebinds=True),
        )
    )
    desk.reject()
    desk.acknowledge()
    assert desk.counts == (1, 1, 1)
    assert desk.results.send_again()
    assert desk.counts == (1, 0, 0)
    assert desk.acknowledge().number == 1
    assert desk.acknowledge().number == 2


def test_a_settlement_goes_without_its_links_to_what_was_refused() -> None:
    desk = Desk(lane(operation(1, "I1"), payment(2, "P2", "I1", "I9"), operation(3)))
    desk.reject()
    assert desk.acknowledge().number == 3
    assert desk.counts == (1, 1, 1)
    assert desk.results.send_again()
    assert desk.counts == (1, 1, 0)
    _, again = desk.take()
    links = msgspec.json.decode(again.body or b"")["linkedInvoices"]
    assert [link["invoice"]["externalId"] for link in links] == ["I9"]
    assert again.fingerprint is None


def test_nothing_goes_again_where_nothing_was_refused() -> None:
    desk = Desk(lane(operation(1)))
    desk.acknowledge()
    assert not desk.results.send_again()


def release(number: int, name: str, **more: Any) -> Operation:
    return payment(number, name, "I1", action="release", is_release=True, **more)


def test_a_release_of_the_plan_counts_as_a_request_and_settles_its_waits() -> None:
    desk = Desk(lane(release(1, "P1")), lane(operation(2, customer="C2", waits_for=(1,))))
    one, first = desk.take()
    assert desk.next() is None
    desk.results.released(one, first, Verdict.DONE)
    assert (desk.progress.done, desk.progress.open_done) == (1, 1)
    (written,) = desk.journal.of("acknowledge")
    assert written[0].key if hasattr(written[0], "key") else written[0].external_id
    assert (written[0].fingerprint, written[0].action) == (None, "update")
    assert desk.next() == 2


def test_a_release_after_a_refusal_is_no_request_of_the_plan() -> None:
    again = release(1, "P1")
    again.action = "update"
    desk = Desk(lane(again), lane(operation(2, customer="C2", waits_for=(1,))))
    one, first = desk.take()
    desk.results.released(one, first, Verdict.DONE)
    assert (desk.progress.done, desk.progress.open_done) == (0, 0)
    assert desk.next() is None


def test_a_refused_release_is_left_to_the_record_that_follows() -> None:
    desk = Desk(lane(release(1, "P1"), payment(2, "P1", "I1")))
    one, first = desk.take()
    desk.results.released(one, first, Verdict.REJECTED)
    assert desk.journal.of("acknowledge") == []
    assert desk.journal.of("decided") == [("payment", "P1")]
    assert desk.journal.of("answered") == [()]
    assert desk.progress.done == 1
    assert desk.next() == 2


POSITIONED = msgspec.json.encode(
    {"externalId": "K", "email": "a@b.test", "position": "CFO", "firstName": "Ann"}
)


def contact(number: int, name: str) -> Operation:
    return operation(number, name, entity="contact", payload=POSITIONED, body=POSITIONED)


def test_a_refused_position_is_left_out_of_this_record_and_all_others() -> None:
    desk = Desk(lane(contact(1, "C1/K"), contact(2, "C1/L")))
    desk.reject(refusal(400, "position 'CFO' is unknown"))
    assert desk.journal.of("refuse_position") == [("CFO", "position 'CFO' is unknown")]
    assert desk.journal.of("answered") == [()]
    assert desk.counts == (0, 0, 0)
    one, again = desk.take()
    assert again.number == 1
    assert "position" not in msgspec.json.decode(again.body or b"")
    assert again.fingerprint is None
    desk.results.acknowledged(one, again, taken(again))
    _, other = desk.take()
    assert "position" not in msgspec.json.decode(other.payload or b"")


def test_a_position_is_noted_once() -> None:
    desk = Desk(lane(contact(1, "C1/K")), lane(contact(2, "C2/L")))
    desk.lanes._lanes_of["C2"] = desk.lanes._lanes_of.get("C2", [])
    for _ in range(2):
        one = lane(contact(7, "C7/K"))
        desk.lanes.add(one)
        desk.results.rejected(one, one.queue[0], refusal(400, "position 'CFO' is unknown"))
    assert len(desk.journal.of("refuse_position")) == 1


def test_another_complaint_about_a_contact_is_a_refusal() -> None:
    desk = Desk(lane(contact(1, "C1/K")))
    desk.reject(refusal(400, "the e-mail is taken"))
    assert desk.journal.of("refuse_position") == []
    assert desk.progress.rejected == 1


def test_a_settlement_that_did_not_go_is_sent_again_by_the_next_plan() -> None:
    for action, doubted in (("update", [[("payment", "P1")]]), ("create", [])):
        desk = Desk(lane(payment(1, "P1", action=action)))
        desk.reject()
        assert desk.journal.of("send_again") == doubted
    desk = Desk(lane(operation(1, action="update")))
    desk.reject()
    assert desk.journal.of("send_again") == []


# the journal ---------------------------------------------------------------------------------


def recorder() -> tuple[Recorder, FakeJournal]:
    journal = FakeJournal()
    return Recorder(journal), journal  # type: ignore[arg-type]


def test_a_question_is_recorded_before_it_is_asked() -> None:
    recorded, journal = recorder()
    recorded.ask(operation(1))
    recorded.ask(operation(2, action="update"))
    recorded.ask(operation(3, claims="id-3", is_unsure=True))
    assert journal.of("ask") == [
        Asked("invoice", "I1", "create", "C1", payload=b'{"externalId":"I1"}'),
        Asked("invoice", "I2", "update", "C1"),
        Asked("invoice", "I3", "create", "C1", claiming=True),
    ]


def test_a_question_that_may_have_been_heard_is_not_recorded_again() -> None:
    recorded, journal = recorder()
    recorded.ask(operation(1, is_unsure=True, attempts=1))
    assert journal.calls == []
    recorded.ask(operation(1, attempts=1))
    recorded.ask(operation(1, is_unsure=True))
    assert len(journal.of("ask")) == 2


def test_a_request_that_was_not_carried_out_is_decided_unless_an_earlier_one_may_have_been() -> (
    None
):
    recorded, journal = recorder()
    recorded.untaken(operation(1))
    recorded.untaken(operation(2, is_unsure=True))
    assert journal.of("decided") == [("invoice", "I1")]


def test_a_part_of_a_record_is_compared_again() -> None:
    recorded, journal = recorder()
    assert recorded.taken(operation(1, is_part=True), Answer(200, JSON, b"{}"))
    assert journal.of("acknowledge")[0][0].fingerprint is None


def test_the_ids_of_customers_are_kept_while_landmarks_are_missing() -> None:
    answer = Answer(200, JSON, b'{"externalId": "C1", "id": "u1"}')
    for lacks, entity, id in (
        (True, "customer", "u1"),
        (True, "invoice", ""),
        (False, "customer", ""),
    ):
        recorded, journal = recorder()
        journal.lacks_landmarks = lacks
        assert recorded.taken(operation(1, "C1", entity=entity), answer)
        assert journal.of("acknowledge")[0][0].id == id


def test_a_claimed_record_is_collected_no_longer() -> None:
    recorded, journal = recorder()
    recorded.taken(operation(1, entity="payment", claims="id-1"), Answer(200, JSON, b"{}"))
    assert journal.of("keep_collected") == [("payment", [], ["id-1"])]
    recorded, journal = recorder()
    recorded.taken(operation(1, entity="payment"), Answer(200, JSON, b"{}"))
    assert journal.of("keep_collected") == []


def test_a_response_that_differs_is_recorded_as_drift() -> None:
    recorded, journal = recorder()
    sent = operation(1, body=b'{"externalId":"I1","name":"a"}')
    assert not recorded.taken(sent, Answer(200, JSON, b'{"externalId":"I1","name":"b"}'))
    assert journal.of("mark_drifted") == [[Drift("invoice", "I1", [("name", "a", "b")])]]
    deleted = operation(2, action="delete", body=None)
    assert recorded.taken(deleted, Answer(204, {}, b""))


# what did not arrive -------------------------------------------------------------------------


def test_half_of_a_new_record_is_enough_to_refer_to() -> None:
    absent = Absent()
    half = payment(1, "P1", is_release=True)
    refund = operation(2, "R2", entity="refund", refers_to=(("payment", "P1"),))
    absent.add(half)
    assert absent.lacks(refund)
    absent.arrived(half)
    assert not absent.lacks(refund)
    absent.add(payment(1, "P1"))
    assert not absent.lacks(refund)


def test_late_links_wait_for_the_rest_of_their_record() -> None:
    absent = Absent()
    part, rest = payment(1, "P1", is_part=True), payment(2, "P1", follows=True)
    assert not absent.delays(rest)
    absent.add(part)
    assert absent.delays(rest)
    assert not absent.delays(payment(2, "P1"))
    absent.arrived(payment(3, "P1", is_release=True))
    assert absent.delays(rest)
    absent.arrived(part)
    assert not absent.delays(rest)


def test_what_goes_again_is_forgiven() -> None:
    absent = Absent()
    part, other = payment(1, "P1", is_part=True), operation(5)
    absent.add(part, failed=True)
    absent.add(other)
    waiting = operation(3, waits_for=(1,), refers_to=(("payment", "P1"), ("invoice", "I5")))
    absent.forgive([part])
    assert not absent.delays(waiting)
    assert not absent.delays(payment(2, "P1", follows=True))
    assert absent.missing == {("invoice", "I5")}
    assert absent.lacks(waiting)


# counters ------------------------------------------------------------------------------------


def measured(requests: int, open_requests: int = 0, **more: Any) -> tuple[VirtualClock, Progress]:
    clock = VirtualClock()
    return clock, Progress(plan(requests, open_requests, **more), clock, Pace(600, 5, clock))


def test_progress_counts_what_needs_nothing_more() -> None:
    _, progress = measured(10)
    assert (progress.settled, progress.left) == (0, 10)
    progress.done, progress.rejected, progress.held = 4, 2, 1
    assert (progress.settled, progress.left) == (7, 3)
    progress.done = 40
    assert progress.left == 0


def test_the_latency_is_the_mean_of_all_answers() -> None:
    _, progress = measured(10)
    assert progress.latency is None
    progress.answered(1.0)
    progress.answered(2.0)
    assert progress.latency == 1.5


def test_open_items_are_left_until_they_are_complete() -> None:
    _, progress = measured(10, 6)
    assert progress.open_left == 6
    progress.open_done = progress.done = 2
    assert progress.open_left == 4
    progress.rejected = 6
    assert progress.open_left == 2
    progress.open_complete_after = 3.0
    assert progress.open_left == 0
    _, progress = measured(10, 1)
    progress.open_done = 2
    assert progress.open_left == 0


def test_the_time_left_is_that_of_the_plan_less_what_has_passed() -> None:
    clock, progress = measured(1_200, 600)
    whole = plan(1_200, 600)
    assert progress.seconds_left == whole.seconds
    assert progress.open_seconds_left == whole.open_seconds
    clock.seconds += 10
    assert progress.elapsed == 10
    assert progress.seconds_left == whole.seconds  # nothing is done yet
    progress.done = 1_100
    assert progress.seconds_left == whole.seconds - 10
    progress.answered(0.4)
    slower = plan(1_200, 600, latency=0.4)
    assert progress.seconds_left == slower.seconds - 10


def test_the_last_few_requests_take_as_long_as_they_take() -> None:
    clock, progress = measured(1_200)
    progress.done = 1_195
    clock.seconds += 1_000
    assert 0 < progress.seconds_left <= 0.4
    progress.done = 1_194
    assert 0 < progress.seconds_left <= 1
    progress.done = 1_200
    assert progress.seconds_left == 0


def test_the_state_for_other_commands_is_a_snapshot() -> None:
    clock, progress = measured(10, 6)
    progress.done, progress.rejected, progress.note = 3, 1, "slow"
    progress._pace.take()
    state = progress.state()
    assert (state.done, state.left, state.rejected, state.open_left) == (3, 6, 1, 6)
    assert (state.per_minute, state.rate, state.note) == (1, 600, "slow")
    assert state.noted_at == clock.now().timestamp()
    assert state.complete_in == progress.seconds_left
    assert state.open_complete_in == progress.open_seconds_left
    assert progress.in_last_minute == 1


def test_a_pause_of_the_api_is_shown() -> None:
    _, progress = measured(10)
    assert progress.paused_for == 0
    progress._pace.close_for(7)
    assert progress.paused_for == 7
    for _ in range(5):
        progress._pace.take()
    progress._pace.close_for(0)
    assert progress.paused_for == pytest.approx(7)


def outcome(**more: Any) -> DeliveryOutcome:
    fields: dict[str, Any] = {
        "sent": 1,
        "rejected": 2,
        "held": 3,
        "drifted": 4,
        "left": 5,
        "retries": 6,
        "throttled": 7,
        "failed": ["a"],
        "seconds": 8.0,
        "open_complete_after": None,
        "interrupted": False,
        "sliced": True,
    }
    return DeliveryOutcome(**(fields | more))


def test_the_outcome_of_a_run_is_that_of_its_slices() -> None:
    later = outcome(
        sent=10,
        rejected=20,
        held=30,
        drifted=40,
        left=50,
        retries=60,
        throttled=70,
        seconds=80.0,
        failed=["b"],
        interrupted=True,
        sliced=False,
    )
    assert later.after(outcome()) == outcome(
        sent=11,
        rejected=22,
        held=30,
        drifted=44,
        left=50,
        retries=66,
        throttled=77,
        seconds=88.0,
        failed=["b"],
        interrupted=True,
        sliced=False,
    )


@pytest.mark.parametrize(
    ("earlier", "later", "whole"),
    [(None, None, None), (3.0, None, 3.0), (3.0, 1.0, 3.0), (None, 1.0, 9.0), (0.0, 1.0, 0.0)],
)
def test_open_items_are_complete_once(
    earlier: float | None, later: float | None, whole: float | None
) -> None:
    first, second = outcome(open_complete_after=earlier), outcome(open_complete_after=later)
    assert second.after(first).open_complete_after == whole


def test_the_outcome_is_read_off_the_progress() -> None:
    clock, progress = measured(10)
    progress.done, progress.rejected, progress.held, progress.drifted = 1, 2, 3, 4
    progress.retries, progress.throttled, progress.failed = 5, 6, ["a"]
    progress.open_complete_after = 7.0
    clock.seconds += 8
    assert outcome_of(progress, interrupted=True) == DeliveryOutcome(
        sent=1,
        rejected=2,
        held=3,
        drifted=4,
        left=4,
        retries=5,
        throttled=6,
        failed=["a"],
        seconds=8.0,
        open_complete_after=7.0,
        interrupted=True,
        sliced=False,
    )
    assert outcome_of(progress, interrupted=False, sliced=True).sliced
