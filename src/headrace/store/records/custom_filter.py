"""Finds customers by values of custom fields, through the index of those values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from headrace.model.errors import BadRequest
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOM_FIELD as SQL
from headrace.store.records.custom_fields import find_field
from headrace.store.records.custom_values import CUSTOMER
from headrace.store.records.field_types import parse_filter
from headrace.store.records.page import Page, Window, plan_scan
from headrace.store.records.references import parse_address


class Condition(Struct, frozen=True):
    """A custom field and the value it must have; `parameter` is the query parameter, for
    messages."""

    parameter: str
    field_id: str
    text: str


class _Key(Struct, frozen=True):
    seq: int
    total: int


def page_of_owners(
    db: Connection, context: Context, window: Window, conditions: Sequence[Condition]
) -> Page[int]:
    """Return the numbers of the customers that meet all conditions, newest first.

    The total of one condition is maintained; that of several is the size of their intersection,
    counted. Raises BadRequest for a field that is not a customer's, and for a value that its data
    type can't hold.
    """
    keys = [_key(db, context, condition) for condition in conditions]
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):
        return Page([], 0)
    if len(known) == 1:
        return _page_of_key(db, window, known[0])
    known.sort(key=lambda key: key.total)
    common = _owners(db, known[0])
    for key in known[1:]:
        having = set(_owners(db, key))
        common = [owner for owner in common if owner in having]
    return Page(common[window.offset : window.offset + window.limit], len(common))


def _key(db: Connection, context: Context, condition: Condition) -> _Key | None:
    field = find_field(db, context, parse_address(condition.field_id), CUSTOMER)
    if field is None or field.entity != CUSTOMER:
        _refuse(condition, f"there is no custom field of customers called {condition.field_id}")
    try:
        text = parse_filter(field.data_type, condition.text)
    except ValueError as error:
        _refuse(condition, f"{field.label} {error}")
    row = db.execute(SQL["key"], (field.seq, text)).fetchone()
    return _Key(*row) if row else None


def _refuse(condition: Condition, problem: str) -> NoReturn:
    raise BadRequest(f"{condition.parameter}: {problem}.", ((condition.parameter, problem),))


def _owners(db: Connection, key: _Key) -> list[int]:
    return [owner for (owner,) in db.execute(SQL["owners"], (key.seq,))]


def _page_of_key(db: Connection, window: Window, key: _Key) -> Page[int]:
    scan = plan_scan(window, key.total)
    if scan is None:
        return Page([], key.total)
    query = SQL["owners_newest" if scan.newest_first else "owners_oldest"]
    owners = [owner for (owner,) in db.execute(query, (key.seq, scan.limit, scan.skip))]
    return Page(sorted(owners, reverse=True), key.total)
