"""A customer pays in the portal, from its click to the booking that claims the money."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from desk import HubDesk
from shop import Shop

from portal_reader import Reader


def test_a_payment_in_the_portal_is_collected_booked_and_claimed(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    desk = new_desk(shop.folder)
    shop.customer("C1")
    shop.invoice("I1", "C1", 10000)
    shop.invoice("I2", "C1", 2500)
    desk.apply()
    own = f"/organisations/{desk.name}"
    desk.hub.control.call("POST", f"{own}/clock/freeze", {"at": "2026-05-05T10:00:00Z"})
    desk.hub.control.call("PUT", f"{own}/portal", {"payments": "on"})
    reader = Reader(desk.post("/customers/external:C1/portal", {})["url"])
    chosen = reader.get("/selection", [("all", "1")])
    paid = reader.post("/pay", chosen.fields("/pay"))
    (reference,) = re.findall(r"Reference: (UPF-\w+)", paid.words)

    listed = desk.command("collected", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    (organisation,) = json.loads(listed.stdout)
    (collected,) = organisation["collected"]
    assert collected["amount"] == 12500
    assert reference in json.dumps(collected)
    assert desk.get("/customers/external:C1")["balance"] == 0

    shop.payment("P1", "C1", 12500, {"I1": 10000, "I2": 2500}, day="2026-05-08")
    proof = desk.apply_and_prove()[2]
    assert proof.balanced and proof.collected == []
    (payment,) = desk.get("/payments")["items"]
    assert (payment["externalId"], payment["id"]) == ("P1", collected["id"])
    assert desk.get("/customers/external:C1")["balance"] == 0
    assert "Nothing is open" in reader.get().words
    shop.close()
