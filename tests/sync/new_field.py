"""Follows a field that nobody has heard of from source to hub: `po_number` of every entity.

Run in a process of its own, over a copy of the program in which each record has the row. Prints
JSON: per entity, what the hub answers after each change at the source.
"""

from __future__ import annotations

import asyncio
import itertools
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
    "invoices": "/invoices/external:I{}",
    "credit_notes": "/credit_notes/external:N{}",
    "payments": "/payments/external:P{}",
    "refunds": "/refunds/external:R{}",
}
_FIRST = {1: "PO 1", 2: "PO 2", 3: None}
_THEN = {1: "PO 2", 2: None, 3: "PO 3"}
"""Values of three sets of records: one that changes, one that is emptied, one that is filled."""


def follow(folder: Path, running: RunningHub, more: str) -> dict[str, list[Any]]:
    """Per table: the value after it was made, changed, emptied, and filled where it was empty."""
    shop = Shop(folder / "shop", more=more)
    with closing(shop):
        desk = HubDesk(shop.folder, running, folder.name)
        for table in _TABLES:
            shop.run(f"alter table {table} add column po_number text")
        for number in _FIRST:
            _add(shop, number)
        seen: dict[str, list[Any]] = {table: [] for table in _TABLES}
        for values, looks in ((_FIRST, [1]), (_THEN, [1, 2, 3])):
            for (number, value), table in itertools.product(values.items(), _TABLES):
                key = "customer_external_id" if table == "contacts" else "external_id"
                shop.run(f"update {table} set po_number = ? where {key} like '%{number}'", value)
            requests, diff, left = _sync(desk)
            assert (requests, left) == (5 * len(_FIRST), 0)
            if not more:
                for number in looks:
                    lines = [line for line in diff if _says(line, values[number])]
                    assert len(lines) == len(_TABLES), diff
            for number in looks:
                for table, kept in _values(desk, number):
                    seen[table].append(kept)
    return seen


def _add(shop: Shop, number: int) -> None:
    shop.customer(f"C{number}")
    shop.contact(f"C{number}", f"a{number}@example.com")
    shop.invoice(f"I{number}", f"C{number}", 1000)
    shop.credit_note(f"N{number}", f"C{number}", 100)
    shop.payment(f"P{number}", f"C{number}", 300, {f"I{number}": 200})
    shop.refund(f"R{number}", f"C{number}", 50, {f"P{number}": 50})


def _says(line: str, value: str | None) -> bool:
    return "po number: " in line and line.endswith(value or "→ -")


def _sync(desk: HubDesk) -> tuple[int, list[str], int]:
    """Requests, the lines of the diff, and the requests that are left."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.with_changes(organisation.plan(), None)
        diff = [line for change in plan.changes for line in change_lines(change)]
        asyncio.run(organisation.apply(plan, "apply"))
        assert organisation.journal.rejects() == []
        organisation.compare()
        return plan.requests, diff, organisation.plan().requests


def _values(desk: HubDesk, number: int) -> Iterator[tuple[str, Any]]:
    customer = desk.get(f"/customers/external:C{number}")
    yield "customers", customer.get("poNumber")
    yield "contacts", customer["contacts"][0].get("poNumber")
    for table, path in _PATHS.items():
        yield table, desk.get(path.format(number)).get("poNumber")


if __name__ == "__main__":
    with hub(limits="off") as running:
        found = {
            name: follow(Path(sys.argv[1]) / name, running, more)
            for name, more in (("kept", ""), ("lost", "keep_payloads = false"))
        }
    print(json.dumps(found))
