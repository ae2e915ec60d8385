"""The three ways in which contacts travel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk import HubDesk, apply_in_step, prove_in_step
from shop import Shop


def _shop(folder: Path, rule: str) -> Shop:
    shop = Shop(folder / "shop", more=f'contacts = "{rule}"')
    for customer in ("A", "B"):
        shop.customer(customer)
        shop.run(
            "insert into contacts values (?, ?, 'k/1', 'Jane', 1)", customer, f"jane@{customer}.io"
        )
    return shop


def _contacts(desk: HubDesk, customer: str) -> list[tuple[Any, ...]]:
    there = desk.get(f"/customers/external:{customer}/contacts")["contacts"]
    return sorted((c["email"], c["externalId"], c["firstName"]) for c in there)


def _requests(desk: HubDesk, since: int) -> list[str]:
    return [f"{write.method} {write.path[3:]}" for write in desk.writes(since)]


def test_separately_those_that_people_added_stay(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = _shop(tmp_path, "separately")
    desk = new_desk(shop.folder)
    plan, outcome, _ = apply_in_step(desk)
    assert plan.requests == outcome.sent == 4
    assert _contacts(desk, "A") == [("jane@A.io", "k/1", "Jane")]
    desk.post("/customers/external:A/contacts", {"email": "added@a.io", "firstName": "Ann"})
    shop.run("update customers set name = 'New name'")
    shop.run("update contacts set first_name = 'Janet' where customer_external_id = 'A'")
    before = len(desk.writes())
    apply_in_step(desk)
    assert sorted(_requests(desk, before)) == [
        "POST /customers",
        "POST /customers",
        "PUT /customers/external:A/contacts/external:k%2F1",
    ]
    assert _contacts(desk, "A") == [("added@a.io", None, "Ann"), ("jane@A.io", "k/1", "Janet")]
    shop.run("delete from contacts where customer_external_id = 'A'")
    before = len(desk.writes())
    desk.apply()
    assert _requests(desk, before) == ["DELETE /customers/external:A/contacts/external:k%2F1"]
    assert _contacts(desk, "A") == [("added@a.io", None, "Ann")]
    shop.run("delete from customers where external_id = 'B'")
    shop.run("delete from contacts")
    apply_in_step(desk)
    shop.close()


def test_separately_a_contact_needs_an_id_of_its_own(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = _shop(tmp_path, "separately")
    shop.contact("A", "nameless@a.io")
    shop.run("delete from customers where external_id = 'B'")
    desk = new_desk(shop.folder)
    plan, outcome = desk.apply()
    assert outcome.sent == 2
    assert {f"{p.external_id} {p.problem}" for p in plan.problems if p.severity == "error"} == {
        'A/nameless@a.io of customer A has no external_id, by which contacts = "separately" '
        "knows it",
        "k/1 belongs to customer B, which is not in the table customers",
    }
    shop.close()


def test_never(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> None:
    shop = _shop(tmp_path, "never")
    desk = new_desk(shop.folder)
    desk.apply()
    assert _contacts(desk, "A") == []
    desk.post("/customers/external:A/contacts", {"email": "added@a.io", "firstName": "Ann"})
    shop.run("update contacts set first_name = 'Janet'")
    prove_in_step(desk)
    shop.run("update customers set name = 'New name'")
    desk.apply()
    assert _contacts(desk, "A") == [("added@a.io", None, "Ann")]
    shop.close()


def test_a_contact_of_a_refused_customer_waits(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = _shop(tmp_path, "separately")
    shop.run("update customers set name = ? where external_id = 'A'", "x" * 10_001)
    desk = new_desk(shop.folder)
    _, outcome, left = desk.apply_and_look()
    assert (outcome.sent, outcome.rejected, outcome.held) == (2, 1, 1)
    assert {one.reason for one in left.held if one.entity == "contact"} == {
        "its customer A was refused"
    }
    shop.run("update customers set name = 'short' where external_id = 'A'")
    apply_in_step(desk)
    shop.close()
