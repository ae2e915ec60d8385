"""Reads FreshBooks by its accounting API, as documented in 2026: what was updated since two
days before the last time.

Options: `client_id`, `client_secret` and `redirect_uri` of an app; `refresh_token` of an
authorisation; `account`, the accounting system's id; `auth_file`, where newer refresh tokens are
kept; `url`; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, only, record, since
from headrace.systems.moments import DAYS, asked_from
from headrace.systems.oauth import RotatingToken, json_grant

_URL = "https://api.freshbooks.com"
_PAGE = 100
_TRIES = 5
"""How often a list is read that changes while it is read."""
_PATHS = {
    "clients": "users/clients",
    "invoices": "invoices/invoices",
    "payments": "payments/payments",
    "credit_notes": "credit_notes/credit_notes",
}
_ACTIVE, _DELETED, _ARCHIVED = 0, 1, 2
"""States of an object; a list has those of one state."""
_PAYMENTS, _CREDIT_NOTES = "payments", "credit_notes"
"""Payments can't be asked for deleted ones, so they are counted. Credit notes can't be asked for
what was updated, so all are read."""
_ADVICE = "Authorise headrace's app in FreshBooks again, and set refresh_token to the new token."
_ACCOUNT = "Check account, and that the app may read clients, invoices, payments and credit notes."


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was updated since `last`; `now` is the time, since 1970."""
    account = _Account(options)
    # FreshBooks asks by day, in a time zone of its own.
    moment = asked_from(last, DAYS)
    left: dict[str, Any] = {"until": now}
    for table in tables:
        whole = moment is None or table == _CREDIT_NOTES
        if moment is not None and not whole:
            updated = account.updated(table, moment.date().isoformat())
            # A deleted object stays, with its mark.
            yield from (record(table, one) for one in updated.values())
            if table == _PAYMENTS:
                left[table] = _counted(last[table], updated)
                whole = left[table]["count"] != account.count(table)
        if whole:
            there = account.objects(table, _ACTIVE) | account.objects(table, _ARCHIVED)
            yield from (record(table, one) for one in there.values())
            yield only(table, there)
            if table == _PAYMENTS:
                left[table] = {"count": account.count(table), "newest": max(there, default=0)}
    yield since(left)


def _counted(before: Mapping[str, int], updated: Mapping[int, Any]) -> dict[str, int]:
    """Return how many objects there should be now, if none was deleted: ids grow."""
    new = [key for key in updated if key > before["newest"]]
    count = before["count"] + len(new)
    return {"count": count, "newest": max(new, default=before["newest"])}


class _Account:
    """The lists of one account."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        url = str(options.get("url", _URL)).rstrip("/")
        names = ("client_id", "client_secret", "redirect_uri")
        app = {name: str(options[name]) for name in names}
        token = RotatingToken(json_grant(f"{url}/auth/oauth/token", _ADVICE), options, app)
        place = f"{url}/accounting/account/{options['account']}"
        self._api = ApiReader(place, {}, int(options.get("rate", 0)), token, _ACCOUNT)

    def updated(self, table: str, day: str) -> dict[int, dict[str, Any]]:
        """Return the objects in any state that were updated since a day."""
        found: dict[int, dict[str, Any]] = {}
        for state in (_ACTIVE, _ARCHIVED, _DELETED):
            found |= self.objects(table, state, [("search[updated_min]", day)])
        return found

    def objects(
        self, table: str, state: int, more: Iterable[tuple[str, Any]] = ()
    ) -> dict[int, dict[str, Any]]:
        """Return the objects in a state by their ids. The list is read again if one was deleted
        meanwhile: then another one moved to a page that was already read.

        Raises RuntimeError for a list that never keeps still: what it lacks would be deleted.
        """
        asked = [*more, ("search[vis_state]", state), ("per_page", _PAGE)]
        before: set[int] = set()
        for _ in range(_TRIES):
            found: dict[int, dict[str, Any]] = {}
            totals: set[int] = set()
            number = pages = 1
            while number <= pages:
                result = self._page(table, [*asked, ("page", number)])
                found |= {int(one["id"]): one for one in result[table]}
                totals.add(int(result["total"]))
                number, pages = number + 1, int(result["pages"])
            # A total that counts otherwise is no change: the same objects came twice.
            if totals == {len(found)} or (len(totals) == 1 and before == found.keys()):
                return found
            before = set(found)
        raise RuntimeError(f"FreshBooks changes the list of {table} each time it is read")

    def count(self, table: str) -> int:
        """Return how many objects there are that are not deleted."""
        return int(self._page(table, [("per_page", 1), ("page", 1)])["total"])

    def _page(self, table: str, asked: list[tuple[str, Any]]) -> dict[str, Any]:
        page = self._api.get(f"/{_PATHS[table]}", asked)
        if page is None:
            raise RuntimeError(f"There is no list of {table} of FreshBooks at this address")
        result: dict[str, Any] = page["response"]["result"]
        return result
