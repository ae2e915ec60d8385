"""What a delivery writes to the journal, and what it knows to be missing at the API."""

from __future__ import annotations

from deliveries import JSON, FakeJournal, operation, payment

from headrace.client.answer import Answer
from headrace.sync.delivery.absent import Absent
from headrace.sync.delivery.recorder import Recorder
from headrace.sync.journal import Asked, Drift


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
    recorded.not_carried_out(operation(1))
    recorded.not_carried_out(operation(2, is_unsure=True))
    assert journal.of("decided") == [("invoice", "I1")]


def test_a_part_of_a_record_is_compared_again() -> None:
    recorded, journal = recorder()
    assert recorded.acknowledged(operation(1, is_part=True), Answer(200, JSON, b"{}"))
    assert journal.of("acknowledge")[0][0].fingerprint is None


def test_what_the_api_has_is_not_known_where_a_parent_was_left_out() -> None:
    for keeps_parent, hash, payload in ((True, b"", None), (False, b"h", b'{"externalId":"C1"}')):
        recorded, journal = recorder()
        sent = operation(1, "C1", entity="customer", keeps_parent=keeps_parent)
        recorded.acknowledged(sent, Answer(200, JSON, b"{}"))
        (known,) = journal.of("acknowledge")[0]
        assert (known.hash, known.payload, known.fingerprint) == (hash, payload, 1)


def test_the_ids_of_customers_are_kept_while_landmarks_are_missing() -> None:
    answer = Answer(200, JSON, b'{"externalId": "C1", "id": "u1"}')
    for lacks, entity, id in (
        (True, "customer", "u1"),
        (True, "invoice", ""),
        (False, "customer", ""),
    ):
        recorded, journal = recorder()
        journal.lacks_landmarks = lacks
        assert recorded.acknowledged(operation(1, "C1", entity=entity), answer)
        assert journal.of("acknowledge")[0][0].id == id


def test_a_claimed_record_is_collected_no_longer() -> None:
    recorded, journal = recorder()
    recorded.acknowledged(operation(1, entity="payment", claims="id-1"), Answer(200, JSON, b"{}"))
    assert journal.of("keep_collected") == [("payment", [], ["id-1"])]
    recorded, journal = recorder()
    recorded.acknowledged(operation(1, entity="payment"), Answer(200, JSON, b"{}"))
    assert journal.of("keep_collected") == []


def test_a_response_that_differs_is_recorded_as_drift() -> None:
    recorded, journal = recorder()
    sent = operation(1, body=b'{"externalId":"I1","name":"a"}')
    assert not recorded.acknowledged(sent, Answer(200, JSON, b'{"externalId":"I1","name":"b"}'))
    assert journal.of("mark_drifted") == [[Drift("invoice", "I1", [("name", "a", "b")])]]
    deleted = operation(2, action="delete", body=None)
    assert recorded.acknowledged(deleted, Answer(204, {}, b""))


def test_half_of_a_new_record_is_enough_to_refer_to() -> None:
    absent = Absent()
    half = payment(1, "P1", is_release=True)
    refund = operation(2, "R2", entity="refund", refers_to=(("payment", "P1"),))
    absent.add(half)
    assert absent.is_missing_for(refund)
    absent.arrived(half)
    assert not absent.is_missing_for(refund)
    absent.add(payment(1, "P1"))
    assert not absent.is_missing_for(refund)


def test_the_release_of_a_change_is_not_half_of_a_new_record() -> None:
    absent = Absent()
    absent.arrived(payment(1, "P1", action="update", is_release=True))
    absent.add(payment(1, "P1"))
    assert absent.missing == {("payment", "P1")}
    absent.arrived(payment(1, "P1"))
    absent.add(payment(1, "P1"))
    assert absent.missing == {("payment", "P1")}


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
    assert absent.is_missing_for(waiting)
