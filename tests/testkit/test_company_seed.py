"""Made-up companies for sandboxes: plausible, balanced, and the same for the same number."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import pytest

from headrace.store.admin.check import check_database
from headrace.store.engine.place import snapshot
from headrace.testkit.billing.company_seed import CompanyProfiles
from headrace.testkit.billing.family import families
from headrace.testkit.billing.profile import COMPANIES
from headrace.testkit.hub import RunningHub, hub
from headrace.testkit.hub_control import Sandbox

TODAY = date(2026, 11, 27)
PROFILES = CompanyProfiles()
PATHS = {"/customers", "/invoices", "/credit_notes", "/payments", "/refunds"}


def _bodies(profile: str, entities: int, number: int, today: date = TODAY) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for line in PROFILES.lines(profile, entities, number, today):
        assert line.method == "POST"
        found[line.path].append(line.body)
    return found


def _links(bodies: dict[str, list[Any]]) -> Iterator[tuple[str, str, int]]:
    """Yield (settlement, target, amount)."""
    for body in (*bodies["/payments"], *bodies["/credit_notes"], *bodies["/refunds"]):
        for kind in ("linkedInvoices", "linkedPayments", "linkedCreditNotes"):
            for link in body.get(kind, ()):
                (target,) = (value for name, value in link.items() if name != "amountLinked")
                yield body["externalId"], target["externalId"], link["amountLinked"]


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("profile", COMPANIES)
def test_every_company_has_all_that_happens(profile: str, number: int) -> None:
    bodies = _bodies(profile, 300, number)
    assert set(bodies) == PATHS
    applied: Counter[str] = Counter()
    for _, target, amount in _links(bodies):
        applied[target] += amount
    open_of = {
        body["externalId"]: body["grossAmount"] - applied[body["externalId"]]
        for body in bodies["/invoices"]
    }
    due = {body["externalId"]: date.fromisoformat(body["dueDate"]) for body in bodies["/invoices"]}
    paid = [id for id, left in open_of.items() if not left]
    partly = [id for id, left in open_of.items() if left and applied[id]]
    overdue = [id for id, left in open_of.items() if left and due[id] < TODAY]
    later = [id for id, left in open_of.items() if left and due[id] >= TODAY]
    assert min(open_of.values()) == 0, "no invoice is paid more than it is"
    assert len(paid) > len(open_of) / 2
    assert partly
    assert overdue
    assert len(later) + len(overdue) < len(open_of) / 2
    assert len(bodies["/credit_notes"]) > 3
    assert bodies["/refunds"]
    assert all(body["contacts"] for body in bodies["/customers"])
    assert all(sum(one["isMain"] for one in body["contacts"]) == 1 for body in bodies["/customers"])


def test_each_company_looks_like_itself() -> None:
    agency, wholesaler, saas = (
        _bodies(name, 1_500, 4) for name in ("agency", "wholesaler", "saas")
    )

    def currencies(bodies: dict[str, list[Any]]) -> set[str]:
        return {body["currency"] for body in bodies["/invoices"]}

    def children(bodies: dict[str, list[Any]]) -> float:
        return sum("parent" in body for body in bodies["/customers"]) / len(bodies["/customers"])

    def median(bodies: dict[str, list[Any]]) -> int:
        amounts = sorted(body["grossAmount"] for body in bodies["/invoices"])
        return int(amounts[len(amounts) // 2])

    assert currencies(agency) == {"EUR"}
    assert currencies(saas) == {"EUR", "USD", "GBP", "JPY", "KWD"}
    assert currencies(wholesaler) == {"EUR", "GBP"}
    assert children(wholesaler) > 0.5
    assert children(saas) < 0.2
    assert median(agency) > 3 * median(wholesaler) > 0
    days = defaultdict(list)
    for body in saas["/invoices"]:
        days[body["customer"]["externalId"]].append(date.fromisoformat(body["issuedAt"]))
    for issued in days.values():
        steps = {later - earlier for earlier, later in itertools.pairwise(issued)}
        assert steps <= {timedelta(30)}, "a subscription is billed every thirty days"


@pytest.mark.parametrize("profile", COMPANIES)
def test_parents_have_no_parents(profile: str) -> None:
    customers = _bodies(profile, 1_000, 2)["/customers"]
    parents = {body["parent"]["externalId"] for body in customers if "parent" in body}
    assert parents <= {body["externalId"] for body in customers if "parent" not in body}


@pytest.mark.parametrize("profile", COMPANIES)
def test_a_number_makes_the_same_company_at_the_same_distance_from_today(profile: str) -> None:
    one, again = _bodies(profile, 200, 7), _bodies(profile, 200, 7)
    assert one == again
    assert one != _bodies(profile, 200, 8)
    month = timedelta(30)
    moved = _bodies(profile, 200, 7, TODAY + month)
    for body, later in zip(one["/invoices"], moved["/invoices"], strict=True):
        assert body["grossAmount"] == later["grossAmount"]
        assert date.fromisoformat(later["dueDate"]) - date.fromisoformat(body["dueDate"]) == month


@pytest.mark.parametrize("entities", [1, 50, 1_000, 4_000])
def test_the_size_is_what_was_asked_for(entities: int) -> None:
    for profile in COMPANIES:
        made = len(PROFILES.lines(profile, entities, 1, TODAY))
        assert entities <= made <= entities + 350, "a family more at most"


def test_nothing_lies_in_the_future() -> None:
    for profile in COMPANIES:
        bodies = _bodies(profile, 500, 3)
        for path, field in (("/invoices", "issuedAt"), ("/credit_notes", "issuedAt"),
                            ("/payments", "validatedAt"), ("/refunds", "validatedAt")):  # fmt: skip
            assert max(body[field] for body in bodies[path]) <= TODAY.isoformat()


# in a hub --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[RunningHub]:
    with hub() as made:
        yield made


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("profile", COMPANIES)
def test_a_hub_takes_it_and_its_books_balance(
    running: RunningHub, profile: str, number: int
) -> None:
    with running.sandbox(seed=profile, entities=250, number=number) as sandbox:
        bodies = _bodies(profile, 250, number)
        assert sandbox.counts == {path[1:]: len(bodies[path]) for path in sorted(PATHS)}
        with snapshot(running.place) as db:
            assert list(check_database(db)) == []
        assert {one["state"] for one in _all(sandbox, "invoices")} == {"PAID", "DUE", "OVERDUE"}


def test_at_a_stopped_time_the_answers_of_one_name_are_the_same(running: RunningHub) -> None:
    found = []
    for _ in range(2):
        with running.sandbox(
            name="same", seed="wholesaler", number=3, clock="2026-03-01"
        ) as sandbox:
            found.append([_all(sandbox, name) for name in ("customers", "invoices", "refunds")])
    assert found[0] == found[1]
    assert max(one["issuedAt"] for one in found[0][1]) <= "2026-03-01T00:00:00.000Z"


def _all(sandbox: Sandbox, plural: str) -> list[dict[str, Any]]:
    url = f"{sandbox.url}/{plural}?limit=500"
    with urlopen(Request(url, headers=sandbox.headers)) as answer:
        page: dict[str, Any] = json.load(answer)
    (entries,) = (value for value in page.values() if isinstance(value, list))
    assert page["total"] == len(entries)
    return list(entries)


# the generator of databases --------------------------------------------------------------------


def test_generated_databases_are_as_they_were() -> None:
    """`headrace generate` of a seed gives what it gave before there were profiles."""
    digest = hashlib.sha256()
    for rows in families(Random(1), date(2026, 11, 20), 3_000):
        digest.update(repr(rows).encode())
    assert digest.hexdigest().startswith("efd840bf6589d428")
