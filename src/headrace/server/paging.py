"""Query parameters of lists (docs/api-evidence.md, Lists); unknown ones are ignored."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from headrace.model.entity import Entity
from headrace.model.errors import BadRequest
from headrace.server.call import Answer, json_answer
from headrace.store.records.custom_filter import Condition
from headrace.store.records.page import Page, Window
from headrace.store.records.references import Address, parse_address

DEFAULT_LIMIT = 50
_OFFSET_MAX = 2**53


def parse_query(query: bytes) -> dict[str, str]:
    """Parse parameters by name; of a repeated one, the last wins. Raises BadRequest for a NUL in
    them."""
    if not query:
        return {}
    if b"%00" in query:
        raise BadRequest("The query contains a NUL character: remove it.")
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def window(parameters: dict[str, str], cap: int) -> Window:
    """Parse `offset` and `limit`, or `page` (from 1) and `limit`; a limit above the cap is clamped.

    Raises BadRequest for anything that is not a number in range.
    """
    limit = min(_number(parameters, "limit", DEFAULT_LIMIT, at_least=1), cap)
    if "page" in parameters and "offset" not in parameters:
        return Window((_number(parameters, "page", 1, at_least=1) - 1) * limit, limit)
    return Window(_number(parameters, "offset", 0, at_least=0), limit)


def customer_filter(parameters: dict[str, str]) -> Address | None:
    """Parse `customerId`: an id, or `external:` with the source's id."""
    value = parameters.get("customerId")
    return parse_address(value) if value else None


def conditions(query: bytes) -> list[Condition]:
    """Parse the documented filter by custom fields, in both spellings of the guide.

    Raises BadRequest for an operator other than `.eq`: ignoring it would list every customer.
    """
    if b"customField" not in query:
        return []
    found = []
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        head, underscore, rest = name.partition("_")
        if head not in ("customFieldsData", "customFieldData") or not underscore:
            continue
        field_id, dot, operator = rest.rpartition(".")
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


def _number(parameters: dict[str, str], name: str, default: int, *, at_least: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    problem = f"must be a whole number of at least {at_least}"
    if not (text.isascii() and text.isdecimal()) or not at_least <= int(text) <= _OFFSET_MAX:
        raise BadRequest(f"{name} {problem}, not {text!r}.", ((name, problem),))
    return int(text)
