"""What a reader wants to see of the open invoices: the parameters of the overview's address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from starlette.datastructures import QueryParams

from headrace.ledger.document import open_amount
from headrace.model.money import EXPONENTS
from headrace.pages.form import FormFields
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.portal_account import (
    Family,
    OpenItem,
    matching,
    numbers_of,
    state_of,
)

PAGE_ROWS = 50
"""Invoices on one page."""
STATES = ("DUE", "OVERDUE", "DISPUTED")
SORTS = (
    "due", "due_down", "issued", "issued_down", "number", "open_down", "total_down", "state",
)  # fmt: skip
"""Orders of the list; the first is the one that is not asked for."""
_SEARCH_MAX = 100
_LAST = "9999"


class Wanted(Struct, frozen=True):
    """The part of the open invoices that is asked for; empty parts mean everything."""

    customer: str = ""
    """The id of the customer of the family that was picked."""
    search: str = ""
    state: str = ""
    currency: str = ""
    sort: str = SORTS[0]
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether only some of the open invoices are asked for."""
        return bool(self.search or self.state or self.currency)

    def parameters(self) -> dict[str, str]:
        """Return the parameters of an address that asks for the same, without the page."""
        return {
            "customer": self.customer,
            "q": self.search,
            "state": self.state,
            "currency": self.currency,
            "sort": "" if self.sort == SORTS[0] else self.sort,
        }


def wanted_of(given: QueryParams | FormFields) -> Wanted:
    """Return what the parameters ask for; those that make no sense ask for nothing."""
    state, currency, sort = (str(given.get(name, "")) for name in ("state", "currency", "sort"))
    page = str(given.get("page", ""))
    return Wanted(
        customer=str(given.get("customer", "")),
        search=str(given.get("q", "")).replace("\0", "").strip()[:_SEARCH_MAX],
        state=state if state in STATES else "",
        currency=currency if currency in EXPONENTS else "",
        sort=sort if sort in SORTS else SORTS[0],
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
    )


def find_wanted(
    db: Connection, context: Context, family: Family, items: Sequence[OpenItem], wanted: Wanted
) -> list[OpenItem]:
    """Return the open invoices that are asked for, in their order."""
    today = context.today
    found = [item for item in items if item.is_invoice]
    if wanted.currency:
        found = [item for item in found if item.currency == wanted.currency]
    if wanted.state:
        found = [item for item in found if state_of(item, today) == wanted.state]
    if wanted.search:
        named = matching(db, family, wanted.search)
        found = [item for item in found if item.seq in named]
    found.sort(key=lambda item: (item.due_date or _LAST, item.seq))
    if wanted.sort == SORTS[0]:
        return found
    key, down = _order(db, context, family, wanted.sort)
    return sorted(found, key=key, reverse=down)


def _order(
    db: Connection, context: Context, family: Family, sort: str
) -> tuple[Callable[[OpenItem], Any], bool]:
    """Return the key of an order, and whether it goes down."""
    if sort == "number":
        return numbers_of(db, family), False
    keys: dict[str, Callable[[OpenItem], Any]] = {
        "due_down": lambda item: item.due_date or "",
        "issued": lambda item: item.dated or _LAST,
        "issued_down": lambda item: item.dated or "",
        "open_down": open_amount,
        "total_down": lambda item: item.amount,
        "state": lambda item: state_of(item, context.today),
    }
    return keys[sort], sort.endswith("_down")
