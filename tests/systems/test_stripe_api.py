"""Stripe read by its API: everything at first, then only what its events name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from headrace.model.errors import ConfigurationError, SourceError
from headrace.sources.programs.extraction import ExtractionSource
from headrace.systems.catalogue import extraction_folder
from virtual_time import VirtualClock

KEY = "rk_test_0123456789"


class Account(BaseHTTPRequestHandler):
    """Lists of two objects a page, objects, and events, as Stripe answers them."""

    def do_GET(self) -> None:
        server: Any = self.server
        path = urlsplit(self.path)
        server.asked.append(self.path.removeprefix("/v1/"))
        asked = parse_qs(path.query)
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(
                401, {"error": {"message": f"Invalid key {self.headers['Authorization']}"}}
            )
            return
        if server.busy:
            server.busy -= 1
            self._answer(429, {}, {"Retry-After": "0"})
            return
        _, _, table, *number = path.path.split("/")
        if table not in server.objects:
            self._answer(404, {"error": {"message": "Unrecognized request URL"}})
            return
        items = server.objects[table]
        if number:
            found = items.get(number[0])
            self._answer(200 if found else 404, found or {})
            return
        rows = sorted(items.values(), key=lambda one: -one["created"])
        rows = [one for one in rows if one["created"] >= int(asked.get("created[gte]", [0])[0])]
        rows = [one for one in rows if one["type"] in asked.get("types[]", [one["type"]])]
        after = asked.get("starting_after", [""])[0]
        start = next((n + 1 for n, one in enumerate(rows) if one["id"] == after), 0)
        self._answer(200, {"data": rows[start : start + 2], "has_more": len(rows) > start + 2})

    def _answer(self, status: int, body: Any, headers: Any = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: Any) -> None: ...


class Stripe:
    """One account, and what headrace has read of it."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.clock = VirtualClock()
        self.book = duckdb.connect()
        self.sweep = "1d"
        self._made = 0

    @property
    def second(self) -> int:
        """The present, as Stripe's clock shows it."""
        return int(self.clock.now().timestamp())

    def happens(self, kind: str, table: str, number: str, **fields: Any) -> None:
        """An object is made or changed, or deleted without fields, and an event says so."""
        item = {"id": number, "object": table[:-1], "type": "", "created": self.second} | fields
        objects = self.server.objects
        objects[table][number] = item
        if not fields:
            del objects[table][number]
        self._made += 1
        event = {"id": f"evt_{self._made}", "type": kind, "created": self.second}
        objects["events"][event["id"]] = event | {"data": {"object": item}}

    def source(self, key: str = KEY) -> ExtractionSource:
        url = f"http://127.0.0.1:{self.server.server_port}"
        options = {"key": key, "url": url, "sweep": self.sweep}
        return ExtractionSource(extraction_folder("system:stripe"), options, {}, self.clock)

    def read(self) -> tuple[dict[str, str], list[str]]:
        """The names of customers by their ids, and what was asked for."""
        self.server.asked.clear()
        self.source().stage(self.book, ["customers", "events"])
        rows = self.book.execute("select id, name from source.customers").fetchall()
        return dict(rows), list(self.server.asked)


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Account) as server:
        server.asked, server.busy = [], 0  # type: ignore[attr-defined]
        server.objects = {"customers": {}, "events": {}, "invoices": {}}  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made = Stripe(server)
        for number in "abc":
            made.happens("customer.created", "customers", number, name=number.upper())
        try:
            yield made
        finally:
            server.shutdown()


def test_the_first_reading_takes_every_page_and_the_next_only_what_events_name(
    stripe: Stripe,
) -> None:
    stripe.server.busy = 1
    found, asked = stripe.read()
    assert found == {"a": "A", "b": "B", "c": "C"}
    assert len(asked) == 1 + 1 + 2 + 1  # refused once, newest event, customers, events that link
    events = f"events?limit=100&created%5Bgte%5D={stripe.second - 300}"
    more = events + "&starting_after="
    found, asked = stripe.read()  # the events of the first reading may have come too late for it
    assert [one for one in asked if not one.startswith("events")] == [
        "customers/a",
        "customers/b",
        "customers/c",
    ]
    found, asked = stripe.read()
    assert all(one == events or one.startswith(more) for one in asked)
    stripe.happens("customer.updated", "customers", "b", name="New")
    stripe.happens("customer.deleted", "customers", "c")
    stripe.happens("invoice.created", "invoices", "i", total=1)  # no model here reads invoices
    found, asked = stripe.read()
    assert found == {"a": "A", "b": "New"}
    assert sorted(one for one in asked if not one.startswith("events")) == [
        "customers/b",
        "customers/c",
    ]


def test_an_event_that_appears_late_is_not_missed(stripe: Stripe) -> None:
    stripe.read()
    stripe.clock.seconds += 240
    stripe.happens("customer.updated", "customers", "a", name="Second")
    stripe.read()
    event = {"id": "late", "type": "customer.updated", "created": stripe.second - 200}
    stripe.server.objects["customers"]["b"]["name"] = "Late"
    stripe.server.objects["events"]["late"] = event | {
        "data": {"object": stripe.server.objects["customers"]["b"]}
    }
    assert stripe.read()[0]["b"] == "Late"


@pytest.mark.parametrize(("sweep", "days"), [("1d", 1), ("30d", 26)])
def test_everything_is_read_once_a_day_and_after_a_pause_that_events_do_not_reach(
    stripe: Stripe, sweep: str, days: int
) -> None:
    stripe.sweep = sweep
    stripe.read()
    del stripe.server.objects["customers"]["a"]  # which no event says
    stripe.server.objects["events"].clear()
    assert set(stripe.read()[0]) == {"a", "b", "c"}
    stripe.clock.seconds += days * 86_400
    found, asked = stripe.read()
    assert set(found) == {"b", "c"}
    assert "customers?limit=100" in asked


def test_a_reading_that_fails_changes_nothing_and_shows_no_key(stripe: Stripe) -> None:
    stripe.read()
    with pytest.raises(SourceError, match="answers 401 Unauthorized") as caught:
        stripe.source("rk_test_wrong_wrong").stage(stripe.book, ["customers"])
    assert "rk_test_wrong" not in str(caught.value)
    rows = stripe.book.execute("select count(*) from source.customers").fetchall()
    assert rows == [(3,)]
    with pytest.raises(ConfigurationError, match="needs key"):
        ExtractionSource(extraction_folder("system:stripe"), {}, {})
    with pytest.raises(ConfigurationError, match="does not read GnuCash 4 by its API, only"):
        extraction_folder("system:gnucash")


def test_an_account_without_invoice_payments_is_read_all_the_same(stripe: Stripe) -> None:
    stripe.source().stage(stripe.book, ["customers", "invoice_payments"])
    stripe.server.objects["invoice_payments"] = {}
    stripe.happens("invoice_payment.paid", "invoice_payments", "inpay", amount_paid=5)
    stripe.source().stage(stripe.book, ["customers", "invoice_payments"])
    rows = stripe.book.execute("select id, amount_paid from source.invoice_payments").fetchall()
    assert rows == [("inpay", 5)]
    del stripe.server.objects["customers"]
    stripe.clock.seconds += 2 * 86_400
    with pytest.raises(SourceError, match="/v1/customers does not exist at this address"):
        stripe.source().stage(stripe.book, ["customers", "invoice_payments"])
