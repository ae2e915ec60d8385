"""What people change in Upflow: found, told with both values, and repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from desk import HubDesk, apply_in_step, sent
from shop import Shop


@pytest.fixture(
    params=[
        "keep_payloads = true",
        pytest.param("keep_payloads = false", marks=pytest.mark.soak),
    ]
)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> Iterator[tuple[Shop, HubDesk]]:
    shop = Shop(tmp_path / "shop", more=request.param)
    for name in ("A", "B"):
        shop.customer(name)
        shop.contact(name, f"jane@{name}.io")
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 60, {f"I{name}": 60})
    shop.refund("R", "A", 0)
    desk = new_desk(shop.folder)
    desk.apply()
    yield shop, desk
    shop.close()


def test_what_people_changed_is_told_with_both_values_and_repaired_and_then_nothing_differs(
    pair: tuple[Shop, HubDesk],
) -> None:
    _, desk = pair
    desk.request("PUT", "/customers/external:A", {"name": "Renamed"})
    desk.post("/customers/external:B/contacts", {"email": "new@b.io"})
    desk.request("PUT", "/invoices/external:IA", {"dueDate": "2027-01-01"})
    desk.request("PUT", "/payments/external:PB", {"linkedInvoices": []})
    desk.request("DELETE", "/payments/external:PA")
    stranger = desk.typed({"name": "A stranger"})
    done = desk.command("drift", "--json")
    assert done.returncode == 9
    (found,) = msgspec.json.decode(done.stdout)
    report = found["report"]
    drifted = {(one["entity"], one["external_id"]): one["fields"] for one in report["drifted"]}
    assert drifted == {
        ("customer", "A"): [["name", "Customer A", "Renamed"]],
        ("customer", "B"): [["contacts[new@b.io]", "", "new@b.io"]],
        ("invoice", "IA"): [["dueDate", "2026-05-05T00:00:00.000Z", "2027-01-01T00:00:00.000Z"]],
        ("payment", "PB"): [["linkedInvoices[IB]", "60", ""]],
    }
    assert report["gone"] == [{"entity": "payment", "external_id": "PA"}]
    assert [one["shown"] for one in report["strangers"]] == ["A stranger"]
    assert {one.reason for one in desk.plan().drifted if one.external_id == "A"} == {
        "the API keeps name Renamed instead of Customer A"
    }
    before = len(desk.writes())
    repaired = desk.command("drift", "--repair")
    assert "5 records will be sent by the next `headrace apply`" in repaired.stdout
    assert len(desk.writes(before)) == 0
    apply_in_step(desk)
    assert sent(desk.writes(before)) == {
        ("customer", "A"): 1,
        ("customer", "B"): 1,
        ("invoice", "IA"): 1,
        ("payment", "PA"): 1,
        ("payment", "PB"): 1,
    }
    desk.request("DELETE", f"/customers/{stranger['id']}")
    done = desk.command("drift")
    assert (done.returncode, done.stdout) == (0, "no drift  shop: 7 records compared\n")
