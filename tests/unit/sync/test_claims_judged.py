"""Which booked record is which collected one: never two for one, never one for two."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from headrace.sync.collection.claims import Judge, Judged
from headrace.sync.collection.collected import Collected, CollectedLink
from headrace.sync.collection.similarity import Booked
from headrace.sync.journal import Decision

_DAY = date(2026, 5, 5)


def collected(
    id: str, amount: int = 2000, *, days: int = 0, links: tuple[str, ...] = (), **more: str
) -> Collected:
    fields = {"customer": "C1", "currency": "EUR", "instrument": "CARD"} | more
    return Collected(
        entity="payment",
        id=id,
        amount=amount,
        validated_at=(_DAY + timedelta(days)).isoformat(),
        links=[CollectedLink("invoice", f"id-{name}", name, amount) for name in links],
        **fields,
    )


def booked(
    name: str, amount: int = 2000, *, days: int = 0, links: tuple[str, ...] = (), **more: str
) -> Booked:
    fields = {"customer": "C1", "family": "C1", "currency": "EUR"} | more
    return Booked(
        entity="payment",
        external_id=name,
        amount=amount,
        day=_DAY + timedelta(days),
        links=frozenset(("invoice", link) for link in links),
        **fields,
    )


def judged(
    here: list[Booked],
    there: list[Collected],
    *decisions: Decision,
    claiming: bool = True,
    given_back: frozenset[str] = frozenset(),
) -> Judged:
    judge = Judge(there, {}, decisions, 14, claiming=claiming, given_back=given_back)
    return judge.judge(here)


def claims(of: Judged) -> dict[str, str]:
    return {claim.external_id: claim.id for claim in of.claims}


def reasons(of: Judged) -> dict[str, str]:
    return {one.external_id: one.reason.partition(" EUR ")[0] for one in of.awaiting}


def test_one_of_each_is_claimed() -> None:
    assert claims(judged([booked("P")], [collected("x")])) == {"P": "x"}


@pytest.mark.parametrize("days", [-14, 0, 14])
def test_it_may_be_booked_some_days_before_or_after(days: int) -> None:
    assert claims(judged([booked("P", days=days)], [collected("x")])) == {"P": "x"}


def test_much_later_it_is_held_and_much_earlier_it_is_other_money() -> None:
    assert reasons(judged([booked("P", days=15)], [collected("x")])) == {
        "P": "comes late, and may be"
    }
    early = judged([booked("P", days=-15)], [collected("x")])
    assert (early.claims, early.awaiting) == ([], [])


def test_another_customer_has_other_money() -> None:
    found = judged([booked("P", customer="C2", family="C2")], [collected("x")])
    assert (found.claims, found.awaiting) == ([], [])


def test_several_alike_are_told_by_what_they_settle() -> None:
    there = [collected("x", links=("I1",)), collected("y", links=("I2",))]
    here = [booked("P", links=("I2",)), booked("Q", links=("I1",))]
    assert claims(judged(here, there)) == {"P": "y", "Q": "x"}
    assert reasons(judged([*here, booked("R", links=("I1",))], there)) == {
        "Q": "may be",
        "R": "may be",
    }


def test_the_one_that_is_left_over_of_several_is_held_where_it_is_doubtful() -> None:
    there = [collected("x", links=("I1",)), collected("y")]
    here = [booked("P", links=("I1",)), booked("Q", instrument="WIRE_TRANSFER")]
    found = judged(here, there)
    assert claims(found) == {"P": "x"}
    assert reasons(found) == {"Q": "is WIRE_TRANSFER, and may be, as CARD,"}


def test_a_reference_that_two_name_holds_both_and_third_ones_like_it() -> None:
    there = [collected("x", reference="pi_77777")]
    here = [
        booked("P", 900, reference="pi_77777 a"),
        booked("Q", 1100, reference="pi_77777 b"),
        booked("R"),
    ]
    assert set(reasons(judged(here, there))) == {"P", "Q", "R"}
    assert judged(here, there).claims == []


def test_part_of_a_reference_is_none() -> None:
    there = [collected("x", reference="pi_77777"), collected("y", reference="7")]
    found = judged([booked("P", 999_999, reference="pi_777778 and 7")], there)
    assert (found.claims, found.awaiting) == ([], [])


def test_parts_and_sums_are_held_and_what_settles_something_else_is_not() -> None:
    there = [collected("x", 5000, links=("I1",))]
    assert reasons(judged([booked("P", 2000)], there)) == {"P": "may be a part of"}
    assert reasons(judged([booked("P", 2000, links=("I1",))], there)) == {"P": "may be a part of"}
    assert judged([booked("P", 2000, links=("I2",))], there).awaiting == []
    assert reasons(judged([booked("P", 6000, links=("I1",))], there)) == {"P": "may contain"}
    both = [*there, collected("y", 1000)]
    assert reasons(judged([booked("P", 6000)], both)) == {"P": "may be the sum of"}


def test_what_is_claimed_holds_nothing_else() -> None:
    found = judged([booked("P", 5000), booked("Q", 2000)], [collected("x", 5000)])
    assert claims(found) == {"P": "x"} and found.awaiting == []


def test_what_was_given_back_is_held_until_that_is_booked() -> None:
    found = judged([booked("P")], [collected("x")], given_back=frozenset({"x"}))
    assert reasons(found) == {"P": "may be, although it was refunded,"}


def test_a_person_decides_over_everything_else() -> None:
    there = [collected("x"), collected("y", 1, currency="USD", customer="C9")]
    yes = Decision("payment", "P", "y", "accepted")
    assert claims(judged([booked("P")], there, yes)) == {"P": "y"}
    for no in (
        Decision("payment", "P", "x", "rejected"),
        Decision("payment", "P", "", "rejected"),
        Decision("payment", "", "x", "rejected"),
    ):
        found = judged([booked("P")], there[:1], no)
        assert (found.claims, found.awaiting) == ([], []), no
    gone = Decision("payment", "P", "z", "accepted")
    assert claims(judged([booked("P")], there, gone)) == {"P": "x"}


def test_nothing_is_claimed_without_a_person_where_they_are_to_be_asked() -> None:
    assert reasons(judged([booked("P")], [collected("x")], claiming=False)) == {"P": "looks like"}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_there_is_no_record_and_no_id_stands_in_two_verdicts(seed: int) -> None:
    random = Random(seed)
    for _ in range(400):
        there = [
            collected(
                f"id-{number:04d}",
                random.choice([1000, 2000, 3000]),
                days=random.randint(0, 20),
                links=tuple(random.sample(["I1", "I2"], random.randint(0, 1))),
                customer=random.choice(["C1", "C2"]),
                reference=random.choice(["", "ref 1111", "ref 2222"]),
            )
            for number in range(random.randint(0, 5))
        ]
        here = []
        for number in range(random.randint(0, 5)):
            customer = random.choice(["C1", "C2"])
            here.append(
                booked(
                    f"P{number}",
                    random.choice([1000, 2000, 3000, 500]),
                    days=random.randint(0, 20),
                    links=tuple(random.sample(["I1", "I2"], random.randint(0, 1))),
                    customer=customer,
                    family=customer,
                    reference=random.choice(["", "", "1111 2222", "x 2222", "id-0001"]),
                )
            )
        found = judged(here, there)
        names = [one.external_id for one in (*found.claims, *found.awaiting)]
        ids = [claim.id for claim in found.claims]
        assert len(set(names)) == len(names) and len(set(ids)) == len(ids)
        by_name, by_id = {one.external_id: one for one in here}, {one.id: one for one in there}
        for claim in found.claims:
            one, other = by_name[claim.external_id], by_id[claim.id]
            assert (one.family, one.amount) == (other.customer, other.amount)
        for held in found.awaiting:
            assert held.ids and set(held.ids) <= by_id.keys()
