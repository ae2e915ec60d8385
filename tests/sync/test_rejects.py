"""What the API refused: looked at, tried again, ignored, mended at the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from desk import HubDesk, apply_in_step, sent
from shop import Shop

_LONG = "x" * 10_001


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    for name in ("A", "B"):
        shop.customer(name)
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 100, {f"I{name}": 100})
    shop.run("update customers set name = ? where external_id = 'A'", _LONG)
    yield shop
    shop.close()


def test_a_record_mended_at_the_source_arrives_with_its_dependents_and_nothing_else_moves(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected, outcome.held) == (3, 1, 2)
    before = len(desk.writes())
    _, outcome = desk.apply()
    assert outcome.sent == len(desk.writes(before)) == 0
    shop.run("update customers set name = 'A' where external_id = 'A'")
    apply_in_step(desk)
    assert sent(desk.writes(before)) == {
        ("customer", "A"): 1,
        ("invoice", "IA"): 1,
        ("payment", "PA"): 1,
    }


def test_list_show_retry(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    assert "Nothing is refused." in desk.command("rejects", "list").stdout
    assert desk.command("apply").returncode == 4
    listed = desk.command("rejects", "list").stdout
    assert listed.startswith(f"customer/A ({_LONG[:59]}…): 400 name: ")
    shown = desk.command("rejects", "show", "customer/A").stdout
    assert "the API says: name: " in shown and '"externalId": "A"' in shown
    document = msgspec.json.decode(desk.command("rejects", "show", "customer/A", "--json").stdout)
    assert document["payload"]["externalId"] == "A" and document["status"] == 400
    unknown = desk.command("rejects", "retry", "customer/B")
    assert unknown.returncode == 6 and "customer/B is not refused" in unknown.stderr
    assert desk.command("rejects", "retry").returncode == 6
    before = len(desk.writes())
    assert desk.command("rejects", "retry", "customer/A").returncode == 0
    assert desk.command("apply").returncode == 4
    assert len(desk.writes(before)) == 1


def test_ignored_ones_are_not_spoken_of_until_their_rows_change(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    _, _, left = desk.apply_and_look()
    assert {one.external_id for one in left.held} == {"A", "IA", "PA"}
    assert desk.command("rejects", "ignore", "--all").returncode == 0
    assert desk.plan().held == []
    assert desk.command("apply").returncode == 0
    assert "(ignored)" in desk.command("rejects", "list").stdout
    shop.run("update customers set name = ? where external_id = 'A'", _LONG + "y")
    before = len(desk.writes())
    assert desk.command("apply").returncode == 4
    assert len(desk.writes(before)) == 1


def test_a_refused_payment_whose_invoice_left_meanwhile_settles_it_again_when_it_returns(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop.run("update customers set name = 'A'")
    desk = new_desk(shop.folder)
    desk.apply()
    for table in ("invoices", "payments", "allocations"):
        shop.run(f"create table old_{table} as select * from {table}")
    shop.run("delete from invoices where external_id = 'IA'")
    shop.run("delete from allocations where to_external_id = 'IA'")
    refusal = {"kind": "status", "status": 400, "on": "POST /payments"}
    with desk.hub.faults(refusal, organisation=desk.name):
        _, outcome = desk.apply()
    assert outcome.rejected == 1 and desk.get("/invoices")["total"] == 1
    for table in ("invoices", "payments", "allocations"):
        shop.run(f"delete from {table}")
        shop.run(f"insert into {table} select * from old_{table}")
    apply_in_step(desk)
    assert desk.get("/invoices/external:IA")["amountOutstanding"] == 0
