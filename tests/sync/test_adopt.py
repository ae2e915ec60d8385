"""Starting with an API that already holds data: nothing is sent twice, nothing of others moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desk import HubDesk, sent
from shop import DAY, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    for name in ("A", "B"):
        shop.customer(name)
        shop.contact(name, f"jane@{name}.io")
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 60, {f"I{name}": 60})
    shop.credit_note("N", "A", 10, {"IA": 10})
    shop.refund("R", "A", 0)
    yield shop
    shop.close()


def forget(desk: HubDesk) -> None:
    """As on a machine that has never delivered for the organisation."""
    for path in (desk.folder / ".headrace" / "shop").iterdir():
        path.unlink()


def adopt(desk: HubDesk, *words: str, code: int = 0) -> Any:
    done = desk.command("adopt", "--json", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return msgspec.json.decode(done.stdout)


def settle(desk: HubDesk) -> None:
    """An apply, after which nothing is left to do, and the API has what the journal says."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        outcome = asyncio.run(organisation.apply(organisation.plan(), "apply"))
        assert (outcome.rejected, outcome.held) == (0, 0)
        organisation.compare()
        assert organisation.plan().empty
        report = asyncio.run(organisation.remote.drift())
        assert report.empty, (report.drifted, report.gone)


def test_what_is_there_is_known_afterwards_and_only_differences_are_sent(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    forget(desk)
    desk.request("PUT", "/customers/external:A", {"name": "Renamed"})
    desk.request("PUT", "/payments/external:PB", {"linkedInvoices": []})
    desk.post("/customers", {"name": "A stranger", "externalId": "S"})
    shop.customer("C")
    before = len(desk.writes())
    shown = adopt(desk)["adoption"]
    assert (shown["same"], shown["known"], shown["strangers"]) == (6, 0, 1)
    assert {(one["entity"], one["external_id"]): one["fields"] for one in shown["differing"]} == {
        ("customer", "A"): [["name", "Customer A", "Renamed"]],
        ("payment", "PB"): [["linkedInvoices[IB]", "60", ""]],
    }
    written = adopt(desk, "--write")["adoption"]
    assert (written["same"], written["known"]) == (6, 0), "only shown, so nothing was known yet"
    again = adopt(desk, "--write")["adoption"]
    assert (again["same"], again["known"], again["differing"]) == (0, 8, [])
    assert len(desk.writes(before)) == 0
    settle(desk)
    assert sent(desk.writes(before)) == {
        ("customer", "A"): 1,
        ("customer", "C"): 1,
        ("payment", "PB"): 1,
    }
    assert desk.get("/customers/external:S")["name"] == "A stranger"


def by_hand(desk: HubDesk) -> dict[str, str]:
    """What people typed into Upflow, without external ids; the API's ids by name."""
    ids = {}
    for name, email in (("customer a", "x@a.io"), ("Bee Ltd", "JANE@b.io"), ("Stranger", "s@s")):
        contacts = [{"email": email}] if "." in email else []
        ids[name] = desk.typed({"name": name, "contacts": contacts})["id"]
    for number, owner, amount in (("No IA", "customer a", 100), ("No IB", "Bee Ltd", 101)):
        ids[number] = desk.post(
            "/invoices",
            {
                "customId": number,
                "customer": {"id": ids[owner]},
                "issuedAt": DAY,
                "dueDate": DAY,
                "currency": "EUR",
                "grossAmount": amount,
                "netAmount": amount,
            },
        )["id"]
    ids["ref"] = desk.post(
        "/payments",
        {
            "customer": {"id": ids["customer a"]},
            "currency": "EUR",
            "amount": 60,
            "validatedAt": DAY,
            "refNumber": "ref-pa",
        },
    )["id"]
    return ids


def test_records_made_by_hand_are_proposed_looked_at_and_linked(
    shop: Shop, new_desk: Callable[[Path], HubDesk], tmp_path: Path
) -> None:
    shop.run("update payments set ref_number = 'REF-PA' where external_id = 'PA'")
    desk = new_desk(shop.folder)
    ids = by_hand(desk)
    before = len(desk.writes())
    file = tmp_path / "proposals.csv"
    shown = adopt(desk, "--proposals", str(file))["adoption"]["proposals"]
    proposed = {(one["entity"], one["id"], one["external_id"]) for one in shown}
    assert proposed == {
        ("customer", ids["customer a"], "A"),
        ("customer", ids["Bee Ltd"], "B"),
        ("invoice", ids["No IA"], "IA"),
        ("payment", ids["ref"], "PA"),
    }
    kept = [line for line in file.read_text("utf-8").splitlines() if ",B," not in line]
    assert len(kept) == 4
    file.write_text("\n".join(kept) + "\n", "utf-8")
    said = desk.command("adopt", "--accept", str(file))
    assert (said.returncode, len(desk.writes(before))) == (0, 0)
    assert "a contact's e-mail" in said.stdout and "with --write it is" in said.stdout
    linked = adopt(desk, "--accept", str(file), "--write")["linked"]
    assert linked == {"made": 3, "refused": []}
    assert len(desk.writes(before)) == 3
    assert desk.get("/customers/external:A")["id"] == ids["customer a"]
    assert desk.get("/payments/external:PA")["linkedInvoices"][0]["linkedAmount"] == 60
    assert desk.command("adopt", "--accept", str(file), "--write").returncode == 6
    assert adopt(desk, "--accept-all", "--write")["linked"]["made"] == 1
    settle(desk)
    once = sent(desk.writes(before))
    assert (len(once), set(once.values())) == (8, {1})
    names = {one["name"]: one["externalId"] for one in desk.get("/customers")["customers"]}
    assert names == {"Customer A": "A", "Customer B": "B", "Stranger": None}


def test_a_payment_is_linked_before_the_invoice_that_it_settles_is_there(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop.run("update payments set ref_number = 'REF-PA' where external_id = 'PA'")
    desk = new_desk(shop.folder)
    ids = by_hand(desk)
    desk.request("DELETE", f"/invoices/{ids['No IA']}")
    assert adopt(desk, "--accept-all", "--write")["linked"] == {"made": 3, "refused": []}
    assert desk.get("/payments/external:PA")["linkedInvoices"] == []
    settle(desk)
    assert desk.get("/payments/external:PA")["linkedInvoices"][0]["linkedAmount"] == 60


def test_twins_are_not_proposed(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    desk.typed({"name": "Customer A"})
    desk.typed({"name": "CUSTOMER A"})
    assert adopt(desk)["adoption"]["proposals"] == []


def test_an_interrupted_adoption_goes_on(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    shop.run("update payments set ref_number = 'REF-PA' where external_id = 'PA'")
    desk = new_desk(shop.folder)
    by_hand(desk)
    process = desk.start("adopt", "--accept-all", "--write")
    before = len(desk.writes())
    while len(desk.writes()) < before + 2 and process.process.poll() is None:
        time.sleep(0.01)
    process.process.kill()
    process.communicated()
    adopt(desk, "--accept-all", "--write")
    settle(desk)
    assert len(desk.get("/customers")["customers"]) == 3


def test_a_file_that_is_no_list_of_proposals_is_refused_with_its_line(
    shop: Shop, new_desk: Callable[[Path], HubDesk], tmp_path: Path
) -> None:
    desk = new_desk(shop.folder)
    file = tmp_path / "p.csv"
    file.write_text("entity,id,external_id\ncustomer,abc,A\nbill,1,2\n", "utf-8")
    done = desk.command("adopt", "--accept", str(file))
    assert done.returncode == 6 and "p.csv line 3: entity (customer" in done.stderr
    file.write_text("entity,id,external_id\ncustomer,abc,A\n", "utf-8")
    done = desk.command("adopt", "--accept", str(file), "--write")
    assert done.returncode == 6 and "the API has no customer abc" in done.stderr


def test_contacts_that_travel_alone_are_known_by_their_own_ids(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more='contacts = "separately"')
    shop.customer("A")
    for number in (1, 2):
        shop.run(
            "insert into contacts (customer_external_id, email, external_id) values ('A', ?, ?)",
            f"{number}@a.io",
            f"c{number}",
        )
    desk = new_desk(shop.folder)
    desk.apply()
    forget(desk)
    desk.request("PUT", "/customers/external:A/contacts/external:c2", {"firstName": "Jo"})
    shop.run("update contacts set first_name = 'Jane' where external_id = 'c2'")
    before = len(desk.writes())
    found = adopt(desk, "--write")["adoption"]
    assert (found["same"], [one["external_id"] for one in found["differing"]]) == (2, ["A/c2"])
    desk.apply()
    assert len(desk.writes(before)) == 1
    contacts = desk.get("/customers/external:A")["contacts"]
    assert {one["externalId"]: one["firstName"] for one in contacts} == {"c1": "", "c2": "Jane"}
    shop.close()
