"""What a list is asked for: the parameters of its address."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from headrace.console.records.kinds import CUSTOMERS, Kind
from headrace.model.clock import parse_instant
from headrace.model.money import EXPONENTS
from headrace.store.records.record_search import (
    CUSTOMER_SORTS,
    OPEN_STATES,
    SORTS,
    Mark,
    SearchQuery,
)

PAGE_ROWS = 50
TEXT_MAX = 100
"""Characters of a search."""
_DAY_LENGTH = 10
_SEQ_MAX = 2**62


class Wanted(Struct, frozen=True, kw_only=True):
    """The part of a list that is asked for; parameters that make no sense ask for nothing."""

    text: str = ""
    state: str = ""
    currency: str = ""
    first: str = ""
    last: str = ""
    sort: str = ""
    """Begins with - where it goes down; empty for the usual order."""
    customer: str = ""
    """The id of the customer whose documents are asked for."""
    after: Mark | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether only a part of the list is asked for."""
        given = (self.text, self.state, self.currency, self.first, self.last, self.customer)
        return any(given)

    def parameters(self, **changed: str) -> dict[str, str]:
        """Return the parameters of an address that asks for the same, from its beginning."""
        return {
            "q": self.text,
            "state": self.state,
            "currency": self.currency,
            "from": self.first,
            "to": self.last,
            "sort": self.sort,
            "customer": self.customer,
            **changed,
        }

    def query(self, customer: int, limit: int = PAGE_ROWS) -> SearchQuery:
        """Return the search; `customer` is that customer's number."""
        sort = self.sort or self.usual_sort
        return SearchQuery(
            text=self.text,
            state=self.state,
            currency=self.currency,
            first_day=self.first,
            last_day=self.last,
            customer=customer,
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            after=self.after,
            limit=limit,
        )

    @property
    def usual_sort(self) -> str:
        """The order that nobody has to ask for: what is open by its due date, else the newest
        first."""
        return "due" if self.state in OPEN_STATES else "-new"


def wanted_of(kind: Kind, given: Mapping[str, str]) -> Wanted:
    """Return what the parameters ask for."""
    state, currency = given.get("state", ""), given.get("currency", "")
    state = state if state in dict(kind.states) else ""
    sort = given.get("sort", "")
    sorts = CUSTOMER_SORTS if kind is CUSTOMERS else SORTS
    known = sort.removeprefix("-") in sorts
    if sort.removeprefix("-") == "due" and state not in OPEN_STATES:
        known = False
    return Wanted(
        text=given.get("q", "").replace("\0", "").strip()[:TEXT_MAX],
        state=state,
        currency=currency if currency in EXPONENTS else "",
        first=_day(given.get("from", "")),
        last=_day(given.get("to", "")),
        sort=sort if known else "",
        customer=given.get("customer", "").replace("\0", ""),
        after=_mark(given.get("after", ""), sort.removeprefix("-") == "amount"),
    )


def mark_text(mark: Mark) -> str:
    """Return a mark as a parameter."""
    return f"{mark.seq}.{mark.place}"


def _mark(text: str, amounts: bool) -> Mark | None:
    seq, _, place = text.replace("\0", "").partition(".")
    numbers = (seq, place) if amounts else (seq,)
    if not all(one.isascii() and one.isdecimal() and int(one) < _SEQ_MAX for one in numbers):
        return None
    return Mark(int(place) if amounts else place, int(seq))


def _day(text: str) -> str:
    try:
        parse_instant(text)
    except ValueError:
        return ""
    return text if len(text) == _DAY_LENGTH else ""
