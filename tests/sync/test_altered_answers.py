"""An API that keeps something else than it was sent: each kind of field is noticed at once."""

from __future__ import annotations

from typing import Any

import pytest
from pair import Pair

_CASES: list[tuple[str, dict[str, Any], str]] = [
    ("POST /customers", {"name": "Renamed"}, "name Renamed instead of Customer C"),
    ("POST /customers", {"contacts": []}, "contacts[jane@c.io] empty instead of"),
    ("POST /invoices", {"grossAmount": 999}, "grossAmount 999 instead of 100"),
    ("POST /invoices", {"customer": {"externalId": "D"}}, "customer.externalId D instead of C"),
    ("POST /payments", {"linkedInvoices": []}, "linkedInvoices[I] empty instead of 60"),
    ("POST /payments", {"currency": "USD"}, "currency USD instead of EUR"),
]


@pytest.mark.parametrize(("on", "patch", "said"), _CASES)
def test_what_is_kept_otherwise_is_told_and_not_sent_again_by_itself(
    pair: Pair, on: str, patch: dict[str, Any], said: str
) -> None:
    shop, desk = pair.shop, pair.desk
    shop.customer("C")
    shop.contact("C", "jane@c.io")
    shop.invoice("I", "C", 100)
    shop.payment("P", "C", 60, {"I": 60})
    altered = {"kind": "altered", "patch": patch, "on": on}
    with desk.hub.faults(altered, organisation=desk.name) as script:
        done = desk.command("apply")
        assert script.done
    assert done.returncode == 4, done.stderr
    assert "1 stored differently" in done.stdout
    writes = len(desk.writes())
    (drift,) = desk.plan().drifted
    assert said in drift.reason
    assert f"the API keeps {said}" in " ".join(desk.command("plan").stdout.split())
    desk.apply()
    assert len(desk.writes()) == writes
