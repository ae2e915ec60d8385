"""Reads QuickBooks Online by its Accounting API v3: queries at first, then its change data capture.

Options: `client_id` and `client_secret` of an app; `refresh_token` of the company's authorisation,
with the scope `com.intuit.quickbooks.accounting`; `realm`, the company's id; `auth_file`, where
newer refresh tokens are kept; `url`, such as `https://sandbox-quickbooks.api.intuit.com`;
`auth_url`; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.access import basic
from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, gone, record, since, whole
from headrace.systems.moments import asked_from, iso
from headrace.systems.oauth import RotatingToken, form_grant

_URL = "https://quickbooks.api.intuit.com"
_TOKEN_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
_VERSION = 75
"""The minor version of the objects, whatever the app's own default is."""
_PAGE = 1000
_MOST_CHANGES = 1000
"""An answer about changes has no more objects than these, and does not say that it lacks some."""
_KEPT_S = 25 * 86_400
"""Changes can be asked for 30 days back; after a longer pause everything is read."""
_OBJECTS = {
    "customers": "Customer",
    "invoices": "Invoice",
    "credit_memos": "CreditMemo",
    "payments": "Payment",
    "journal_entries": "JournalEntry",
    "accounts": "Account",
}
_ALSO_INACTIVE = ("customers", "accounts")
"""Objects of which a query gives only active ones unless it asks for both."""
_ADVICE = "Authorise headrace's app for the company again, and set refresh_token to the new token."


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what has changed since `last`; `now` is the time, since 1970."""
    app = basic(str(options["client_id"]), str(options["client_secret"]))
    accepted = {"Accept": "application/json"}
    grant = form_grant(str(options.get("auth_url", _TOKEN_URL)), app | accepted, _ADVICE)
    company = ApiReader(
        f"{options.get('url', _URL)}/v3/company/{options['realm']}",
        accepted,
        int(options.get("rate", 0)),
        RotatingToken(grant, options),
        "Check realm, and that this company authorised the app for its accounting.",
    )
    wanted = {table: _OBJECTS[table] for table in tables if table in _OBJECTS}
    changes = None
    moment = asked_from(last)
    if moment is not None and now - last["until"] < _KEPT_S:
        changes = _changes(company, wanted, iso(moment))
    if changes is None:
        yield whole()
        for table, kind in wanted.items():
            for item in _queried(company, table, kind):
                yield record(table, item)
    yield from changes or ()
    yield since({"until": now})


def _queried(company: ApiReader, table: str, kind: str) -> Iterator[dict[str, Any]]:
    """Yield all objects of a kind. If one is deleted meanwhile, those behind it move up; so each
    page starts with the last object of the page before, and is read again from further up if
    it does not."""
    condition = " where Active in (true, false)" if table in _ALSO_INACTIVE else ""
    start, expected = 1, None
    while True:
        query = f"select * from {kind}{condition} orderby Id startposition {start}"
        asked = [("query", f"{query} maxresults {_PAGE}"), ("minorversion", _VERSION)]
        page = _found(company.get("/query", asked))["QueryResponse"].get(kind, [])
        if expected is not None and (not page or page[0]["Id"] != expected):
            start, expected = max(1, start - _PAGE), None
            continue
        yield from page
        if len(page) < _PAGE:
            return
        start, expected = start + _PAGE - 1, page[-1]["Id"]


def _changes(company: ApiReader, wanted: Mapping[str, str], moment: str) -> list[Message] | None:
    """Return what has changed, deletions included; None if that may be more than is answered."""
    asked = [
        ("entities", ",".join(wanted.values())),
        ("changedSince", moment),
        ("minorversion", _VERSION),
    ]
    answers = _found(company.get("/cdc", asked))["CDCResponse"][0]["QueryResponse"]
    found = [
        (table, item)
        for answer in answers
        for table, kind in wanted.items()
        for item in answer.get(kind, [])
    ]
    if len(found) >= _MOST_CHANGES:
        return None
    return [
        gone(table, item["Id"]) if item.get("status") == "Deleted" else record(table, item)
        for table, item in found
    ]


def _found(answer: Any) -> dict[str, Any]:
    """Return an answer; a fault comes with status 200 too."""
    if answer is None:
        raise RuntimeError("There is no company of QuickBooks at this address: check realm and url")
    if "Fault" in answer:
        errors = answer["Fault"].get("Error") or [{}]
        said = " ".join(filter(None, (errors[0].get("Message"), errors[0].get("Detail"))))
        raise RuntimeError(f"QuickBooks refuses a request: {said or 'a fault without words'}")
    found: dict[str, Any] = answer
    return found
