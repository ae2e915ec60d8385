"""Reads Stripe by its API: everything at first, then what the feed of events names.

Options: `key`, a restricted key that may read these objects; `url`, if it is not Stripe's own;
`account`, of a connected account; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, gone, record, since, whole

_STRIPE = "https://api.stripe.com"
_PAGE = 100
_OVERLAP_S = 300
"""How far before the last reading events are asked for: one may appear late."""
_KEPT_S = 25 * 86_400
"""Stripe keeps events for 30 days; after a longer pause everything is read."""
_VERSION = "2025-03-31.basil"
"""The version of Stripe's objects that the models read, whatever the account's own is; the first
with invoice payments."""
_OF_OBJECT = {
    "customer": "customers",
    "invoice": "invoices",
    "credit_note": "credit_notes",
    "charge": "charges",
    "invoice_payment": "invoice_payments",
    "refund": "refunds",
}
_MAY_LACK = ("invoice_payments",)
"""What Stripe itself has and simulations of it lack; events make up for it."""
_LINKING = ("charge.succeeded", "invoice.paid")
"""The events that the models read: they link a charge with the invoice that it paid."""


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what has changed since `last`; `now` is the time, since 1970."""
    headers = {"Authorization": f"Bearer {options['key']}", "Stripe-Version": _VERSION}
    if "account" in options:
        headers["Stripe-Account"] = str(options["account"])
    api = ApiReader(str(options.get("url", _STRIPE)), headers, int(options.get("rate", 0)))
    if last is not None and now - last["until"] < _KEPT_S:
        yield from _changes(api, tables, last)
        return
    yield whole()
    # Changes while everything is read have events that are younger than this one.
    newest = api.get("/v1/events", [("limit", 1)])["data"]
    for table in tables:
        kinds = [("types[]", kind) for kind in _LINKING] if table == "events" else []
        for item in _listed(api, table, kinds):
            yield record(table, item)
    yield since({"until": newest[0]["created"], "seen": []} if newest else None)


def _listed(api: ApiReader, table: str, more: list[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    after: list[tuple[str, Any]] = []
    while True:
        page = api.get(f"/v1/{table}", [("limit", _PAGE), *more, *after])
        if page is None:
            if table in _MAY_LACK:
                return
            raise RuntimeError(f"/v1/{table} does not exist at this address")
        yield from page["data"]
        if not page["has_more"]:
            return
        after = [("starting_after", page["data"][-1]["id"])]


def _changes(api: ApiReader, tables: Mapping[str, Any], last: dict[str, Any]) -> Iterator[Message]:
    """Yield the objects that events name, as they are now."""
    until, events = last["until"], []
    touched: dict[tuple[str, str], None] = {}
    # The times are those of Stripe's clock.
    for event in _listed(api, "events", [("created[gte]", until - _OVERLAP_S)]):
        until = max(until, event["created"])
        events.append(event)
        if event["id"] in last["seen"]:
            continue
        if event["type"] in _LINKING and "events" in tables:
            yield record("events", event)
        item = event["data"]["object"]
        table = _OF_OBJECT.get(item.get("object"), "")
        if table in tables and item.get("id"):
            touched[table, item["id"]] = None
    for table, number in touched:
        item = api.get(f"/v1/{table}/{number}")
        if item is None or item.get("deleted"):
            yield gone(table, number)
        else:
            yield record(table, item)
    late = [event["id"] for event in events if event["created"] >= until - _OVERLAP_S]
    yield since({"until": until, "seen": late})
