"""Reads Tryton by its REST API: what was written since the last time, and the ids of what is there.

Options: `url` with the database's name, such as `https://tryton.acme.test/acme`; `key` of a user
application of type REST that was validated; `rate`, requests a minute.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, only, record, since
from headrace.systems.moments import newest_of

_PAGE = 2000
_OVERLAP = timedelta(hours=1)
"""Tryton dates a row by when its transaction began; a long one shows its rows late."""
_UNLIKE = {
    "account_account_type": "account.account.type",
    "account_move_line": "account.move.line",
    "party_contact_mechanism": "party.contact_mechanism",
    "account_invoice-account_move_line": "account.invoice-account.move.line",
}
"""Models whose names are not that of the table with its first `_` as a point."""
_ONLY: Mapping[str, list[Any]] = {
    "account_invoice": [["type", "=", "out"]],
    "account_move": [["lines.account.type.receivable", "=", True]],
    "account_move_line": [["account.type.receivable", "=", True]],
}
"""What is of no interest is left where it is."""


def read(
    tables: Mapping[str, list[str]], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was written since `last`, and what is still there."""
    context = base64.urlsafe_b64encode(json.dumps({"active_test": False}).encode()).decode()
    headers = {"Authorization": f"Bearer {options['key']}", "X-Tryton-Context": context}
    api = ApiReader(str(options["url"]), headers, int(options.get("rate", 0)))
    until = last
    for table, fields in tables.items():
        model = _UNLIKE.get(table, table.replace("_", ".", 1))
        domain = _ONLY.get(table, [])
        for item in _pages(
            api, model, domain + _written(last), [*fields, "write_date", "create_date"]
        ):
            moment = _value(item["write_date"] or item["create_date"])
            until = max(until or moment, moment)
            yield record(table, {name: _value(item.get(name)) for name in fields})
        if last is not None:
            yield only(table, [item["id"] for item in _pages(api, model, domain, ["id"])])
    yield since(newest_of(until, now))


def _written(last: str | None) -> list[Any]:
    if last is None:
        return []
    start = datetime.fromisoformat(last) - _OVERLAP
    moment = {"__class__": "datetime", "microsecond": 0}
    for part in ("year", "month", "day", "hour", "minute", "second"):
        moment[part] = getattr(start, part)
    return [["OR", [["write_date", ">=", moment]], [["create_date", ">=", moment]]]]


def _pages(
    api: ApiReader, model: str, domain: list[Any], fields: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield the records of a model, in the order of their ids."""
    after = 0
    while True:
        asked = [("d", _encoded([*domain, ["id", ">", after]])), ("o", _encoded([["id", "ASC"]]))]
        page = api.get(f"/rest/model/{model}", [*asked, ("s", _PAGE), *(("f", f) for f in fields)])
        if page is None:
            raise RuntimeError(f"There is no REST API, or no {model}, at this address")
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]["id"]


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _value(value: Any) -> Any:
    """Return a value as the database has it: the API tags what JSON lacks."""
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    if kind == "Decimal":
        return value["decimal"]
    if kind == "date":
        return f"{value['year']:04}-{value['month']:02}-{value['day']:02}"
    if kind == "datetime":
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return datetime(*(value.get(part, 0) for part in parts)).isoformat()
    raise RuntimeError(f"A value of the kind {kind} is not known")
