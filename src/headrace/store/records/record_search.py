"""Lists of records as people look through them: searched, filtered, in an order, page by page.

A page costs the same anywhere in a list of any length: it begins after a mark, which is the place
of the last row before, and goes through an index. Conditions that no index answers are looked up
row by row, in a bounded number of rows; a page that ends there says so, and its mark goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from headrace.ledger.document import invoice_state
from headrace.model.entity import INVOICE, Entity
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import SEARCH as SQL
from headrace.store.records.customer_rows import CustomerRow, customer_by_seq
from headrace.store.records.document_rows import DocumentRow, document_by_seq
from headrace.store.records.number_keys import lowered

T = TypeVar("T")

LOOKED_AT = 10_000
"""Rows that a page looks at, at most."""
_LOOKED_AT_FIRST = 500
SORTS = {
    "new": "seq",
    "date": "coalesce(dated, '')",
    "amount": "amount",
    "due": "coalesce(due_date, '')",
}
"""Orders of documents; `due` is for the open ones."""
CUSTOMER_SORTS = {"new": "seq", "name": "substr(lower(name), 1, 60)"}
_MARKS = ("DISPUTED", "VOIDED", "WRITTEN_OFF")
OPEN_STATES = ("OPEN", "DUE", "OVERDUE")
"""States of open documents; of a settlement OPEN is what is not applied yet."""
_LAST = "\U0010ffff"
_DIRECT_MAX = 50


class Mark(Struct, frozen=True):
    """Where the next page begins: after the row with this place in the order and this number."""

    place: str | int
    seq: int


class SearchQuery(Struct, frozen=True, kw_only=True):
    """What is asked for; empty parts ask for everything."""

    text: str = ""
    """Part of an id, a number or a name, whatever the case of the letters a to z."""
    state: str = ""
    currency: str = ""
    first_day: str = ""
    last_day: str = ""
    """ISO dates."""
    customer: int = 0
    """The number of a customer."""
    sort: str = "new"
    descending: bool = True
    after: Mark | None = None
    limit: int = 50


class FoundPage(Struct, Generic[T], frozen=True):
    """A page of a list."""

    rows: list[T]
    next: Mark | None
    """Where the next page begins; None after the last."""
    looked: int = 0
    """How many rows were looked at, if the page ends for that reason."""


class _Numbers(Struct, gc=False, rename="camel"):
    """What people search for, of a document's body."""

    custom_id: str | None = None
    name: str | None = None
    ref_number: str | None = None


class _Scan(Struct, frozen=True, kw_only=True):
    """The parts of a statement, with their values."""

    steps: str
    owner: tuple[Any, ...]
    key: str
    narrow: list[tuple[str, tuple[Any, ...]]]
    conditions: list[tuple[str, tuple[Any, ...]]]


_NUMBERS = msgspec.json.Decoder(_Numbers)


def search_documents(
    db: Connection, context: Context, entity: Entity, query: SearchQuery
) -> FoundPage[DocumentRow]:
    """Return a page of an entity's documents."""
    text = query.text
    direct: list[int] = []
    if text:
        named = named_documents(db, context, entity, text)
        direct = [row.seq for row in named if _is_wanted(row, query, context.today)]
    part = lowered(text)

    def has_text(row: tuple[Any, ...]) -> bool:
        _, _, external_id, body, name = row
        numbers = _NUMBERS.decode(body)
        texts = (external_id, name, numbers.custom_id, numbers.name, numbers.ref_number)
        return any(part in lowered(one) for one in texts if one)

    scan = _document_scan(context, entity, query)
    fits = has_text if text else None
    found = _page(db, "documents", scan, query, direct, fits)
    return FoundPage([document_by_seq(db, seq) for seq in found.rows], found.next, found.looked)


def named_documents(
    db: Connection, context: Context, entity: Entity, text: str
) -> list[DocumentRow]:
    """Return the documents that have this id, or whose external id or number begins with the text;
    the first ones only, where there are many."""
    own, key = (context.organisation.seq, entity.name), lowered(text)
    named = (*own, text, text + _LAST, _DIRECT_MAX, *own, key, key + _LAST, _DIRECT_MAX)
    parameters = (text, entity.name, context.organisation.seq, *named)
    found = db.execute(SQL["document_ids"], parameters).fetchall()
    return [document_by_seq(db, seq) for seq in dict.fromkeys(seq for (seq,) in found)]


def search_customers(
    db: Connection, context: Context, query: SearchQuery
) -> FoundPage[CustomerRow]:
    """Return a page of the customers; of states there are OPEN, OVERDUE and UNAPPLIED."""
    text, organisation = query.text, context.organisation.seq
    direct: list[int] = []
    if text:
        parameters = (text, organisation, organisation, text, text + _LAST, _DIRECT_MAX)
        direct = [seq for (seq,) in db.execute(SQL["customer_ids"], parameters)]
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    if text:
        part = _pattern(text)
        # Contacts are JSON, whose names a word could be part of.
        named = ("where_mailed", (part,)) if "@" in text else ("where_named", (part,) * 3)
        conditions.append(named)
    today = context.today.isoformat()
    states: dict[str, tuple[str, tuple[Any, ...]]] = {
        "OPEN": ("where_owing", ()),
        "OVERDUE": ("where_late", (today,)),
        "UNAPPLIED": ("where_unapplied", ()),
    }
    if query.state in states:
        conditions.append(states[query.state])
    scan = _Scan(
        steps="customer_steps",
        owner=(organisation,),
        key=CUSTOMER_SORTS.get(query.sort, "seq"),
        narrow=[],
        conditions=conditions,
    )
    found = _page(db, "customers", scan, query, direct, None)
    return FoundPage([customer_by_seq(db, seq) for seq in found.rows], found.next, found.looked)


def _is_wanted(row: DocumentRow, query: SearchQuery, today: date) -> bool:
    """Whether a document meets all conditions but the text."""
    if query.state:
        invoice = row.entity == INVOICE.name
        state = invoice_state(row, today) if invoice else "PAID"
        if row.applied < row.amount and (not invoice or state in ("DUE", "OVERDUE", "DISPUTED")):
            states = {"OPEN", state} if invoice else {"OPEN"}
        else:
            states = {state}
        if query.state not in states:
            return False
    day = (row.dated or "")[:10]
    return (
        query.currency in ("", row.currency)
        and query.customer in (0, row.customer)
        and (query.first_day or "") <= day
        and day <= (query.last_day or _LAST)
    )


def _document_scan(context: Context, entity: Entity, query: SearchQuery) -> _Scan:
    by_due = query.sort == "due" and query.state in OPEN_STATES
    key = SORTS["due"] if by_due else SORTS.get(query.sort.replace("due", "new"), "seq")
    today = context.today.isoformat()
    narrow: list[tuple[str, tuple[Any, ...]]] = []
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    states: dict[str, tuple[str, tuple[Any, ...]]] = {
        "OPEN": ("where_open", ()),
        "DUE": ("where_due", (today,)),
        "OVERDUE": ("where_overdue", (today,)),
        "PAID": ("where_settled", ()),
        "DISPUTED": ("where_disputed", ()),
    }
    if query.state in _MARKS and key != "seq":
        conditions.append(("where_mark", (query.state,)))
    if query.state == "OVERDUE" and by_due:
        narrow.append(("narrow_overdue", (today,)))
    elif by_due:
        narrow.append(("narrow_open", ()))
    elif query.state in _MARKS and key == "seq":
        narrow.append(("narrow_mark", (query.state,)))
    if query.state in states:
        conditions.append(states[query.state])
    if query.first_day or query.last_day:
        # A day's moments begin with it, and are more than it as text.
        days = (query.first_day, (query.last_day or "9999-12-31") + _LAST)
        if query.sort == "date":
            narrow.append(("narrow_days", days))
        else:
            conditions.append(("where_days", days))
    if query.currency:
        conditions.append(("where_currency", (query.currency,)))
    if query.text:
        json = msgspec.json.encode(query.text).decode()[1:-1]
        part = _pattern(query.text)
        conditions.append(("where_text", (part, _pattern(json), part)))
    owner = (query.customer or context.organisation.seq, entity.name)
    steps = "document_steps_of_customer" if query.customer else "document_steps"
    return _Scan(steps=steps, owner=owner, key=key, narrow=narrow, conditions=conditions)


def _page(
    db: Connection,
    statement: str,
    scan: _Scan,
    query: SearchQuery,
    direct: list[int],
    fits: Callable[[tuple[Any, ...]], bool] | None,
) -> FoundPage[int]:
    """Return the numbers of a page's rows. `direct` are rows that come first on the first page."""
    narrow = list(scan.narrow)
    if query.after is not None:
        mark = query.after
        simple = scan.key == "seq"
        values = (mark.seq,) if simple else (mark.place, mark.seq)
        narrow.append(("after_seq" if simple else "after", values))
    bounded = bool(scan.conditions)
    steps = SQL[scan.steps].replace("NARROW", " ".join(SQL[name] for name, _ in narrow))
    owner = (*scan.owner, *(value for _, values in narrow for value in values))

    def said(text: str) -> str:
        text = text.replace("STEPS", steps).replace("KEY", scan.key)
        text = text.replace("SIGN", "<" if query.descending else ">")
        return text.replace("DIRECTION", "DESC" if query.descending else "ASC")

    where = " ".join(SQL[name] for name, _ in scan.conditions)
    given = tuple(value for _, values in scan.conditions for value in values)
    text = said(SQL[statement].replace("CONDITIONS", where))
    rows: list[tuple[Any, ...]] = []
    # Most pages are full after few rows.
    for bound in (_LOOKED_AT_FIRST, LOOKED_AT) if bounded else (query.limit + 1,):
        most = bound if fits else query.limit + 1
        rows = db.execute(text, (*owner, bound, *given, most)).fetchall()
        if fits is not None:
            rows = [row for row in rows if fits(row)]
        if len(rows) > query.limit:
            break
    whole = len(direct) < _DIRECT_MAX
    first = [] if query.after is not None else direct
    found = [row for row in rows if not (whole and row[0] in direct)][: query.limit]
    numbers = list(dict.fromkeys([*first, *(row[0] for row in found)]))
    if len(rows) > query.limit and found:
        seq, place = found[-1][:2]
        return FoundPage(numbers, Mark(place, seq))
    if bounded:
        edge = db.execute(said(SQL["edge"]), (*owner, LOOKED_AT, LOOKED_AT - 1)).fetchone()
        if edge is not None:
            return FoundPage(numbers, Mark(edge[1], edge[0]), LOOKED_AT)
    return FoundPage(numbers, None)


def _pattern(text: str) -> str:
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{lowered(text)}%"
