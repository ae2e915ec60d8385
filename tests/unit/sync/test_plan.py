"""The plan as a value: its arithmetic, and when it is refused."""

import pytest
from msgspec import structs

from headrace.model.errors import UnsafePlan
from headrace.model.guards import GuardSettings
from headrace.sync.planning.plan import Count, Plan, duration, least_seconds
from headrace.sync.planning.shift import OpenShift, Shift


def plan(
    applied: dict[str, int], counts: list[Count], desired: dict[str, int] | None = None
) -> Plan:
    return Plan(
        organisation="acme",
        made_at="2026-11-22T00:00:00.000Z",
        counts=counts,
        money=[],
        requests=sum(count.count for count in counts),
        open_requests=0,
        longest_lane=1,
        rate=600,
        in_flight=5,
        applied=applied,
        desired=desired if desired is not None else applied,
    )


@pytest.mark.parametrize(
    ("applied", "counts", "said"),
    [
        (
            {"invoice": 1000},
            [Count("invoice", "delete", 101)],
            "deletes 101 of 1,000 invoices (10%",
        ),
        ({"customer": 20}, [Count("customer", "update", 7)], "changes 7 of 20 customers (35%"),
        ({"invoice": 5}, [Count("invoice", "delete", 5)], None),
        ({"invoice": 1000}, [Count("invoice", "delete", 100)], None),
        ({"customer": 20}, [Count("customer", "update", 6)], None),
        ({"payment": 1000}, [Count("payment", "update", 1000)], None),
        ({"invoice": 1000}, [Count("invoice", "update", 301)], "changes 301 of 1,000 invoices"),
        ({"contact": 30}, [Count("contact", "delete", 30)], "deletes 30 of 30 contacts"),
        ({"invoice": 200}, [Count("invoice", "create", 500)], None),
    ],
)
def test_a_plan_that_changes_too_much_is_refused_with_its_figures(
    applied: dict[str, int], counts: list[Count], said: str | None
) -> None:
    made = plan(applied, counts)
    if said is None:
        made.raise_if_unsafe()
        return
    with pytest.raises(UnsafePlan) as error:
        made.raise_if_unsafe()
    assert said in str(error.value)
    assert "--force" in str(error.value)


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (Shift(settled=100, reopened=6), "reopens 6 of 100 settled invoices (6%"),
        (Shift(settled=100, reopened=5), None),
        (Shift(settled=4, reopened=2), None),
        (Shift(links=100, flawed_links=21), "withhold 21 of 100 allocations"),
        (Shift(withheld={"invoice": 21}), "withhold 21 of 100 invoices"),
        (Shift(amounts={"invoice": 11}), "changes the amounts of 11 of 100 invoices"),
        (Shift(currencies={"invoice": 6}), "changes the currency of 6 of 100 invoices"),
        (Shift(contacts=80, contacts_removed=20), "removes 20 of 100 contacts"),
        (
            Shift(open=[OpenShift("EUR", 3, 10_000, 990_000)]),
            "3 changed documents move the outstanding amount from EUR 100.00 to EUR 10,000.00",
        ),
        (Shift(open=[OpenShift("EUR", 2, 10_000, 990_000)]), None),
        (Shift(open=[OpenShift("EUR", 9, 10_000, -3_000)]), None),
    ],
)
def test_what_a_plan_moves_has_limits(shift: Shift, said: str | None) -> None:
    made = structs.replace(plan({"invoice": 100}, []), shift=shift)
    assert made.objections == [] if said is None else said in made.objections[0]


def test_many_new_records_are_refused_once_the_first_import_is_complete() -> None:
    made = plan({"invoice": 200}, [Count("invoice", "create", 201)])
    made.raise_if_unsafe()
    made = structs.replace(made, shift=Shift(imported=True))
    with pytest.raises(UnsafePlan, match="creates 201 invoices, while the API has 200"):
        made.raise_if_unsafe()
    structs.replace(made, guards=GuardSettings(creations=2)).raise_if_unsafe()


def test_an_empty_source_is_refused() -> None:
    with pytest.raises(UnsafePlan, match="came back empty, while the API has 3 records"):
        plan({"invoice": 3}, [Count("invoice", "delete", 3)], {}).raise_if_unsafe()


@pytest.mark.parametrize(
    ("requests", "seconds"), [(0, 0), (1, 0), (600, 0), (601, 60), (1800, 120), (36_001, 3600)]
)
def test_the_least_time_is_arithmetic(requests: int, seconds: float) -> None:
    assert least_seconds(requests, 600) == seconds


def test_a_duration_counts_bursts_latency_and_the_longest_lane() -> None:
    assert duration(0, 600, 5, 0.3, 0) == 0
    assert duration(600, 600, 5, 0.05, 1) == pytest.approx(6.0)
    assert duration(1200, 600, 5, 0.05, 1) == pytest.approx(66.05)
    assert duration(1200, 600, 5, 1.0, 1) == pytest.approx(240.0)
    assert duration(100, 600, 5, 0.1, 90) == pytest.approx(9.0, rel=0.01)
