"""Reads Chargebee by its API v2: what was updated since the last time, deleted objects included.

Options: `site`, as in `https://SITE.chargebee.com`; `key`, an API key that may read; `url`, if it
is not that address; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.access import basic
from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, record, since
from headrace.systems.moments import asked_from

_PAGE = 100
_OBJECTS = {
    "customers": "customer",
    "invoices": "invoice",
    "credit_notes": "credit_note",
    "transactions": "transaction",
}
"""What a list calls each of its objects."""
_ADVICE = "Check site, and that key is an API key of that site which may read all of it."


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was updated since `last`; `now` is the time, since 1970."""
    url = str(options.get("url", f"https://{options['site']}.chargebee.com"))
    headers = basic(str(options["key"]))
    api = ApiReader(url, headers, int(options.get("rate", 0)), advice=_ADVICE)
    asked = [("limit", _PAGE), ("include_deleted", "true")]
    moment = asked_from(last)
    if moment is not None:
        asked.append(("updated_at[after]", int(moment.timestamp())))
    for table in tables:
        for item in _listed(api, table, asked):
            # A deleted object stays, with its mark: what it owed may count all the same.
            yield record(table, item)
    yield since({"until": now})


def _listed(api: ApiReader, table: str, asked: list[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    after: list[tuple[str, Any]] = []
    while True:
        page = api.get(f"/api/v2/{table}", [*asked, *after])
        if page is None:
            raise RuntimeError(f"There is no Chargebee at this address: no /api/v2/{table}")
        for entry in page["list"]:
            yield entry[_OBJECTS[table]]
        if not page.get("next_offset"):
            return
        # The offset is a place in the order of the list, not a number of objects.
        after = [("offset", page["next_offset"])]
