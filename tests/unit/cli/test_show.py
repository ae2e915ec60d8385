"""What a person reads: plans, problems, outcomes and proofs as text."""

import io

import pytest
from rich.console import Console

from headrace.book.checks.checks import Problem
from headrace.cli.show.console import duration_text
from headrace.cli.show.plans import show_outcome, show_plan
from headrace.cli.show.reconciled import show_reconciled
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.planning.plan import Change, Count, Money, Plan, Withheld
from headrace.sync.remote.proof import CurrencyTotal, Difference, DocumentDifference, Reconciled


def plan(**more: object) -> Plan:
    given = {
        "organisation": "acme",
        "made_at": "2026-11-22T00:00:00.000Z",
        "counts": [Count("invoice", "create", 1204), Count("customer", "update", 3)],
        "money": [Money("invoice", "create", "EUR", 148230050)],
        "requests": 1207,
        "open_requests": 200,
        "longest_lane": 10,
        "rate": 600,
        "in_flight": 5,
    }
    return Plan(**{**given, **more})  # type: ignore[arg-type]


def shown(show: object, *values: object) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False, soft_wrap=True)
    show(console, *values)  # type: ignore[operator]
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_plan_shows_counts_money_requests_and_times() -> None:
    text = shown(show_plan, plan())
    assert "EUR 1,482,300.50" in text
    assert "1,204" in text
    assert "1,207 requests: at least 2 min at 600 a minute" in text
    assert "open items complete after 200 requests" in text


def test_a_faster_rate_still_shows_upflows_time() -> None:
    assert "at Upflow's 600 a minute: at least 2 min" in shown(show_plan, plan(rate=6000))


def test_an_empty_plan_says_so() -> None:
    assert "Nothing to send" in shown(show_plan, plan(requests=0))


def test_changes_problems_and_what_stays_are_spelled_out() -> None:
    text = shown(
        show_plan,
        plan(
            changes=[Change("customer", "c[1]", "update", [("contacts[k].email", "a@x", "b@x")])],
            problems=[Problem("error", "invoice", "i1", "has no name", "name it")],
            withheld=[Withheld("invoice", "i1", "has no name")],
            held=[Withheld("payment", "p1", "refused before: no such invoice")],
        ),
    )
    assert "changed customer c[1]" in text
    assert "contacts[k].email: a@x → b@x" in text
    assert "error: invoice i1 has no name; name it" in text
    assert "Withheld: 1 invoice\n" in text
    assert "payment p1: refused before: no such invoice" in text
    assert "… and 1,206 more" in text


def test_one_cause_is_said_once() -> None:
    many = [Withheld("invoice", f"i{n}", "its customer c1 is withheld") for n in range(500)]
    text = shown(show_plan, plan(withheld=many))
    assert "Withheld: 500 invoices" in text
    assert "invoice i0 (and 499 more): its customer c1 is withheld" in text
    assert text.count("is withheld") == 1


def test_an_outcome_says_what_is_left_and_what_to_do() -> None:
    outcome = DeliveryOutcome(
        sent=1000, rejected=2, held=1, left=204, retries=7, throttled=1, seconds=99.2,
        open_complete_after=None, interrupted=False,
    )  # fmt: skip
    text = shown(show_outcome, plan(), outcome)
    assert "Sent 1,000 of 1,207 requests in 1 min 40 s, retried 7 times" in text
    assert "2 rejected: `headrace rejects list` says why" in text
    assert "204 left: run `headrace apply` again" in text


def test_a_difference_names_the_documents_that_explain_it() -> None:
    proof = Reconciled(
        organisation="acme",
        made_at="2026-11-22T00:00:00.000Z",
        customers=2,
        documents=5,
        balances=2,
        totals=[CurrencyTotal("JPY", 2, 1500, 1000)],
        differences=[
            Difference(
                "c1", "JPY", 1500, 1000,
                [DocumentDifference("invoice", "i1", 500, 0, "not in the API: not sent yet")],
            )
        ],
        statements=[],
    )  # fmt: skip
    text = shown(show_reconciled, proof)
    assert text.startswith("differs  acme")
    assert "customer c1: models JPY 1,500, API JPY 1,000" in text
    assert "invoice i1: JPY 500 / JPY 0, not in the API: not sent yet" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_reads_as_people_say_it(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
