"""Account managers, dunning plans and custom fields: names in the source, ids at the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desk import HubDesk, apply_in_step, prove_in_step
from shop import Shop

from headrace.model.errors import Unreachable
from headrace.store.records.directory import make_dunning_plan, make_user
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = _shop(tmp_path)
    yield shop
    shop.close()


def _shop(folder: Path, more: str = "") -> Shop:
    shop = Shop(folder / "shop", more=more)
    for column in ("account_manager", "dunning_plan", "custom_fields"):
        shop.run(f"alter table customers add column {column} text")
    return shop


def _set(shop: Shop, customer: str, **columns: Any) -> None:
    for name, value in columns.items():
        shop.run(f"update customers set {name} = ? where external_id = ?", value, customer)


def _warnings(plan: Plan) -> list[str]:
    return [
        f"{p.external_id} {p.problem}"
        for p in plan.problems
        if p.problem != "has no rows in its table"
    ]


def test_names_become_ids(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    jane = desk.administer(make_user, email="Jane@x.io").id
    plan = desk.administer(make_dunning_plan, name="Gentle").id
    for name in ("A", "B", "C"):
        shop.customer(name)
    _set(shop, "A", account_manager="jane@X.io", dunning_plan="gentle")
    _set(shop, "B", account_manager=jane, dunning_plan=plan)
    _, outcome, _ = apply_in_step(desk)
    assert outcome.sent == 3
    for name in ("A", "B"):
        there = desk.get(f"/customers/external:{name}")
        assert (there["accountManagerId"], there["dunningPlanId"]) == (jane, plan)
    _set(shop, "A", dunning_plan=None)
    _, outcome = desk.apply()
    assert outcome.sent == 1
    assert desk.get("/customers/external:A")["dunningPlanId"] is None
    assert desk.get("/customers/external:A")["accountManagerId"] == jane


def test_unknown_names_are_said_with_those_that_exist_and_found_later(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.administer(make_user, email="joe@x.io")
    shop.customer("A")
    _set(shop, "A", account_manager="jane@x.io", dunning_plan="Gentle")
    plan, outcome, _ = apply_in_step(desk)
    assert _warnings(plan) == [
        "A has the account manager 'jane@x.io', which the API does not have (it has: joe@x.io)",
        "A has the dunning plan 'Gentle', which the API does not have (it has: none)",
    ]
    assert (outcome.sent, outcome.rejected) == (1, 0)
    jane = desk.administer(make_user, email="jane@x.io").id
    _, outcome = desk.apply()
    assert outcome.sent == 1
    assert desk.get("/customers/external:A")["accountManagerId"] == jane


_VALUES = {
    "region": "North",
    "tags": ["a", "b"],
    "score": 12,
    "vip": True,
    "note": "hello",
    "gone": None,
}


def _values(desk: HubDesk, customer: str) -> dict[str, Any]:
    there = desk.get(f"/customers/external:{customer}")
    return {value["externalId"]: value["value"] for value in there.get("customFields", [])}


def test_missing_fields_are_created_once_and_values_follow_their_types(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    more = 'create_missing_custom_fields = true\ncustom_field_types = { region = "SELECT" }'
    shop = _shop(tmp_path, more)
    desk = new_desk(shop.folder)
    shop.customer("A")
    shop.customer("B")
    _set(shop, "A", custom_fields=msgspec.json.encode(_VALUES).decode())
    plan, outcome = desk.apply()
    assert set(plan.new_fields) == {
        "gone (TEXT)", "note (TEXT)", "region (SELECT)", "score (NUMBER)", "tags (MULTI_SELECT)",
        "vip (BOOLEAN)",
    }  # fmt: skip
    assert plan.requests == outcome.sent == 2
    assert len(desk.get("/custom_fields")["items"]) == 6
    assert _values(desk, "A") == {
        "region": {"label": "North"},
        "tags": [{"label": "a"}, {"label": "b"}],
        "score": 12,
        "vip": True,
        "note": "hello",
        "gone": None,
    }
    prove_in_step(desk)
    # A value that leaves is emptied, one that comes needs its own request only.
    _set(shop, "A", custom_fields='{"region": "South"}')
    _set(shop, "B", custom_fields='{"region": "north"}')
    assert _warnings(desk.plan()) == []
    _set(shop, "A", custom_fields='{"region": "North"}')
    plan, outcome = desk.apply()
    assert _warnings(plan) == [
        "* has labels of the custom field 'region' that differ only in case: North, north"
    ]
    assert plan.new_fields == [] and outcome.sent == 2
    assert _values(desk, "A") == {
        "region": {"label": "North"}, "tags": None, "score": None, "vip": None, "note": None,
        "gone": None,
    }  # fmt: skip
    assert _values(desk, "B") == {"region": {"label": "north"}}
    prove_in_step(desk)
    shop.close()


def test_unknown_fields_are_said_and_the_rest_travels(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    for name in ("A", "B"):
        shop.customer(name)
        _set(shop, name, custom_fields='{"a/b~c": "x"}')
    plan, outcome, _ = apply_in_step(desk)
    assert _warnings(plan) == [
        "A has the custom field 'a/b~c', as have 1 more, and the API does not (it has: none)"
    ]
    assert outcome.sent == 2


def test_names_of_the_last_time_serve_while_the_api_is_away(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    shop.customer("A")
    reached = desk.environment["HEADRACE_URL"]
    desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    with pytest.raises(Unreachable, match="nothing was changed"):
        desk.plan()
    desk.environment["HEADRACE_URL"] = reached
    assert desk.plan().requests == 1
    desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        assert organisation.plan().requests == 1


def test_fields_that_were_created_count_in_the_minute_of_what_follows(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = _shop(tmp_path, more="create_missing_custom_fields = true")
    desk = new_desk(shop.folder)
    shop.customer("A")
    _set(shop, "A", custom_fields='{"region": "North", "rank": "1"}')
    counted: list[int] = []
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())

        def watch(progress: Progress, delivery: Delivery) -> None:
            counted.append(progress.in_last_minute)

        asyncio.run(organisation.apply(organisation.plan(), "apply", watch))
    before = [record for record in desk.log() if record.entity != "customer"]
    assert [record.method for record in before].count("POST") == 2
    assert counted == [len(before)]
    shop.close()
