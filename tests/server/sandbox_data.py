"""What the tests of sandboxes share: data in nearly every table, and looks at what is left."""

from __future__ import annotations

import contextlib
import http.client
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub_api import customer, invoice

from headrace.control.client import ControlClient
from headrace.server.observing.request_journal import JOURNAL
from headrace.store.engine.place import Place, snapshot
from headrace.store.records.organisations import find_organisation

SECOND_S = 30.0
"""How long anything may take that takes a second."""
ORGANISED = (
    "position", "customer", "document", "reconciliation", "counter", "custom_field", "catalogue",
    "action", "portal_link", "api_key", "sandbox",
)  # fmt: skip
"""Tables whose rows name their organisation."""
OTHERS = ("allocation", "custom_key", "custom_value", "note", "pdf_file")
LINES: list[dict[str, Any]] = [
    {"method": "POST", "path": "/_hub/organisations/{organisation}/users",
     "body": {"email": "a@x.io"}, "as": "anna"},
    {"method": "POST", "path": "/_hub/organisations/{organisation}/positions",
     "body": {"name": "BOSS"}},
    {"method": "POST", "path": "/custom_fields",
     "body": {"externalId": "f", "label": "F", "entityType": "CUSTOMER", "dataType": "TEXT"}},
    {"method": "POST", "path": "/customers", "as": "c",
     "body": {**customer("c1"), "accountManagerId": "{anna}",
              "customFields": [{"externalId": "f", "value": "x"}]}},
    {"method": "POST", "path": "/customers/{c}/notes", "body": {"content": "slow"}},
    {"method": "POST", "path": "/customers/{c}/portal"},
    {"method": "POST", "path": "/invoices", "body": invoice("i1", "c1", 1000)},
    {"method": "POST", "path": "/_hub/organisations/{organisation}/collected",
     "body": {"customer": {"externalId": "c1"}, "currency": "EUR", "amount": 400,
              "linkedInvoices": [{"amountLinked": 400, "invoice": {"externalId": "i1"}}]}},
    {"method": "POST", "path": "/_hub/organisations/{organisation}/actions",
     "body": {"name": "Call", "type": "CALL", "customer": {"externalId": "c1"}}},
]  # fmt: skip
"""Something in nearly every table."""


def until(done: Callable[[], bool]) -> None:
    """Return as soon as it is done."""
    end = time.monotonic() + SECOND_S
    while not done():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def table_rows(place: Place) -> dict[str, int]:
    """Return the number of rows of every table with data of organisations."""
    with snapshot(place) as db:
        tables = (*ORGANISED, *OTHERS, "organisation")
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def names_in(control: ControlClient) -> list[str]:
    """Return the sandboxes that the hub lists."""
    return [one["name"] for one in control.call("GET", "/sandboxes")["sandboxes"]]


def keys_of(made: dict[str, Any]) -> dict[str, str]:
    """Return the key pair of a new sandbox as headers."""
    return {"X-Api-Key": made["key"], "X-Api-Secret": made["secret"]}


def find_in(place: Place, name: str) -> Any:
    """Return an organisation as the database has it, None for none."""
    with snapshot(place) as db:
        return find_organisation(db, name)


def kept_in(folder: Path) -> set[str]:
    """Return the organisations with requests in the journal."""
    with contextlib.closing(sqlite3.connect(folder / JOURNAL)) as db:
        return {row[0] for row in db.execute("SELECT organisation FROM kept") if row[0]}


def count_admitted(url: str, headers: dict[str, str], count: int) -> int:
    """Send requests one after the other; returns how many of them were admitted."""
    statuses = []
    for _ in range(count):
        # A connection each: the kernel spreads them over the workers.
        connection = http.client.HTTPConnection(url.split("/")[2])
        connection.request("GET", "/v1/customers", headers=headers)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert set(statuses) <= {200, 429}
    return statuses.count(200)
