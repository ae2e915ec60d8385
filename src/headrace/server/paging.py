"""Query parameters of lists (docs/api-evidence.md, Lists), and the answer of a page."""

from __future__ import annotations

from datetime import date
from typing import Any

from headrace.model.entity import Entity
from headrace.model.errors import BadRequest
from headrace.server.call import Answer, json_answer
from headrace.server.query import Query
from headrace.store.records.custom_filter import Condition
from headrace.store.records.page import Days, Order, Page, Window
from headrace.store.records.references import Address, parse_address

DEFAULT_LIMIT = 50
_OFFSET_MAX = 2**53
_FIELD_FILTERS = ("customFieldsData_", "customFieldData_")


def window(query: Query, cap: int) -> Window:
    """Parse `offset` and `limit`, or `page` (from 1) and `limit`; a limit above the cap is clamped.

    Raises BadRequest for anything that is not a number in range.
    """
    limit = min(_number(query, "limit", DEFAULT_LIMIT, at_least=1), cap)
    if query.get("page") is not None and query.get("offset") is None:
        return Window((_number(query, "page", 1, at_least=1) - 1) * limit, limit)
    return Window(_number(query, "offset", 0, at_least=0), limit)


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
