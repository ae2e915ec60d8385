"""Reads Sage Intacct by its XML API 3.0: what was modified since two days before the last time.

Options: `sender_id` and `sender_password` of a web services subscription; `company`, `user` and
`password` of a web services user; `entity`, to read one entity of the company; `url` of the
gateway; `rate`, requests a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.messages import Message, only, record, since
from headrace.systems.moments import DAYS, asked_from
from headrace.systems.sage_intacct.gateway import Gateway

_OBJECTS = {
    "ar_invoice": "ARINVOICE",
    "ar_adjustment": "ARADJUSTMENT",
    "ar_advance": "ARADVANCE",
}
_FIELDS = frozenset(
    {
        *("recordno", "recordid", "docnumber", "state", "customerid", "customername", "currency"),
        *("basecurr", "totalentered", "trx_totalentered", "totalpaid", "trx_totalpaid"),
        *("whencreated", "whendue", "whenpaid", "description", "ponumber"),
    }
)
_DAY = re.compile(r"(\d\d)/(\d\d)/(\d{4})")


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was modified since `last`; `now` is the time, since 1970."""
    intacct = Gateway(options)
    moment = asked_from(last, DAYS)
    changed = "RECORDNO > 0"
    if moment is not None:
        changed = f"WHENMODIFIED >= '{moment.strftime('%m/%d/%Y')}'"
    left: dict[str, Any] = {"until": now}
    for table in tables:
        name = _OBJECTS[table]
        before = {"count": 0, "top": 0} if last is None else last[table]
        new: set[int] = set()
        for item in intacct.objects(name, changed):
            if (number := int(item["recordno"] or 0)) > before["top"]:
                new.add(number)
            yield record(table, {key: _value(item[key]) for key in item if key in _FIELDS})
        count, top = before["count"] + len(new), max(new, default=before["top"])
        if last is not None and intacct.count(name, f"RECORDNO <= {top}") != count:
            # Record numbers grow, so fewer of them mean that some were deleted.
            every = intacct.objects(name, "RECORDNO > 0", "RECORDNO")
            there = [str(one["recordno"]) for one in every]
            yield only(table, there)
            count, top = len(there), max(map(int, there), default=0)
        left[table] = {"count": count, "top": top}
    yield since(left)


def _value(text: str | None) -> str | None:
    """Return a value as the warehouse has it: days come as month/day/year."""
    found = _DAY.match(text or "")
    return f"{found[3]}-{found[1]}-{found[2]}" if found else text
