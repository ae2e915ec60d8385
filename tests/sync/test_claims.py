"""Money that Upflow collected: booked later, it is linked to what is there, and counts once."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rewound import Rewound, filled
from tills import Till, Visit, fill
from together import Case, Story, Together

from headrace.testkit.hub import RunningHub

together = Together()


@pytest.fixture(scope="module")
def in_step(
    tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub
) -> Callable[[str], Rewound]:
    @functools.cache
    def made(more: str) -> Rewound:
        return filled(tmp_path_factory.mktemp("till"), open_hub, f"till {more}", fill, more)

    return made


@pytest.fixture
def make_till(tmp_path: Path, in_step: Callable[[str], Rewound]) -> Iterator[Callable[..., Till]]:
    """One of each kind of organisation at a time."""
    with ExitStack() as opened:

        def make(more: str = "") -> Till:
            pair = opened.enter_context(in_step(more).pair(tmp_path / f"shop {more}"))
            return Till(pair.shop, pair.desk)

        yield make


@pytest.fixture
def till(make_till: Callable[..., Till]) -> Till:
    return make_till()


@together
def test_a_payment_of_the_portal_that_is_booked_later_is_linked_and_counts_once(
    case: Case,
) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 2000, settles={"I1": 2000})
    case.shop.payment("P1", "C1", 2000, {"I1": 2000}, day="2026-05-08")
    plan, proof = (yield).both
    assert [(one.external_id, one.id) for one in plan.claims] == [("P1", id)]
    assert (plan.claims[0].customer_name, plan.claims[0].amount) == ("Customer C1", 2000)
    assert till.payments() == [("P1", 2000, 2000)]
    assert case.get("/payments/external:P1")["id"] == id
    assert till.balance() == 8000
    assert proof.balanced and proof.collected == []
    assert (yield).plan.empty


@together
def test_a_full_payment_booked_again_is_not_rejected(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 10000, settles={"I1": 10000})
    case.shop.payment("P1", "C1", 10000, {"I1": 10000})
    proof = (yield).proof
    assert case.get("/invoices/external:I1")["state"] == "PAID"
    assert till.payments() == [("P1", 10000, 10000)]
    assert proof.balanced


def test_collected_money_that_is_not_booked_yet_is_named_and_no_difference(till: Till) -> None:
    id = till.collect("C1", 2000, settles={"I1": 1500})
    _, proof = till.sync()
    assert proof.balanced
    assert [(one.id, one.customer, one.amount) for one in proof.collected] == [(id, "C1", 2000)]
    total = proof.totals[0]
    assert (total.book, total.api, total.collected) == (10000, 8000, -2000)
    done = till.desk.command("reconcile")
    assert done.returncode == 0
    assert "collected and not booked yet" in done.stdout and id in done.stdout


@together
def test_a_real_difference_beside_collected_money_is_still_one(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000, settles={"I1": 2000})
    body = {"amount": 700, "currency": "EUR", "validatedAt": "2026-05-05", "externalId": "{}X1"}
    case.post("/payments", {**body, "customer": {"externalId": "{}C1"}})
    proof = (yield).proof
    assert not proof.balanced
    (difference,) = proof.differences
    assert (difference.book, difference.api, difference.collected) == (10000, 7300, -2000)
    assert [(one.external_id, one.reason) for one in difference.documents] == [
        ("X1", "not in the models")
    ]


@together
def test_two_alike_are_held_by_name_until_a_person_says_which(case: Case) -> Story:
    till = Visit(case)
    yield
    first = till.collect("C1", 2000)
    second = till.collect("C1", 2000)
    case.shop.payment("P1", "C1", 2000)
    plan, proof = (yield).both
    assert plan.claims == []
    (held,) = plan.held
    assert held.external_id == "P1" and "may be" in held.reason and "and 1 more" in held.reason
    assert not proof.balanced
    assert "may be" in proof.differences[0].documents[0].reason
    till.decide("accept", "payment/P1", second)
    proof = (yield).proof
    assert case.get("/payments/external:P1")["id"] == second
    assert proof.balanced
    assert [one.id for one in proof.collected] == [first]


@together
def test_what_a_person_rejects_is_sent_as_new_money(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000)
    till.collect("C1", 2000)
    case.shop.payment("P1", "C1", 2000)
    assert (yield).plan.held
    till.decide("reject", "payment/P1")
    plan, proof = (yield).both
    assert plan.held == [] and proof.balanced
    assert till.balance() == 4000


@together
def test_a_collected_one_that_is_never_booked_holds_nothing_once_it_is_rejected(
    case: Case,
) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 5000)
    case.shop.payment("P1", "C1", 2000)
    assert "may be a part of" in (yield).plan.held[0].reason
    till.decide("reject", id)
    plan, proof = (yield).both
    assert plan.held == [] and proof.balanced


@together
def test_a_payment_split_in_two_bookings_waits_and_the_accepted_part_becomes_it(
    case: Case,
) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 5000, settles={"I1": 5000})
    case.shop.payment("P1", "C1", 2000, {"I1": 2000})
    case.shop.payment("P2", "C1", 3000, {"I1": 3000})
    plan = (yield).plan
    assert [one.external_id for one in plan.held] == ["P1", "P2"]
    assert till.balance() == 5000
    till.decide("accept", "payment/P1", id)
    proof = (yield).proof
    assert proof.balanced
    assert till.payments() == [("P1", 2000, 2000), ("P2", 3000, 3000)]


@together
def test_two_payments_booked_as_one_become_it_when_a_person_says_so(case: Case) -> Story:
    till = Visit(case)
    yield
    ids = [till.collect("C1", amount, settles={"I1": amount}) for amount in (2000, 3000)]
    case.shop.payment("P1", "C1", 5000, {"I1": 5000})
    assert "may be the sum of" in (yield).plan.held[0].reason
    till.decide("accept", "payment/P1", *ids)
    proof = (yield).proof
    assert proof.balanced and till.payments() == [("P1", 5000, 5000)]


@together
def test_a_reference_tells_which_of_two_it_is(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000, refNumber="pi_AAAA1")
    second = till.collect("C1", 2000, refNumber="pi_BBBB2")
    case.shop.payment("P1", "C1", 2000, day="2026-08-30")
    case.shop.run("update payments set ref_number = 'payout pi_BBBB2 of May'")
    plan, proof = (yield).both
    assert [(one.id, one.by) for one in plan.claims] == [(second, "reference")]
    assert proof.balanced


@together
def test_the_id_in_the_reference_with_another_amount_is_held(case: Case) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 2000)
    case.shop.payment("P1", "C1", 1950)
    case.shop.run("update payments set ref_number = ?", f"Upflow {id}")
    (held,) = (yield).plan.held
    assert held.reason.startswith("names, with another amount, EUR 20.00")


@together
def test_money_of_another_customer_of_the_family_is_the_same_money(case: Case) -> Story:
    till = Visit(case)
    yield
    case.shop.customer("D1", parent="C1")
    case.shop.customer("D2", parent="C1")
    case.shop.invoice("J1", "D1", 4000)
    yield
    id = till.collect("D1", 4000, settles={"J1": 4000})
    case.shop.payment("P1", "C1", 4000, {"J1": 4000})
    plan, proof = (yield).both
    assert [one.id for one in plan.claims] == [id]
    assert proof.balanced and till.balance("D1") == 0
    other = till.collect("D1", 300)
    case.shop.payment("P2", "D2", 300)
    plan, proof = (yield).both
    assert [one.id for one in plan.claims] == [other]
    assert proof.balanced and till.balance("D2") == -300


@together
def test_a_figure_in_another_currency_is_held_and_another_customers_is_not(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000)
    case.shop.customer("C2")
    case.shop.payment("P1", "C1", 2000)
    case.shop.run("update payments set currency = 'USD'")
    case.shop.payment("P2", "C2", 2000)
    plan = (yield).plan
    assert [one.external_id for one in plan.held] == ["P1"]
    assert "in another currency" in plan.held[0].reason


@together
def test_a_failed_direct_debit_is_booked_as_payment_and_refund(case: Case) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 5000, settles={"I1": 5000}, instrument="DIRECT_DEBIT")
    case.shop.payment("P1", "C1", 5000, {"I1": 5000})
    proof = (yield).proof
    assert proof.balanced and till.balance() == 5000
    case.desk.hub.fail(id, organisation=case.desk.name, validatedAt="2026-05-07")
    proof = (yield).proof
    assert proof.balanced and [one.entity for one in proof.collected] == ["refund"]
    case.shop.run("delete from allocations")
    case.shop.refund("R1", "C1", 5000, {"P1": 5000})
    plan, proof = (yield).both
    assert [(one.entity, one.external_id) for one in plan.claims] == [("refund", "R1")]
    assert proof.balanced and proof.collected == [] and till.balance() == 10000


@together
def test_a_payment_that_failed_before_it_was_booked_is_claimed_with_its_refund_only(
    case: Case,
) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 5000, instrument="DIRECT_DEBIT")
    case.desk.hub.fail(id, organisation=case.desk.name, validatedAt="2026-05-06")
    case.shop.payment("P1", "C1", 5000)
    plan, proof = (yield).both
    assert "although it was refunded" in plan.held[0].reason
    case.shop.refund("R1", "C1", 5000, {"P1": 5000})
    plan, proof = (yield).both
    assert sorted(one.external_id for one in plan.claims) == ["P1", "R1"]
    assert proof.balanced and proof.collected == [] and till.balance() == 10000


@together
def test_links_of_the_portal_stay_while_the_source_says_nothing_of_them(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000, settles={"I1": 2000})
    case.shop.payment("P1", "C1", 2000)
    plan, proof = (yield).both
    assert len(plan.claims) == 1 and proof.balanced
    assert till.payments() == [("P1", 2000, 2000)]
    case.shop.run("update payments set ref_number = 'bank 7'")
    assert (yield).proof.balanced
    assert till.payments() == [("P1", 2000, 2000)]
    case.shop.allocate("payment", "P1", "invoice", {"I1": 1200})
    assert (yield).proof.balanced
    assert till.payments() == [("P1", 2000, 1200)]
    assert (yield).plan.drifted == []


@together
def test_a_link_of_the_portal_gives_way_to_what_the_source_says_of_the_invoice(case: Case) -> Story:
    till = Visit(case)
    yield
    till.collect("C1", 2000, settles={"I1": 2000})
    case.shop.payment("P1", "C1", 2000)
    case.shop.payment("W1", "C1", 10000, {"I1": 10000})
    case.shop.run("update payments set instrument = 'CARD' where external_id = 'P1'")
    plan, proof = (yield).both
    assert [one.external_id for one in plan.claims] == ["P1"]
    assert till.payments() == [("P1", 2000, 0), ("W1", 10000, 10000)]
    assert proof.balanced


@together
def test_a_claim_that_is_sent_again_after_a_crash_changes_nothing(case: Case) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 2000, settles={"I1": 2000})
    case.shop.payment("P1", "C1", 2000, {"I1": 2000})
    yield
    with case.desk.open() as organisation:  # as if the acknowledgement had been lost
        organisation.journal.forget([("payment", case.marked("P1"))])
    other = till.collect("C1", 2000)
    proof = (yield).proof
    assert case.get("/payments/external:P1")["id"] == id
    assert proof.balanced and [one.id for one in proof.collected] == [other]


def test_a_claim_whose_answer_was_lost_is_sent_again_and_counts_once(till: Till) -> None:
    id = till.collect("C1", 2000, settles={"I1": 2000})
    till.shop.payment("P1", "C1", 2000, {"I1": 2000})
    lost = {"kind": "reply-lost", "on": "POST /payments"}
    with till.desk.hub.faults(lost, organisation=till.desk.name) as script:
        _, proof = till.sync()
        assert script.done
    assert proof.balanced and till.payments() == [("P1", 2000, 2000)]
    assert till.desk.get("/payments/external:P1")["id"] == id


def test_a_saved_plan_is_stale_when_its_claim_is_another_one(till: Till) -> None:
    till.collect("C1", 2000)
    till.shop.payment("P1", "C1", 2000)
    file = str(till.desk.folder / "saved.plan")
    assert till.desk.command("plan", "--out", file).returncode == 0
    assert (
        till.desk.command("plan", "--markdown").stdout.count("### Claims of collected records") == 1
    )
    other = till.collect("C1", 2000)
    done = till.desk.command("apply", file)
    assert done.returncode == 7 and "Nothing was sent" in done.stderr
    till.desk.request("DELETE", f"/payments/{other}")
    assert till.desk.command("apply", file).returncode == 0
    assert till.payments() == [("P1", 2000, 0)]


def test_what_is_held_is_no_reason_to_read_everything_at_each_round(till: Till) -> None:
    till.collect("C1", 2000)
    till.collect("C1", 2000)
    till.shop.payment("P1", "C1", 2000)
    till.sync()
    start = len(till.desk.log())
    assert till.desk.command("apply").returncode == 4
    assert len(till.desk.log()) - start <= 4


def test_a_plan_without_new_money_reads_nothing_and_others_read_what_is_new(till: Till) -> None:
    till.collect("C1", 1)
    start = len(till.desk.log())
    till.shop.customer("C2")
    till.desk.apply()
    assert [one.method for one in till.desk.log()[start:]] == ["POST"]
    for number in range(1010):  # more than two pages
        till.shop.payment(f"P{number}", "C2", 5)
    till.desk.apply()
    start = len(till.desk.log())
    till.shop.payment("Q", "C2", 5)
    till.desk.apply()
    read = [one.path for one in till.desk.log()[start:] if one.method == "GET"]
    assert len([path for path in read if path.startswith("/v1/payments")]) <= 3, read
    start = len(till.desk.log())
    till.shop.payment("Q2", "C2", 5)
    till.desk.apply()
    read = [one.path for one in till.desk.log()[start:] if one.method == "GET"]
    assert len(read) <= 2, read


def test_off_sends_everything_as_new_and_ask_claims_nothing_by_itself(
    make_till: Callable[..., Till],
) -> None:
    off, ask = make_till('claims = "off"'), make_till('claims = "ask"')
    for till in (off, ask):
        till.collect("C1", 2000)
        till.shop.payment("P1", "C1", 2000)
    plan, proof = off.sync()
    assert plan.claims == [] and plan.held == [] and off.balance() == 6000
    assert not proof.balanced
    assert [one.booked for one in proof.collected] == ["P1"]
    assert "may be booked as P1" in proof.differences[0].documents[0].reason
    plan, _ = ask.sync()
    assert plan.claims == [] and "looks like" in plan.held[0].reason


def test_a_plan_says_when_the_api_was_not_asked_and_apply_then_sends_nothing(till: Till) -> None:
    till.collect("C1", 2000)
    till.shop.payment("P1", "C1", 2000)
    fault = {"kind": "status", "status": 503, "on": "GET /payments", "times": 99}
    with till.desk.hub.faults(fault, organisation=till.desk.name):
        done = till.desk.command("plan", "--json")
        assert done.returncode == 0
        assert "503" in json.loads(done.stdout)[0]["unread"]
        assert "Upflow collected could not be read" in till.desk.command("plan").stdout
        writes = len(till.desk.writes())
        done = till.desk.command("apply", "--patience", "1s")
        assert done.returncode == 5 and "nothing was sent" in done.stderr
        assert len(till.desk.writes()) == writes
    assert till.sync()[1].balanced


@together
def test_a_collected_payment_that_was_deleted_in_upflow_is_not_claimed(case: Case) -> Story:
    till = Visit(case)
    yield
    id = till.collect("C1", 2000)
    case.shop.payment("P0", "C1", 77, {"I1": 77})
    yield
    case.desk.request("DELETE", f"/payments/{id}")
    case.shop.payment("P1", "C1", 2000)
    plan, proof = (yield).both
    assert plan.claims == [] and proof.balanced and till.balance() == 10000 - 2077


def test_a_payment_that_was_refused_before_is_claimed_when_its_money_turns_up(
    make_till: Callable[..., Till],
) -> None:
    till = make_till('claims = "off"')
    till.collect("C1", 10000, settles={"I1": 10000})
    till.shop.payment("P1", "C1", 10000, {"I1": 10000})
    till.sync()
    assert till.desk.plan().held
    config = till.shop.folder / "headrace.toml"
    config.write_text(config.read_text().replace('claims = "off"', ""))
    plan, proof = till.sync()
    assert len(plan.claims) == 1 and plan.held == [] and proof.balanced
