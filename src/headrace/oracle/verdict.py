"""What differs in one kept exchange from a hub, given the answers that the hub may give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.oracle.comparison import (
    Finding,
    Findings,
    against_contract,
    against_shape,
)
from headrace.oracle.contract import Contract, Operation
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import Kept, Traffic
from headrace.oracle.shape import Shape
from headrace.oracle.vocabulary import AT_ONCE, PER_MINUTE

PASSING = frozenset({502, 503, 504})
"""Statuses of a server that is away for a moment: nothing can be compared."""
ANY = "any request"
"""Stands for the operation where a difference concerns all of them."""
_COMPARED = ("content-type", "allow", "location", "x-request-id")
_PAGE_FIELDS = ("offset", "limit", "total")
_RISING_LEAST = 5


def differences(
    contract: Contract,
    seen: Kept,
    answers: Sequence[Kept],
    *,
    exact: bool = False,
    traffic: Traffic | None = None,
) -> list[Difference]:
    """Return the differences of an exchange.

    `answers` are those that an unaltered hub may give to the request, as its records are unknown;
    none of them means that the status can't be foretold. With `exact` there is one, and the hub
    has the same history.
    """
    operation = contract.find(seen.method, seen.path)
    name = f"{seen.method} {seen.path}"
    found = _findings(contract, operation, seen, answers, exact)
    limits = [] if traffic is None else list(_limits(seen, traffic))
    return [
        Difference(whose, one.kind, one.place, one.hub, one.server)
        for whose, all_ in ((name, found), (ANY, limits))
        for one in dict.fromkeys(all_)
    ]


def _findings(
    contract: Contract,
    operation: Operation | None,
    seen: Kept,
    answers: Sequence[Kept],
    exact: bool,
) -> list[Finding]:
    if seen.status in PASSING:
        return []
    if seen.status == 429:
        return [*_body(contract, operation, seen), *_limit_headers(seen)]
    found = [*_status(operation, seen, answers), *_body(contract, operation, seen)]
    same = [one for one in answers if one.status == seen.status]
    if same:
        found += _headers(seen, same[0])
        found += _page(operation, seen, same[0])
    if exact and same and seen.body and same[0].body and _is_whole(operation, seen):
        found += against_shape(same[0].body, seen.body, "body")
    return found


def _is_whole(operation: Operation | None, seen: Kept) -> bool:
    """Whether an answer is no part of a list: which entries a part has depends on their order."""
    if operation is None or operation.envelope is None:
        return True
    return seen.page is not None and seen.page.offset == 0 and seen.page.count < seen.page.limit


def _status(operation: Operation | None, seen: Kept, answers: Sequence[Kept]) -> Findings:
    if seen.status == 401:
        return
    allowed = sorted({one.status for one in answers})
    if not allowed and operation is not None:
        allowed = sorted(operation.answers)
    if allowed and seen.status not in allowed:
        alike = [one for one in allowed if (one < 400) == (seen.status < 400)] or allowed
        yield Finding("status", "status", " or ".join(map(str, alike)), seen.status)


def _body(contract: Contract, operation: Operation | None, seen: Kept) -> Findings:
    if seen.method == "HEAD":
        return
    if seen.status >= 400:
        schema = contract.schema("Error")
        named = {"$ref": "#/components/schemas/Error"} if schema else {}
    elif operation is None:
        return
    else:
        named = operation.success(seen.status)
    if named is None or seen.body is None:
        if (named is None) != (seen.body is None):
            sides = ("nothing", "a body") if named is None else ("a body", "nothing")
            yield Finding("type", "body", *sides)
        return
    envelope = operation.envelope if operation is not None and seen.status < 300 else None
    for finding in against_contract(contract, named, seen.body, "body"):
        yield _enveloped(finding, envelope) if envelope else finding


def _enveloped(finding: Finding, envelope: str) -> Finding:
    """A field around the entries is the envelope's."""
    around = finding.place.count(".") == 1 and "[]" not in finding.place
    whole = finding.place == "body" or finding.place == f"body.{envelope}"
    if finding.kind in ("field", "type") and (around or whole):
        return Finding("envelope", finding.place, finding.hub, finding.server)
    return finding


def _headers(seen: Kept, hub: Kept) -> Findings:
    for name in _COMPARED:
        here, there = hub.headers.get(name), seen.headers.get(name)
        if here != there:
            yield Finding("header", f"header {name}", here, there)


def _page(operation: Operation | None, seen: Kept, hub: Kept) -> Findings:
    if operation is None or operation.envelope is None or seen.body is None or hub.body is None:
        return
    for name in ("limit", "offset"):
        here, there = _value(hub.body, name), _value(seen.body, name)
        if here is not None and there is not None and here != there:
            yield Finding("page", f"body.{name}", here, there)
    page = seen.page
    if page is None:
        return
    stated = _value(seen.body, "limit")
    if isinstance(stated, int) and page.count > stated:
        yield Finding("page", "entries", f"at most {stated}", page.count)
    elif not page.full:
        yield Finding("page", "entries", "as many as limit and total allow", page.count)
    yield from _order(seen, page.falling, page.rising, page.count)


def _order(
    seen: Kept, falling: tuple[str, ...], rising: tuple[str, ...], count: int
) -> Iterator[Finding]:
    field, direction = seen.query.get("sortBy"), seen.query.get("sortOrder", "ASC")
    if field is None and direction == "ASC":
        # Only a whole page against the rule counts: moments of one request may be equal.
        wrong = "createdAt" in rising and "createdAt" not in falling
        if wrong and count >= _RISING_LEAST and seen.path in ("/payments", "/refunds"):
            yield Finding("order", "entries", "newest first", "oldest first")
    elif isinstance(field, str) and field != "createdAt" and _is_listed(seen.body, field):
        kept_to = falling if direction == "DESC" else rising
        if count > 1 and field not in kept_to:
            said = "another order" if field not in (*falling, *rising) else "the opposite order"
            yield Finding("order", f"entries by {field}", f"{direction}", said)


def _is_listed(body: Shape | None, field: str) -> bool:
    """Whether every entry has the field, and none is null."""
    if body is None:
        return False
    entries = [item for one in body.fields.values() if one.type == "array" for item in one.items]
    found = [item.fields.get(field) for item in entries]
    return all(one is not None and one.type in ("string", "integer") for one in found)


def _value(body: Shape, name: str) -> str | int | None:
    found = body.fields.get(name)
    return found.value if found is not None else None


def _limit_headers(seen: Kept) -> Findings:
    for name in ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"):
        if not isinstance(seen.headers.get(name), int):
            yield Finding("header", f"header {name}", "a number", seen.headers.get(name))
    stated = seen.headers.get("x-ratelimit-limit")
    if isinstance(stated, int) and stated != PER_MINUTE:
        yield Finding("limit", "header x-ratelimit-limit", PER_MINUTE, stated)


def _limits(seen: Kept, traffic: Traffic) -> Findings:
    if seen.status == 429 and traffic.most < PER_MINUTE and traffic.beside < AT_ONCE:
        yield Finding(
            "limit", "requests", f"{PER_MINUTE} in 60 seconds, {AT_ONCE} at a time", "fewer"
        )
    elif seen.status not in (401, 429, *PASSING) and traffic.least >= PER_MINUTE:
        yield Finding(
            "limit", "requests", f"{PER_MINUTE} in 60 seconds, {AT_ONCE} at a time", "more"
        )
