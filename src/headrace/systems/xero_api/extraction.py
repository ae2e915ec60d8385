"""Reads Xero by its Accounting API 2.0: what was modified since the last time.

Options: `client_id` and `client_secret` of a custom connection; of another app also
`refresh_token`, of an authorisation with `offline_access`, and `tenant`, the organisation's id in
Xero. `auth_file`, where newer refresh tokens are kept; `url`; `auth_url`; `rate`, requests a
minute, 60 without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.systems.access import Access, basic
from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, record, since
from headrace.systems.moments import asked_from
from headrace.systems.oauth import ClientCredentials, RotatingToken, form_grant

_URL = "https://api.xero.com"
_TOKEN_URL = "https://identity.xero.com/connect/token"
_RATE = 60
"""Requests a minute that Xero takes for one organisation."""
_PAGE = 1000
_LISTS = {
    "contacts": ("Contacts", "ContactID"),
    "invoices": ("Invoices", "InvoiceID"),
    "credit_notes": ("CreditNotes", "CreditNoteID"),
    "payments": ("Payments", "PaymentID"),
    "overpayments": ("Overpayments", "OverpaymentID"),
    "prepayments": ("Prepayments", "PrepaymentID"),
}
_MORE: Mapping[str, list[tuple[str, Any]]] = {
    "contacts": [("includeArchived", "true")],
    "invoices": [("where", 'Type=="ACCREC"')],
    "credit_notes": [("where", 'Type=="ACCRECCREDIT"')],
}
"""Archived contacts may owe; bills are of no interest."""
_RENEW = "Authorise headrace's app in Xero again, and set refresh_token to the new token."
_CONNECTION = "Check client_id and client_secret of the custom connection."


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was modified since `last`; `now` is the time, since 1970."""
    if bool(options.get("refresh_token")) != bool(options.get("tenant")):
        raise RuntimeError("refresh_token and tenant belong together: give both, or neither")
    headers = {"Accept": "application/json"}
    if "tenant" in options:
        headers["Xero-tenant-id"] = str(options["tenant"])
    api = ApiReader(
        f"{options.get('url', _URL)}/api.xro/2.0",
        headers,
        int(options.get("rate", _RATE)),
        _access(options),
        "Check tenant, and that the app may read accounting transactions and contacts.",
    )
    moment = asked_from(last)
    for table in tables:
        # What was deleted or voided comes too, with its status.
        for item in _listed(api, table, moment):
            yield record(table, item)
    yield since({"until": now})


def _access(options: Mapping[str, Any]) -> Access:
    app = basic(str(options["client_id"]), str(options["client_secret"]))
    address = str(options.get("auth_url", _TOKEN_URL))
    if "refresh_token" in options:
        return RotatingToken(form_grant(address, app, _RENEW), options)
    return ClientCredentials(form_grant(address, app, _CONNECTION), {})


def _listed(api: ApiReader, table: str, moment: datetime | None) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list. It is read in the order of ids, which a change leaves as it is,
    so that no object moves to a page that was already read."""
    name, key = _LISTS[table]
    headers = {"If-Modified-Since": moment.strftime("%Y-%m-%dT%H:%M:%S")} if moment else {}
    asked = [*_MORE.get(table, []), ("order", f"{key} ASC"), ("pageSize", _PAGE)]
    number = 1
    while True:
        page = api.get(f"/{name}", [*asked, ("page", number)], headers)
        if page is None:
            raise RuntimeError(f"There is no Xero at this address: no {name}")
        yield from page.get(name, ())
        # Xero may give fewer objects a page than were asked for.
        pages = page.get("pagination", {}).get("pageCount")
        if not page.get(name) or number == pages:
            return
        number += 1
