"""An API that keeps something else than it was sent: each kind of field is noticed at once."""

from __future__ import annotations

from typing import Any

import pytest
from pair import Pair

_Altered = tuple[str, dict[str, Any], str]
"""On which request, what it keeps instead, and what is said of it."""
_SCENES: list[list[_Altered]] = [
    [
        ("POST /customers", {"name": "Renamed"}, "name Renamed instead of Customer C"),
        ("POST /invoices", {"grossAmount": 999}, "grossAmount 999 instead of 100"),
        ("POST /payments", {"linkedInvoices": []}, "linkedInvoices[I] empty instead of 60"),
    ],
    [
        ("POST /customers", {"contacts": []}, "contacts[jane@c.io] empty instead of"),
        ("POST /invoices", {"customer": {"externalId": "D"}}, "customer.externalId D instead of C"),
        ("POST /payments", {"currency": "USD"}, "currency USD instead of EUR"),
    ],
]


@pytest.mark.parametrize("scene", _SCENES)
def test_what_is_kept_otherwise_is_told_and_not_sent_again_by_itself(
    pair: Pair, scene: list[_Altered]
) -> None:
    shop, desk = pair.shop, pair.desk
    shop.customer("C")
    shop.contact("C", "jane@c.io")
    shop.invoice("I", "C", 100)
    shop.payment("P", "C", 60, {"I": 60})
    faults = [{"kind": "altered", "patch": patch, "on": on} for on, patch, _ in scene]
    with desk.hub.faults(*faults, organisation=desk.name) as script:
        done = desk.command("apply")
        assert script.done
    assert done.returncode == 4, done.stderr
    assert f"{len(scene)} stored differently" in done.stdout
    writes = len(desk.writes())
    drifted = {f"POST /{one.entity}s": one.reason for one in desk.plan().drifted}
    plan = " ".join(desk.command("plan").stdout.split())
    for on, _, said in scene:
        assert said in drifted.pop(on), on
        assert f"the API keeps {said}" in plan, on
    assert drifted == {}
    desk.apply()
    assert len(desk.writes()) == writes
