"""Reads Odoo by JSON-RPC: what was written since the last time, and the ids of all that is there.

Options: `url`, `database`, `user`, `key` (an API key of the user, or the password), `companies`
(ids; all that the user may see without it), `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, only, record, since
from headrace.systems.moments import newest_of

_PAGE = 2000
_OVERLAP = timedelta(hours=1)
"""Odoo's `write_date` is the time at which a transaction began; a long one shows its rows late."""
_MODELS = {
    "res_partner": "res.partner",
    "res_country": "res.country",
    "res_currency": "res.currency",
    "account_account": "account.account",
    "account_move": "account.move",
    "account_move_line": "account.move.line",
    "account_payment": "account.payment",
    "account_partial_reconcile": "account.partial.reconcile",
}
_PAID = "account_move__account_payment"
_RECEIVABLE: Mapping[str, list[Any]] = {
    "account_move": [["line_ids.account_type", "=", "asset_receivable"]],
    "account_move_line": [["account_type", "=", "asset_receivable"]],
}
"""Of these only what touches a receivable account."""
_CARRIED = {
    "res_partner": "parent_id",
    "account_move": "line_ids",
    "account_move_line": "move_id",
    "account_payment": "move_id",
}
"""Fields that follow another record, which is written without them."""


def read(
    tables: Mapping[str, list[str]], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was written since `last`, and what is still there."""
    odoo = _Odoo(options)
    until = last
    for table, fields in tables.items():
        if table == _PAID:
            yield from _paid(odoo)
            continue
        model, domain = _MODELS[table], list(_RECEIVABLE.get(table, []))
        wanted = [*fields, "write_date"]
        for item in odoo.pages(model, domain + _written(table, last), wanted):
            written = item.pop("write_date")
            until = max(until or written, written)
            yield record(table, {name: _value(name, item[name], table) for name in fields})
        if last is not None:
            yield only(table, odoo.ids(model, domain))
    yield since(newest_of(until, now))


def _written(table: str, last: str | None) -> list[Any]:
    if last is None:
        return []
    start = str(datetime.fromisoformat(last) - _OVERLAP)
    own: list[Any] = [["write_date", ">=", start]]
    other = _CARRIED.get(table)
    return ["|", *own, [f"{other}.write_date", ">=", start]] if other else own


def _value(name: str, value: Any, table: str) -> Any:
    """Return a value as the database has it: the API shows NULL as false, and names with ids."""
    if isinstance(value, list):
        return value[0]
    if table == "res_country" and name == "name":
        return {"en_US": value}
    return None if value is False and name != "active" else value


def _paid(odoo: _Odoo) -> Iterator[Message]:
    """Which invoices a payment is for; a change of that alone does not show on either of them."""
    keys = []
    for payment in odoo.pages("account.payment", [["invoice_ids", "!=", False]], ["invoice_ids"]):
        for invoice in payment["invoice_ids"]:
            keys.append(f"{payment['id']}-{invoice}")
            values = {"id": keys[-1], "payment_id": payment["id"], "invoice_id": invoice}
            yield record(_PAID, values)
    yield only(_PAID, keys)


class _Odoo:
    """One database, as one user sees it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._api = ApiReader(str(options["url"]), {}, int(options.get("rate", 0)))
        self._database = str(options["database"])
        self._key = str(options["key"])
        self._user = self._call("common", "login", [self._database, options["user"], self._key])
        if not self._user:
            raise RuntimeError(f"Odoo refuses user {options['user']}: check user and key")
        context = {"active_test": False, "lang": "en_US"}
        self._context: dict[str, Any] = context
        companies = options.get("companies")
        if not companies:
            (own,) = self._ask("res.users", "read", [[self._user], ["company_ids"]])
            companies = own["company_ids"]
        elif isinstance(companies, str):
            companies = [int(one) for one in companies.split(",")]
        self._context = context | {"allowed_company_ids": companies}

    def pages(self, model: str, domain: list[Any], fields: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the records of a model, in the order of their ids."""
        after = 0
        while True:
            asked = [[*domain, ["id", ">", after]], fields]
            page = self._ask(model, "search_read", asked, {"limit": _PAGE, "order": "id"})
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1]["id"]

    def ids(self, model: str, domain: list[Any]) -> list[int]:
        """Return the ids of all records."""
        found: list[int] = self._ask(model, "search", [domain])
        return found

    def _ask(self, model: str, method: str, given: list[Any], more: Any = None) -> Any:
        named = {"context": self._context, **(more or {})}
        place = [self._database, self._user, self._key]
        return self._call("object", "execute_kw", [*place, model, method, given, named])

    def _call(self, service: str, method: str, given: list[Any]) -> Any:
        body = {
            "jsonrpc": "2.0",
            "method": "call",
            "params": {"service": service, "method": method, "args": given},
        }
        answer = self._api.post("/jsonrpc", body)
        if answer is None or "error" in answer:
            data = (answer or {}).get("error", {}).get("data", {})
            raise RuntimeError(f"Odoo, {method}: {data.get('message', 'no JSON-RPC is here')}")
        return answer.get("result")
