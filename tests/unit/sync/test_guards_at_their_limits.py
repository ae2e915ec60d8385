"""Guards exactly at their limits and just beyond, with their sentences."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.model.guards import GuardSettings
from headrace.sync.planning.guards import Guards
from headrace.sync.planning.shift import OpenShift, Shift

SETTINGS = GuardSettings()


def objections(
    there: dict[str, int],
    counts: dict[tuple[str, str], int] | None = None,
    desired: dict[str, int] | None = None,
    settings: GuardSettings = SETTINGS,
    **shift: Any,
) -> list[str]:
    given = counts or {}
    return Guards(
        settings,
        there,
        there if desired is None else desired,
        lambda entity, action: given.get((entity, action), 0),
        Shift(**shift),
    ).objections()


def test_nothing_is_said_of_a_plan_that_changes_nothing() -> None:
    assert objections({"invoice": 1_000, "contact": 50}) == []
    assert objections({}) == []


@pytest.mark.parametrize(
    ("entity", "action", "fine", "said"),
    [
        ("invoice", "delete", 10, "it deletes 11 of 100 invoices (11%, the limit is 10%)"),
        ("credit_note", "delete", 10, "it deletes 11 of 100 credit notes (11%, the limit is 10%)"),
        ("payment", "delete", 10, "it deletes 11 of 100 payments (11%, the limit is 10%)"),
        ("contact", "delete", 10, "it deletes 11 of 100 contacts (11%, the limit is 10%)"),
        ("customer", "update", 30, "it changes 31 of 100 customers (31%, the limit is 30%)"),
        ("contact", "update", 30, "it changes 31 of 100 contacts (31%, the limit is 30%)"),
    ],
)
def test_a_limit_may_be_reached_and_not_passed(
    entity: str, action: str, fine: int, said: str
) -> None:
    assert objections({entity: 100}, {(entity, action): fine}) == []
    assert objections({entity: 100}, {(entity, action): fine + 1}) == [said]


@pytest.mark.parametrize("entity", ["payment", "refund"])
def test_payments_and_refunds_may_all_change(entity: str) -> None:
    assert objections({entity: 100}, {(entity, "update"): 100}) == []


@pytest.mark.parametrize(
    ("figure", "fine", "said"),
    [
        ("withheld", 20, "errors withhold 21 of 100 invoices (21%, the limit is 20%)"),
        ("amounts", 10, "it changes the amounts of 11 of 100 invoices (11%, the limit is 10%)"),
        ("currencies", 5, "it changes the currency of 6 of 100 invoices (6%, the limit is 5%)"),
    ],
)
def test_each_figure_of_an_entity_has_its_limit(figure: str, fine: int, said: str) -> None:
    assert objections({"invoice": 100}, **{figure: {"invoice": fine}}) == []
    assert objections({"invoice": 100}, **{figure: {"invoice": fine + 1}}) == [said]
    assert objections({"invoice": 100}, **{figure: {"customer": 100}}) == []


def test_ten_records_of_an_entity_may_always_change() -> None:
    counts = {("invoice", "delete"): 10, ("invoice", "update"): 10}
    assert objections({"invoice": 10}, counts, withheld={"invoice": 10}) == []
    assert len(objections({"invoice": 11}, counts, withheld={"invoice": 10})) == 3


def test_new_records_are_limited_after_the_first_import_and_beyond_a_hundred() -> None:
    counts = {("invoice", "create"): 101}
    said = ["it creates 101 invoices, while the API has 100 (101%, the limit is 100%)"]
    assert objections({"invoice": 100}, counts, imported=True) == said
    assert objections({"invoice": 101}, counts, imported=True) == []
    assert objections({"invoice": 100}, counts) == []
    assert objections({"invoice": 50}, {("invoice", "create"): 100}, imported=True) == []
    assert objections({"invoice": 10}, counts, imported=True) == []
    assert len(objections({"invoice": 11}, counts, imported=True)) == 1


def test_three_invoices_may_be_reopened_out_of_sixty() -> None:
    assert objections({}, settled=60, reopened=3) == []
    assert objections({}, settled=59, reopened=3) == [
        "it reopens 3 of 59 settled invoices (5%, the limit is 5%)"
    ]
    assert objections({}, settled=2, reopened=2) == []
    assert objections({}, settled=0, reopened=3) == [
        "it reopens 3 of 3 settled invoices (100%, the limit is 5%)"
    ]


def test_ten_allocations_may_always_be_in_error() -> None:
    assert objections({}, links=10, flawed_links=10) == []
    assert objections({}, links=55, flawed_links=11) == []
    assert objections({}, links=54, flawed_links=11) == [
        "errors withhold 11 of 54 allocations (20%, the limit is 20%)"
    ]


def test_removed_contacts_are_a_share_of_those_that_were_there() -> None:
    assert objections({}, contacts=0, contacts_removed=10) == []
    assert objections({}, contacts=9, contacts_removed=2) == [
        "it removes 2 of 11 contacts (18%, the limit is 10%)"
    ]
    assert objections({}, contacts=90, contacts_removed=10) == []
    assert objections({}, contacts=89, contacts_removed=10) != []


def test_what_is_open_may_move_by_its_share_once_three_documents_move_it() -> None:
    def moved(documents: int, before: int, change: int) -> list[str]:
        return objections({}, open=[OpenShift("EUR", documents, before, change)])

    assert moved(3, 10_000, 3_000) == []
    assert moved(3, 10_000, -3_000) == []
    assert moved(2, 10_000, 9_000) == []
    assert moved(3, 10_000, -3_001) == [
        "3 changed documents move the outstanding amount "
        "from EUR 100.00 to EUR 69.99 (the limit is 30%)"
    ]
    assert moved(1_200, 10_000, 3_001) == [
        "1,200 changed documents move the outstanding amount "
        "from EUR 100.00 to EUR 130.01 (the limit is 30%)"
    ]
    assert moved(3, -10_000, 1) != []
    assert moved(3, 0, 1) != []
    wide = GuardSettings(money=9)
    assert objections({}, settings=wide, open=[OpenShift("EUR", 3, 0, 5)]) != []


def test_one_currency_that_hardly_moves_hides_no_other() -> None:
    few, many = OpenShift("CHF", 2, 100, 900), OpenShift("EUR", 3, 100, 900)
    assert len(objections({}, open=[few, many])) == 1


def test_a_source_that_came_back_empty_is_told() -> None:
    said = ["the source came back empty, while the API has 1,003 records"]
    there = {"invoice": 3, "customer": 1_000}
    assert objections(there, desired={}) == said
    assert objections(there, desired={"invoice": 0}) == said
    assert objections(there, desired={"invoice": 1}) == []
    assert objections({}, desired={}) == []


def test_sentences_come_in_the_order_of_the_entities_then_links_then_money() -> None:
    found = objections(
        {"invoice": 100, "customer": 100, "contact": 100},
        {(entity, "delete"): 100 for entity in ("invoice", "customer", "contact")},
        desired={},
        settled=9,
        reopened=9,
        open=[OpenShift("EUR", 3, 1, 9)],
    )
    assert [sentence.split(" of ")[0] for sentence in found] == [
        "the source came back empty, while the API has 300 records",
        "it deletes 100",
        "it deletes 100",
        "it deletes 100",
        "it reopens 9",
        "3 changed documents move the outstanding amount "
        "from EUR 0.01 to EUR 0.10 (the limit is 30%)",
    ]
    assert "customers" in found[1] and "invoices" in found[2] and "contacts" in found[3]


def test_each_limit_is_a_setting_of_its_own() -> None:
    loose = GuardSettings(
        deletions=1,
        changes=1,
        unlinked=1,
        withheld=1,
        amounts=1,
        currencies=1,
        money=9,
        creations=9,
    )
    counts = {("invoice", action): 101 for action in ("delete", "update", "create")}
    figures: dict[str, Any] = {
        "imported": True,
        "withheld": {"invoice": 101},
        "amounts": {"invoice": 101},
        "currencies": {"invoice": 101},
        "settled": 100,
        "reopened": 100,
        "links": 100,
        "flawed_links": 100,
        "contacts": 0,
        "contacts_removed": 100,
        "open": [OpenShift("EUR", 3, 100, 800)],
    }
    assert objections({"invoice": 101}, counts, settings=loose, **figures) == []
