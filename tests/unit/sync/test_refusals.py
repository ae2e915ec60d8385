"""Refused operations that go again: which ones, and what they give back first."""

from __future__ import annotations

import random

import pytest

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
