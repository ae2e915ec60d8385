"""Queries of SuiteQL: pages that do not end at the hundred thousandth row, and columns that an
account may lack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.signature import Signature, SigningKeys

_PAGE = 1000
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "account": ("id", "accttype"),
    "currency": ("id", "symbol"),
    "customer": (
        *("id", "companyname", "firstname", "lastname", "altname", "entityid", "vatregnumber"),
        *("isinactive", "searchstage", "parent", "defaultbillingaddress", "email", "phone"),
    ),
    "contact": ("id", "company", "email", "firstname", "lastname", "phone", "isinactive"),
    "entityaddress": (
        *("nkey", "addr1", "addr2", "addr3", "city", "state", "dropdownstate", "zip", "country"),
    ),
    "job": ("id", "customer"),
    "transaction": (
        *("id", "type", "entity", "tranid", "transactionnumber", "trandate", "duedate"),
        *("currency", "foreigntotal", "posting", "voided", "otherrefnum"),
    ),
    "transactionline": (
        *("id", "transaction", "mainline", "taxline", "entity", "expenseaccount", "foreignamount"),
    ),
    "previoustransactionlinelink": (
        *("previousdoc", "nextdoc", "previousline", "nextline", "linktype", "foreignamount"),
    ),
}
_ORDER: Mapping[str, tuple[str, ...]] = {
    "transactionline": ("id",),
    "previoustransactionlinelink": ("previousdoc", "previousline", "nextline", "linktype"),
}
"""What tells rows apart that have the same key."""
_DAYS = ("trandate", "duedate")
"""Without a format, days are written as the user of the token likes them."""
_MAY_LACK = frozenset(
    {
        *("altname", "vatregnumber", "searchstage", "addr3", "state", "dropdownstate"),
        *("transactionnumber", "otherrefnum", "voided", "posting", "taxline"),
    }
)
"""Columns that depend on what an account uses."""
_MAY_LACK_TABLE = ("job",)
"""There are projects only with a feature."""
_LACKING = re.compile(r"(?:Field|Unknown identifier) '(?:\w+\.)?(\w+)'")
_ADVICE = (
    "Check account and the four keys, and that the token's role may log in with access tokens, "
    "use REST web services and see transactions, customers and contacts."
)


class SuiteQl:
    """One account, as the role of its token sees it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        account = str(options["account"])
        host = account.lower().replace("_", "-")
        keys = SigningKeys(
            realm=account.upper().replace("-", "_"),
            consumer_key=str(options["consumer_key"]),
            consumer_secret=str(options["consumer_secret"]),
            token=str(options["token_id"]),
            token_secret=str(options["token_secret"]),
        )
        self._api = ApiReader(
            str(options.get("url", f"https://{host}.suitetalk.api.netsuite.com")),
            {"Prefer": "transient"},
            int(options.get("rate", 0)),
            Signature(keys),
            _ADVICE,
        )
        self._absent: set[str] = set()

    def one(self, query: str) -> dict[str, Any]:
        """Return the only row of a query. Raises RuntimeError."""
        (row,) = self._page(query, 0)["items"]
        found: dict[str, Any] = row
        return found

    def rows(self, table: str, condition: str, key: str = "id") -> Iterator[dict[str, Any]]:
        """Yield the rows of a table `t` that meet a condition, in the order of a column of numbers.
        Of lines, `d` is the transaction. A row may come twice. Raises RuntimeError."""
        source = f"{table} t"
        if table == "transactionline":
            source += " join transaction d on d.id = t.transaction"
        after, offset = "", 0
        while True:
            where = condition + (f" and t.{key} >= {after}" if after else "")
            order = ", ".join(f"t.{name}" for name in (key, *_ORDER.get(table, ())))
            page = self._selected(table, f"from {source} where {where} order by {order}", offset)
            rows = page["items"]
            for row in rows:
                row.pop("links", None)
                yield row
            if not page["hasMore"]:
                return
            # An offset may not go beyond 100,000: it is only for many rows of one key.
            offset = offset + len(rows) if str(rows[-1][key]) == after else 0
            after = str(rows[-1][key])

    def _selected(self, table: str, rest: str, offset: int) -> Any:
        while True:
            columns = [name for name in _COLUMNS[table] if name not in self._absent]
            listed = ", ".join(
                f"to_char(t.{name}, 'YYYY-MM-DD') as {name}" if name in _DAYS else f"t.{name}"
                for name in columns
            )
            try:
                return self._page(f"select {listed} {rest}", offset)
            except RuntimeError as error:
                if table in _MAY_LACK_TABLE and " answers 400 " in str(error):
                    return {"items": [], "hasMore": False}
                found = _LACKING.search(str(error))
                if found is None or found[1].lower() not in _MAY_LACK & set(columns):
                    raise
                self._absent.add(found[1].lower())

    def _page(self, query: str, offset: int) -> Any:
        path = f"/services/rest/query/v1/suiteql?limit={_PAGE}&offset={offset}"
        page = self._api.post(path, {"q": query})
        if page is None:
            raise RuntimeError("There is no SuiteQL at this address: check account and url")
        return page
