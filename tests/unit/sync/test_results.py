"""What becomes of each operation: in its lane, in the journal, in the counters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deliveries import JSON, FakeJournal, FakeLoader, lane, operation, payment, plan, refusal

from headrace.book.payloads.payloads import payload_hash
from headrace.client.answer import Answer
from headrace.client.pace import Pace
from headrace.client.verdict import Verdict
from headrace.sync.delivery.lanes import Lanes
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.results import Results
from headrace.sync.delivery.sender import verdict_of
from headrace.sync.journal import Acknowledgement, Reject
from headrace.sync.operations.operation import Lane, Operation
from headrace.sync.planning.reduced import Held, leave_links_out, leave_positions_out
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


def test_every_acknowledgement_and_every_difference_counts() -> None:
    desk = Desk(lane(*(operation(n, body=b'{"externalId":"I1","name":"a"}') for n in (1, 2))))
    for _ in range(2):
        one, next_one = desk.take()
        answer = Answer(200, JSON, b'{"externalId":"I1","name":"b"}')
        desk.results.acknowledged(one, next_one, answer)
    assert (desk.progress.done, desk.progress.open_done, desk.progress.drifted) == (2, 2, 2)


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
    assert written == [
        Acknowledgement(
            "payment", "P1", "C1", None, payload_hash(first.body or b""), first.body, "update"
        )
    ]
    assert desk.next() == 2


def test_every_release_and_every_refusal_counts() -> None:
    desk = Desk(lane(release(1, "P1"), release(2, "P2"), operation(3), operation(4)))
    for _ in range(2):
        desk.results.released(*desk.take(), Verdict.DONE)
    assert (desk.progress.done, desk.progress.open_done) == (2, 2)
    desk.reject()
    desk.reject()
    assert desk.progress.rejected == 2


def test_a_refused_deletion_of_a_contact_is_a_refusal() -> None:
    gone = operation(1, "C1/K", entity="contact", action="delete", payload=None, body=None)
    desk = Desk(lane(gone))
    desk.reject(refusal(400, "position of the moon"))
    assert desk.progress.rejected == 1


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


# what is held --------------------------------------------------------------------------------


def reduced_links(operation: Operation) -> list[str]:
    body = msgspec.json.decode(operation.body or b"")
    assert body == msgspec.json.decode(operation.payload or b"")
    return [link["invoice"]["externalId"] for link in body["linkedInvoices"]]


def test_held_settlements_go_without_their_links_to_what_is_missing() -> None:
    held = Held()
    later, sooner = payment(7, "Q", "I", "J"), payment(3, "P", "I")
    for one in (later, sooner, operation(5, refers_to=(("invoice", "I"),))):
        held.add(one)
    missing = {("invoice", "I"), ("payment", "Q")}
    assert held.take_reduced(missing) == [sooner, later]
    assert (reduced_links(later), reduced_links(sooner)) == (["J"], [])
    assert later.refers_to == (("invoice", "J"),)
    assert later.hash == payload_hash(later.payload or b"") and later.fingerprint is None
    assert missing == {("invoice", "I"), ("invoice", "I5")}
    assert [one.number for one in held.take()] == [5]
    assert len(held) == 0


def test_what_failed_by_itself_stays_with_what_settles_it() -> None:
    held = Held()
    failed, waits = operation(1, "I"), payment(2, "P", "I", action="update")
    held.add(failed, given_up=True)
    held.add(waits)
    missing = {("invoice", "I")}
    assert held.take_reduced(missing) == []
    assert missing == {("invoice", "I")}
    assert held.take() == [failed, waits]
    assert reduced_links(waits) == ["I"]


def test_what_lacks_nothing_any_more_goes_as_it_is() -> None:
    held = Held()
    one = payment(1, "P", "I")
    held.add(one)
    assert held.take_reduced(set()) == [one]
    assert one.fingerprint == 1


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        (payment(1, "fix:I", "I"), ("invoice", "I")),
        (payment(1, "settlement:I", "I"), ("invoice", "I")),
        (payment(1, "P", "I"), ("customer", "C")),
        (payment(1, "P", "I", body=None), ("invoice", "I")),
        (payment(1, "P", "I", payload=None), ("invoice", "I")),
        (operation(1, "J"), ("invoice", "I")),
        (operation(1, "fix:J"), ("invoice", "I")),
    ],
)
def test_what_is_nothing_without_its_link_does_not_go(
    one: Operation, missing: tuple[str, str]
) -> None:
    before = msgspec.structs.asdict(one)
    assert not leave_links_out(one, [missing])
    assert msgspec.structs.asdict(one) == before


def test_only_contacts_and_customers_leave_positions_out() -> None:
    for one in (operation(1), contact(1, "C1/K"), customer(1, "C", payload=None)):
        before = msgspec.structs.asdict(one)
        leave_positions_out(one, {"CFO"})
        assert (msgspec.structs.asdict(one) == before) == (one.entity != "contact")


def test_an_answer_counts_if_it_names_the_record() -> None:
    contact = operation(1, "C%2F1/k", entity="contact", customer="C/1")
    for named, verdict in (("k", Verdict.DONE), ("C%2F1/k", Verdict.NOT_THE_API)):
        answer = Answer(200, JSON, msgspec.json.encode({"externalId": named}))
        assert verdict_of(contact, answer) is verdict
    assert (
        verdict_of(operation(1), Answer(200, JSON, b'{"externalId":"I2"}')) is Verdict.NOT_THE_API
    )
    assert verdict_of(operation(1, action="delete"), Answer(204, {}, b"")) is Verdict.DONE
    assert verdict_of(operation(1, entity="invoice_pdf"), Answer(204, {}, b"")) is Verdict.DONE
