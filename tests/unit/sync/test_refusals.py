"""Refused operations that go again: which ones, and what they give back first."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from deliveries import FakeJournal, operation, payment, refusal

from headrace.client.answer import Answer
from headrace.sync.delivery.refusals import Refusals
from headrace.sync.journal import Key, Reject
from headrace.sync.operations.operation import ANY_LINK, Operation


class _Journal:
    """Takes what it is given."""

    def reject(self, reject: Reject, action: str) -> None:
        """Nothing."""

    def answered(self) -> None:
        """Nothing."""


def _operation(chance: random.Random, number: int) -> Operation:
    invoices = [("invoice", f"I{chance.randrange(12)}") for _ in range(3)]
    return Operation(
        number=number,
        entity="payment",
        external_id=f"P{chance.randrange(12)}",
        action=chance.choice(["create", "update"]),
        customer="C",
        fingerprint=1,
        payload=b"{}",
        refers_to=(("customer", "C"), *invoices[:2]),
        rebinds=chance.random() < 0.5,
        frees=tuple(invoices[2:]) if chance.random() < 0.4 else (),
        release=b"{}" if chance.random() < 0.4 else None,
    )


def _wanted_by_others(one: Operation, operations: list[Operation]) -> bool:
    """As the rule reads, each record held against each other one."""
    held: set[Key] = {*one.frees, ANY_LINK}
    return one.release is not None and any(
        not held.isdisjoint((other.key, *other.obstacles))
        for other in operations
        if other is not one
    )


@pytest.mark.parametrize("seed", range(200))
def test_what_others_want_is_given_back_first(seed: int) -> None:
    chance = random.Random(seed)
    operations = [_operation(chance, number) for number in range(chance.randrange(2, 9))]
    refused = [one for one in operations if one.obstacles]
    blocking = [one.number for one in refused if _wanted_by_others(one, refused)]
    refusals = Refusals(_Journal())  # type: ignore[arg-type]
    for one in operations:
        refusals.add(one, Answer(400, {}, b'{"message": "no"}'))
    releases, again = refusals.take()
    assert [one.number for one in releases] == blocking
    assert {one.number for one in again} >= set(blocking)
    assert all(one.is_release for one in releases)
    assert refusals.take() == ([], []), "once only"


# one rule at a time --------------------------------------------------------------------------


INVOICE = operation(9, "I", rebinds=True)


def opened() -> tuple[Refusals, FakeJournal]:
    journal = FakeJournal()
    return Refusals(journal), journal  # type: ignore[arg-type]


def paying(number: int = 1, name: str = "P", **more: Any) -> Operation:
    return payment(number, name, "I", **more)


def refuse(refusals: Refusals, *operations: Operation) -> None:
    for one in operations:
        refusals.sent(one)
        refusals.answered(one)
        refusals.add(one, refusal(400, "no"))


def again(refusals: Refusals) -> list[str]:
    return [one.external_id for one in refusals.take()[1]]


def test_what_lands_after_a_request_was_sent_opens_the_way_for_it() -> None:
    refusals, _ = opened()
    one = paying()
    refusals.sent(one)
    refusals.make_room(INVOICE)
    refusals.answered(one)
    refusals.add(one, refusal(400, "no"))
    assert again(refusals) == ["P"]
    assert again(refusals) == []


def test_what_landed_before_does_not() -> None:
    refusals, _ = opened()
    refusals.make_room(INVOICE)
    refuse(refusals, paying())
    assert again(refusals) == []


def test_what_lands_after_a_refusal_opens_the_way_for_it() -> None:
    refusals, _ = opened()
    refuse(refusals, paying(), payment(2, "Q", "J"))
    refusals.make_room(INVOICE)
    assert again(refusals) == ["P"]


def test_what_opened_the_way_before_its_own_release_counts_no_more() -> None:
    refusals, _ = opened()
    one = paying()
    refusals.sent(one)
    refusals.make_room(INVOICE)
    refusals.make_room(operation(1, "P", entity="payment"))
    refusals.answered(one)
    refusals.add(one, refusal(400, "no"))
    assert again(refusals) == []


def test_nothing_is_kept_of_what_was_answered() -> None:
    refusals, _ = opened()
    for one in (paying(), paying(2, "Q")):
        refusals.sent(one)
    assert refusals._by_obstacle[("invoice", "I")] == {1, 2}
    refusals.answered(paying())
    assert refusals._by_obstacle[("invoice", "I")] == {2}
    refusals.answered(paying(2, "Q"))
    assert (refusals._by_obstacle, refusals._under_way) == ({}, {})
    refusals.answered(paying(3, "R"))
    refuse(refusals, paying())
    refusals.make_room(INVOICE)
    refusals.take()
    assert refusals._by_obstacle == {}


def test_records_that_block_each_other_give_back_first_once() -> None:
    refusals, _ = opened()
    blocks = paying(1, "P", frees=(("invoice", "J"),), release=b"{}", action="update")
    waits = payment(2, "Q", "J")
    refuse(refusals, blocks, waits)
    releases, going = refusals.take()
    assert [(one.external_id, one.body, one.is_release) for one in releases] == [("P", b"{}", True)]
    assert [one.external_id for one in going] == ["P", "Q"]
    assert blocks.release is None and not blocks.is_release
    refuse(refusals, blocks, waits)
    assert refusals.take() == ([], [])


def family(number: int = 5, **more: Any) -> Operation:
    fields: dict[str, Any] = {"entity": "customer", "action": "update", "rebinds": True}
    return operation(number, f"C{number}", **(fields | more))


def halves(refusals: Refusals) -> tuple[list[str], list[str]]:
    first, then = refusals.take_halves()
    for one in first:
        assert one.is_release
        assert msgspec.json.decode(one.body or b"")["linkedInvoices"] == []
    return [one.external_id for one in first], [one.external_id for one in then]


def test_new_records_go_without_their_links_where_a_family_cannot_change() -> None:
    refusals, _ = opened()
    new, changed, plain = paying(), paying(2, "Q", action="update"), operation(3, rebinds=True)
    refuse(refusals, new, changed, plain, family())
    assert halves(refusals) == (["P"], ["P", "Q", "I3", "C5"])
    assert not new.is_release
    assert refusals._by_obstacle == {}
    refuse(refusals, new, paying(4, "R"), family())
    assert halves(refusals) == (["R"], ["P", "R", "C5"])
    refuse(refusals, new, paying(4, "R"), family())
    assert halves(refusals) == ([], [])


def test_without_a_family_that_changes_no_record_is_halved() -> None:
    for other in (family(rebinds=False), operation(5, rebinds=True)):
        refusals, _ = opened()
        refuse(refusals, paying(), other)
        assert halves(refusals) == ([], [])
        assert refusals.forget() == 2 or not other.obstacles
    refusals, _ = opened()
    refuse(refusals, paying(action="update"), family())
    assert halves(refusals) == ([], [])


def test_what_stays_refused_is_written_at_the_end_with_its_action() -> None:
    refusals, journal = opened()
    refuse(refusals, paying(), paying(2, "Q", action="update"))
    refusals.conclude()
    found = [
        (reject.external_id, reject.message, action) for reject, action in journal.of("reject")
    ]
    assert found == [("P", "no", "create"), ("Q", "no", "update")]
    assert refusals.forget() == 0


def test_refusals_that_are_not_final_are_dropped_and_counted() -> None:
    refusals, journal = opened()
    refuse(refusals, paying(), paying(2, "Q"), operation(3))
    assert refusals.forget() == 2
    assert refusals.forget() == 0
    assert [reject.external_id for reject, _ in journal.of("reject")] == ["I3"]
