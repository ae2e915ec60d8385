"""Query parameters of lists (docs/api-evidence.md, Lists): what they are and how they are parsed;
and the answer of a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from msgspec import Struct

from headrace.model.entity import CUSTOMER, PAYMENT, Entity
from headrace.model.errors import BadRequest
from headrace.model.resource import ACTION
from headrace.server.call import Answer, json_answer
from headrace.server.query import Query
from headrace.store.records.custom_filter import Condition
from headrace.store.records.document_kinds import DOCUMENT_KINDS
from headrace.store.records.page import Days, Order, Page, Selection, Window
from headrace.store.records.references import Address, parse_address

DEFAULT_LIMIT = 50
_OFFSET_MAX = 2**53
_FIELD_FILTERS = ("customFieldsData_", "customFieldData_")


class Parameter(Struct, frozen=True):
    """A query parameter of a list, as the OpenAPI document describes it."""

    name: str
    meaning: str
    schema: dict[str, Any]


def parameters(entity: Entity, path: str) -> Iterator[Parameter]:
    """Describe what the functions below parse for a list of this entity at this path."""
    yield _count("offset", "How many to skip, newest first.", 0)
    text = f"How many at most: 50 unless told, {entity.page_cap} at most; the answer echoes it."
    yield _count("limit", text, 1)
    yield _count("page", "Instead of `offset`: which page of `limit` entries, from 1.", 1)
    kind = DOCUMENT_KINDS.get(entity.name)
    if path == entity.path and (kind is not None or entity is ACTION):
        yield _text("customerId", "Only of this customer: an id, or `external:` and the source's.")
    if entity in (PAYMENT, ACTION):
        yield _text("dateFrom", "Only those that were made from this day on.", format="date")
        yield _text("dateTo", "Only those that were made until this day.", format="date")
    if entity is ACTION:
        yield _text("type", "Only actions of this type.")
    if kind is not None:
        yield _text("sortBy", "In this order.", enum=list(kind.sorts))
        yield _text("sortOrder", "Rising or falling.", enum=["ASC", "DESC"])
    if entity is CUSTOMER:
        yield _text(
            "name", "Only customers whose name contains this, whatever the case of its letters."
        )
        # The name of the filter by custom fields contains the field's id.
        yield _text(
            "customFieldsData_{fieldId}.eq",
            "Only customers with this value (or label) of the custom field with this id; several "
            "must all hold. The name is spelled with the id, as in "
            "`customFieldsData_01a20e27-9f53-77ea-9f70-2a547cc76ed4.eq=North`.",
        )


def window(query: Query, cap: int) -> Window:
    """Parse `offset` and `limit`, or `page` (from 1) and `limit`; a limit above the cap is clamped.

    Raises BadRequest for anything that is not a number in range.
    """
    limit = min(_number(query, "limit", DEFAULT_LIMIT, at_least=1), cap)
    if query.get("page") is not None and query.get("offset") is None:
        return Window((_number(query, "page", 1, at_least=1) - 1) * limit, limit)
    return Window(_number(query, "offset", 0, at_least=0), limit)


def selection(query: Query, entity: Entity) -> Selection:
    """Parse the parameters of a list of documents. Raises BadRequest as `order` and `days` do."""
    return Selection(
        customer=customer_filter(query),
        order=order(query, DOCUMENT_KINDS[entity.name].sorts),
        days=days(query) if entity is PAYMENT else None,
    )


def customer_filter(query: Query) -> Address | None:
    """Parse `customerId`: an id, or `external:` with the source's id."""
    value = query.get("customerId")
    return parse_address(value) if value else None


def order(query: Query, columns: dict[str, str]) -> Order | None:
    """Parse `sortBy` and `sortOrder`; `columns` are the columns by the fields that sort.

    Raises BadRequest for another field or order: a list in another order than the client believes
    may be cut off at the wrong end.
    """
    field, direction = query.get("sortBy"), query.get("sortOrder")
    if field is None and direction is None:
        return None
    field = field or "createdAt"
    if field not in columns:
        problem = f"must be one of {', '.join(columns)}"
        raise BadRequest(f"sortBy {problem}, not {field!r}.", (("sortBy", problem),))
    if direction is not None and direction.upper() not in ("ASC", "DESC"):
        problem = "must be ASC or DESC"
        raise BadRequest(f"sortOrder {problem}, not {direction!r}.", (("sortOrder", problem),))
    return Order(columns[field], direction is not None and direction.upper() == "DESC")


def days(query: Query) -> Days | None:
    """Parse `dateFrom` and `dateTo`, dates such as 2026-01-31, both included.

    Raises BadRequest for anything else.
    """
    first, last = query.get("dateFrom"), query.get("dateTo")
    if first is None and last is None:
        return None
    for name, text in (("dateFrom", first), ("dateTo", last)):
        if text is not None and not _is_date(text):
            problem = "must be a date such as 2026-01-31"
            raise BadRequest(f"{name} {problem}, not {text!r}.", ((name, problem),))
    every = Days()
    return Days(first or every.first, last or every.last)


def conditions(query: Query) -> list[Condition]:
    """Parse the documented filter by custom fields, in both spellings of the guide.

    Raises BadRequest for an operator other than `.eq`, and for the older reference's `filters`,
    whose form is unknown: ignoring them would list every customer.
    """
    if query.get("filters"):
        problem = "is not supported: filter with customFieldsData_<id>.eq=<value>"
        raise BadRequest(f"filters {problem}.", (("filters", problem),))
    found = []
    for name, text in query.starting_with(*_FIELD_FILTERS):
        field_id, dot, operator = name.partition("_")[2].rpartition(".")
        if not dot or operator != "eq":
            problem = "write customFieldsData_<id>.eq=<value>; there is no other comparison"
            raise BadRequest(f"{name}: {problem}.", ((name, problem),))
        found.append(Condition(name, field_id, text))
    return found


def page_answer(entity: Entity, window: Window, page: Page[Any]) -> Answer:
    """Wrap a part of a list in its envelope (docs/api-evidence.md, List envelopes)."""
    return json_answer(
        200,
        {
            "offset": window.offset,
            "limit": window.limit,
            "total": page.total,
            entity.envelope: page.items,
        },
    )


def _count(name: str, meaning: str, least: int) -> Parameter:
    return Parameter(name, meaning, {"type": "integer", "minimum": least, "maximum": _OFFSET_MAX})


def _text(name: str, meaning: str, **schema: Any) -> Parameter:
    return Parameter(name, meaning, {"type": "string", **schema})


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _number(query: Query, name: str, default: int, *, at_least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    problem = f"must be a whole number of at least {at_least}"
    if not (text.isascii() and text.isdecimal()) or not at_least <= int(text) <= _OFFSET_MAX:
        raise BadRequest(f"{name} {problem}, not {text!r}.", ((name, problem),))
    return int(text)
