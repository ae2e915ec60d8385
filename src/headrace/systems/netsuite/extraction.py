"""Reads NetSuite by SuiteQL over REST, version 1: what was modified since two days before the last
time. SuiteQL has the tables of SuiteAnalytics, with the same columns.

Options: `account`, the account's id such as `1234567` or `1234567_SB1`; `consumer_key` and
`consumer_secret` of an integration record; `token_id` and `token_secret` of an access token whose
role may use REST web services and SuiteQL; `url`; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.systems.messages import Message, only, parts, record, since
from headrace.systems.moments import DAYS, asked_from
from headrace.systems.netsuite.suiteql import SuiteQl

_TYPES = "('CustInvc', 'CustCred', 'CustPymt', 'CustRfnd', 'CustDep', 'DepAppl', 'Journal')"
_OURS = f"t.type in {_TYPES}"
_LINES = "(t.mainline = 'T' or t.taxline = 'T' or d.type = 'Journal')"
"""Of a document its total and its tax; of a journal entry every line."""
_LINKS = "t.linktype in ('Payment', 'DepRfnd', 'DepAppl')"
_MANY = 500
"""How many ids one query lists."""
_SMALL: Mapping[str, str] = {"account": "t.accttype = 'AcctRec'", "currency": "t.id > 0"}
"""Tables of a few rows, which are read in each round."""
_BILLED = "t.nkey in (select c.defaultbillingaddress from customer c where {})"


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was modified since `last`; `now` is the time, since 1970."""
    netsuite = SuiteQl(options)
    counted = netsuite.one(
        "select count(*) as count, max(t.id) as top, "
        f"sum(case when t.id <= {last['top'] if last else 0} then 1 else 0 end) as before "
        f"from transaction t where {_OURS}"
    )
    moment = asked_from(last, DAYS)
    changed = "{}.id > 0"
    if moment is not None:
        day = moment.date().isoformat()
        changed = f"{{}}.lastmodifieddate >= to_date('{day}', 'YYYY-MM-DD')"
    for table in tables:
        if table in _SMALL:
            there = list(netsuite.rows(table, _SMALL[table]))
            yield from (record(table, row) for row in there)
            yield only(table, [row["id"] for row in there])
        elif table == "entityaddress":
            for row in netsuite.rows(table, _BILLED.format(changed.format("c")), key="nkey"):
                yield record(table, row)
        elif table in ("customer", "contact", "job"):
            for row in netsuite.rows(table, changed.format("t")):
                yield record(table, row)
    yield from _transactions(netsuite, tables, last, changed.format("t"))
    if last is not None and int(counted["before"] or 0) != last["count"]:
        # Ids grow, so fewer of those up to the highest one mean that some were deleted.
        yield only("transaction", [row["id"] for row in netsuite.rows("transaction", _OURS)])
    yield since({"until": now, "count": int(counted["count"]), "top": int(counted["top"] or 0)})


def _transactions(
    netsuite: SuiteQl, tables: Mapping[str, Any], last: Any, changed: str
) -> Iterator[Message]:
    """Yield transactions with their lines and links, which have no time of their own."""
    found = []
    for row in netsuite.rows("transaction", f"{_OURS} and {changed}"):
        found.append(str(row["id"]))
        yield record("transaction", row)
    if last is None:
        conditions: Sequence[str] = ["{} > 0"]
    else:
        starts = range(0, len(found), _MANY)
        conditions = [f"{{}} in ({', '.join(found[n : n + _MANY])})" for n in starts]
    lines, links = "transactionline", "previoustransactionlinelink"
    for condition in conditions:
        if lines in tables:
            those = f"{_LINES} and d.{_OURS[2:]} and {condition.format('t.transaction')}"
            for row in netsuite.rows(lines, those, key="transaction"):
                yield record(lines, row | {"key": f"{row['transaction']}/{row['id']}"})
        if links in tables:
            those = f"{_LINKS} and {condition.format('t.nextdoc')}"
            names = ("nextdoc", "previousdoc", "previousline", "nextline", "linktype")
            for row in netsuite.rows(links, those, key="nextdoc"):
                key = "/".join(str(row.get(name)) for name in names)
                yield record(links, row | {"key": key})
    if last is not None:
        for number in found:
            yield parts(lines, number)
            yield parts(links, number)
