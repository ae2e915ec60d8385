"""Seeded deviations: each makes of a hub's answers those of a server that does one thing otherwise.

A deviation is made from the answers of a session with an unaltered hub: it picks one of them, and
changes all answers of that operation and status in the same way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from headrace.oracle.contract import Contract
from headrace.oracle.exchange import Exchange, decoded
from headrace.oracle.vocabulary import AT_ONCE, PER_MINUTE
from headrace.server.admission.limits import Limits

Alter: TypeAlias = Callable[[Exchange], Exchange]
Step: TypeAlias = str | None
"""A field's name, or None for each entry of a list."""

KINDS = ("status", "field", "type", "null", "enum", "envelope", "page", "order", "header", "limit")
_STATUS = {200: (202, 206), 201: (200, 202), 204: (200, 202), 400: (422, 409), 404: (400, 410),
           405: (404, 501)}  # fmt: skip


class Deviation(Struct, frozen=True):
    """One thing that a server does otherwise."""

    kind: str
    operation: str
    """Method and path template."""
    status: int
    what: str
    change: Alter

    def __call__(self, exchange: Exchange, contract: Contract) -> Exchange:
        """The exchange as the altered server answers it."""
        here = f"{exchange.method} {contract.template(exchange.path)}"
        if (here, exchange.status) != (self.operation, self.status):
            return exchange
        return self.change(exchange)


def deviation(seed: int, session: Sequence[Exchange], contract: Contract) -> Deviation:
    """Make the deviation of a seed; kinds take turns."""
    chance = Random(seed)
    kind = KINDS[seed % len(KINDS)]
    while True:
        exchange = chance.choice(session)
        made = _MAKERS[kind](chance, exchange)
        if made is not None:
            what, change = made
            if change(exchange) != exchange:
                operation = f"{exchange.method} {contract.template(exchange.path)}"
                return Deviation(kind, operation, exchange.status, what, change)


def limits(seed: int) -> Limits:
    """Make the limits of a seed: fewer or more requests a minute, or fewer at a time."""
    chance = Random(seed)
    ways = (
        Limits(chance.randrange(50, 600), AT_ONCE),
        Limits(chance.choice((None, 1_200, 6_000)), AT_ONCE),
        Limits(PER_MINUTE, chance.randrange(1, AT_ONCE)),
    )
    return ways[seed // len(KINDS) % len(ways)]


Made: TypeAlias = tuple[str, Alter] | None


def _status(chance: Random, exchange: Exchange) -> Made:
    other = chance.choice(_STATUS[exchange.status])
    return f"status {other}", lambda e: msgspec.structs.replace(e, status=other)


def _field(chance: Random, exchange: Exchange) -> Made:
    if chance.random() < 0.3:
        return _new_field(chance, exchange)
    return _at_leaf(chance, exchange, "without", lambda value: True, None)


def _new_field(chance: Random, exchange: Exchange) -> Made:
    if not isinstance(decoded(exchange.received), dict):
        return None

    def add(body: Any) -> Any:
        return {**body, "legacyNumber": 7}

    return "with legacyNumber", _on_body(add)


def _type(chance: Random, exchange: Exchange) -> Made:
    def other(value: Any) -> Any:
        if isinstance(value, bool):
            return int(value)
        return str(value) if isinstance(value, int) else 5

    return _at_leaf(chance, exchange, "other type of", lambda v: isinstance(v, str | int), other)


def _null(chance: Random, exchange: Exchange) -> Made:
    """What is never null is null."""

    def steady(value: Any) -> bool:
        return isinstance(value, bool | int | list)

    return _at_leaf(chance, exchange, "null for", steady, lambda value: None)


def _enum(chance: Random, exchange: Exchange) -> Made:
    names = {"state", "status", "dataType", "entityType", "currency"}
    found = [path for path, _ in _leaves(decoded(exchange.received)) if path[-1] in names]
    if not found:
        return None
    path = chance.choice(found)
    return f"another {_shown(path)}", _on_body(lambda body: _set(body, path, lambda v: "OTHER"))


def _envelope(chance: Random, exchange: Exchange) -> Made:
    body = decoded(exchange.received)
    if not isinstance(body, dict) or "total" not in body:
        return None
    (key,) = [name for name, value in body.items() if isinstance(value, list)]
    ways: dict[str, Callable[[Any], Any]] = {
        "entries in data": lambda b: {**{k: v for k, v in b.items() if k != key}, "data": b[key]},
        "a bare list": lambda b: b[key],
        "no total": lambda b: {k: v for k, v in b.items() if k != "total"},
    }
    what = chance.choice(sorted(ways))
    return what, _on_body(ways[what])


def _page(chance: Random, exchange: Exchange) -> Made:
    body = decoded(exchange.received)
    if not isinstance(body, dict) or "total" not in body or "limit=" not in exchange.target:
        return None
    if body["limit"] < 100:
        return None
    cap = chance.choice((100, 200, 250))
    return f"at most {cap}", _on_body(lambda b: {**b, "limit": min(cap, b["limit"])})


def _order(chance: Random, exchange: Exchange) -> Made:
    body = decoded(exchange.received)
    if not isinstance(body, dict) or "total" not in body:
        return None
    (key,) = [name for name, value in body.items() if isinstance(value, list)]
    known = exchange.path in ("/customers", "/invoices", "/payments")
    if not known or len(body[key]) < 2:
        return None
    return "oldest first", _on_body(lambda b: {**b, key: b[key][::-1]})


def _header(chance: Random, exchange: Exchange) -> Made:
    name = chance.choice([one for one in ("content-type", "allow", "x-request-id")
                          if one in exchange.headers])  # fmt: skip
    rest = {key: value for key, value in exchange.headers.items() if key != name}
    if name == "content-type" and chance.random() < 0.5:
        rest[name] = "text/plain"
    what = f"{name}: {rest.get(name)}"
    return what, lambda e: msgspec.structs.replace(
        e, headers={**{k: v for k, v in e.headers.items() if k != name},
                    **({name: rest[name]} if name in rest else {})}
    )  # fmt: skip


_MAKERS: dict[str, Callable[[Random, Exchange], Made]] = {
    "status": _status, "field": _field, "type": _type, "null": _null,
    "enum": _enum, "envelope": _envelope, "page": _page, "order": _order, "header": _header,
}  # fmt: skip


def _at_leaf(
    chance: Random, exchange: Exchange, what: str, fits: Callable[[Any], bool],
    change: Callable[[Any], Any] | None,
) -> Made:  # fmt: skip
    found = [path for path, value in _leaves(decoded(exchange.received)) if fits(value)]
    found = [path for path in found if path[-1] is not None and "value" not in path]
    if not found:
        return None
    path = chance.choice(found)
    return f"{what} {_shown(path)}", _on_body(lambda body: _set(body, path, change))


def _leaves(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from _leaves(value[0], (*path, None))


def _set(body: Any, path: tuple[Step, ...], change: Callable[[Any], Any] | None) -> Any:
    """Change what is at the path, in every entry of its lists; without `change`, remove it."""
    body = copy.deepcopy(body)
    places = [body]
    for step in path[:-1]:
        inner = [one for one in places if isinstance(one, dict | list)]
        places = [
            entry
            for one in inner
            for entry in (one if step is None else [one.get(step)])
        ]  # fmt: skip
    last = path[-1]
    for place in places:
        if isinstance(place, dict) and last in place:
            if change is None:
                del place[last]
            else:
                place[last] = change(place[last])
    return body


def _on_body(change: Callable[[Any], Any]) -> Alter:
    def altered(exchange: Exchange) -> Exchange:
        body = decoded(exchange.received)
        return msgspec.structs.replace(exchange, received=msgspec.json.encode(change(body)))

    return altered


def _shown(path: tuple[Step, ...]) -> str:
    return ".".join("[]" if step is None else step for step in path)
