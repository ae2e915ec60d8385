"""Follows a field that nobody has heard of from source to hub: `po_number` of every entity.

Run in a process of its own, over a copy of the program in which each record has the row. Prints
JSON: per entity, what the hub answers after each change at the source.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from desk import HubDesk
from shop import Shop

from headrace.sync.planning.change_texts import change_lines
from headrace.testkit.hub import RunningHub, hub

_TABLES = ("customers", "contacts", "invoices", "credit_notes", "payments", "refunds")
_PATHS = {
    "invoices": "/invoices/external:I1",
    "credit_notes": "/credit_notes/external:N1",
    "payments": "/payments/external:P1",
    "refunds": "/refunds/external:R1",
}


def follow(folder: Path, running: RunningHub, more: str) -> dict[str, list[Any]]:
    """Per table: the value after it was made, changed, emptied, and a field changed beside it."""
    shop = Shop(folder / "shop", more=more)
    with closing(shop):
        desk = HubDesk(shop.folder, running, folder.name)
        for table in _TABLES:
            shop.run(f"alter table {table} add column po_number text")
        shop.customer("C1")
        shop.contact("C1", "a@example.com")
        shop.invoice("I1", "C1", 1000)
        shop.credit_note("N1", "C1", 100)
        shop.payment("P1", "C1", 300, {"I1": 200})
        shop.refund("R1", "C1", 50, {"P1": 50})
        seen: dict[str, list[Any]] = {table: [] for table in _TABLES}
        for value in ("PO 1", "PO 2", None, "PO 3"):
            for table in _TABLES:
                shop.run(f"update {table} set po_number = ?", value)
            requests, diff = _sync(desk)
            assert requests == 5, requests
            if not more:
                assert len([line for line in diff if _says(line, value)]) == len(_TABLES), diff
            for table, kept in _values(desk):
                seen[table].append(kept)
        assert _sync(desk)[0] == 0
    return seen


def _says(line: str, value: str | None) -> bool:
    return "po number: " in line and line.endswith(value or "→ -")


def _sync(desk: HubDesk) -> tuple[int, list[str]]:
    """Requests, and the lines of the diff."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.with_changes(organisation.plan(), None)
        diff = [line for change in plan.changes for line in change_lines(change)]
        asyncio.run(organisation.apply(plan, "apply"))
        assert organisation.journal.rejects() == []
    return plan.requests, diff


def _values(desk: HubDesk) -> Iterator[tuple[str, Any]]:
    customer = desk.get("/customers/external:C1")
    yield "customers", customer.get("poNumber")
    yield "contacts", customer["contacts"][0].get("poNumber")
    for table, path in _PATHS.items():
        yield table, desk.get(path).get("poNumber")


if __name__ == "__main__":
    with hub(limits="off") as running:
        found = {
            name: follow(Path(sys.argv[1]) / name, running, more)
            for name, more in (("kept", ""), ("lost", "keep_payloads = false"))
        }
    print(json.dumps(found))
