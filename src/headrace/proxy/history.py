"""What a shadow organisation has in common with the server's: which records both know.

A record is in step when it was created through the proxy, and everything that touched it since was
played on the shadow with the same result. Of any other record, the shadow can't foretell what the
server answers.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from headrace.oracle.exchange import Exchange
from headrace.oracle.player import external_of, ids_in, kind_behind, with_ids
from headrace.oracle.vocabulary import VALUES

Name: TypeAlias = tuple[str, str]
"""Kind and external id of a record, or `id` and the server's id."""

_REFERENCES = {
    "customer": "customer", "parent": "customer", "invoice": "invoice", "payment": "payment",
    "creditNote": "credit_note", "invoices": "invoice", "payments": "payment",
    "creditNotes": "credit_note", "refunds": "refund", "customFields": "custom_field",
}  # fmt: skip
"""Fields of a request that refer to other records, and to which kind."""
_UNSEEN = ("unseen", "")
"""Stands for a reference to what people set up in the organisation."""
_NO_IDS = ("externalId", "customId")


class Request(Struct, frozen=True):
    """A request as the shadow sees it."""

    names: frozenset[Name]
    """The records that it is about or refers to."""
    target: str
    body: Any
    own: Name | None
    """The record that an import creates or changes."""
    addressed: Name | None
    """The record that the path ends with."""

    @property
    def all(self) -> frozenset[Name]:
        """The names, and its own."""
        return self.names | {self.own} if self.own else self.names


class History:
    """One client's records. All methods are about one organisation of the server."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        """The shadow's id by the server's."""
        self.known: set[Name] = set()
        self.absent: set[Name] = set()
        """Records of which the server has said that they do not exist."""
        self._spoilt: set[Name] = set()
        self._written: dict[Name, float] = {}
        self._born: dict[str, tuple[float, float]] = {}
        self._group: dict[Name, set[Name]] = {}
        self._open: Counter[Name] = Counter()

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self.ids) + len(self.absent) + len(self._spoilt) + len(self._written)

    def request(self, exchange: Exchange, template: str, body: Any) -> Request:
        """Translate a request for the shadow."""
        ids = ids_in(template, exchange.path)
        names = {_name(kind, segment) for kind, segment in ids if kind != "contact"}
        names |= {_name(k, s) for k, s in ids if k == "contact" and external_of(s) is None}
        names |= set(_references(body))
        query = exchange.target.partition("?")[2]
        target = with_ids(template, [self._translated(segment) for _, segment in ids])
        return Request(
            frozenset(names),
            f"{target}?{query}" if query else target,
            self._mapped(body),
            _own(exchange.method, template, body),
            _name(*ids[-1]) if template.endswith("{}") else None,
        )

    def foretells(self, request: Request, exchange: Exchange) -> bool:
        """Whether the shadow can know what the server answers."""
        return (
            all(self._has(name) for name in request.names)
            and not any(name in self._spoilt or self._open[name] > 0 for name in request.all)
            # Requests in flight at the same time have an order that only the server knows.
            and all(self._written.get(name, 0.0) <= exchange.began for name in request.all)
        )

    def begin(self, request: Request) -> None:
        """A write is on its way: until its answer is judged, nobody knows what its records are."""
        self._open.update(request.all)

    def end(self, request: Request) -> None:
        """Its answer is being judged."""
        self._open.subtract(name for name in request.all if self._open[name] > 0)

    def is_new(self, request: Request) -> bool:
        """Whether an import may be of a record that the server has had all along."""
        own = request.own
        return own is not None and own not in self.known and own not in self.absent

    def note(self, request: Request, exchange: Exchange) -> None:
        """Remember when the records of a write were written."""
        for name in request.all:
            self._written[name] = max(exchange.ended, self._written.get(name, 0.0))

    def spoil(self, request: Request) -> None:
        """The two sides did not do the same: nothing that hangs together with these records is in
        step any more."""
        for name in set().union(*(self._group.get(one, {one}) for one in request.all)):
            self.known.discard(name)
            self.absent.discard(name)
            self._spoilt.add(name)
            if name[0] == "id":
                self.ids.pop(name[1], None)

    def learn(self, request: Request, exchange: Exchange, server: Any, shadow: Any) -> None:
        """Both sides did the same: their ids belong together."""
        self._pair(server, shadow)
        names = set(request.all)
        if isinstance(server, dict) and isinstance(server.get("id"), str):
            names.add(("id", server["id"]))
            if exchange.status == 201:
                self._born[server["id"]] = (exchange.began, exchange.ended)
        self._join(names)
        if request.own is not None:
            self.known.add(request.own)
            self.absent.discard(request.own)
        gone = request.addressed
        if exchange.method == "DELETE" and gone is not None and gone[0] != "id":
            self.known.discard(gone)
            self.absent.add(gone)

    def missed(self, request: Request) -> None:
        """The server said that the record in the path does not exist."""
        name = request.addressed
        if name is not None and request.names == {name} and name[0] != "id":
            self.absent |= {name} - self.known - self._spoilt

    def _join(self, names: set[Name]) -> None:
        group = names.union(*(self._group.get(name, set()) for name in names))
        for name in group:
            self._group[name] = group

    def misordered(self, ids: list[str]) -> bool:
        """Whether a list, newest first, has a record before one that was created later."""
        born = [self._born[one] for one in ids if one in self._born]
        return any(first[1] <= second[0] for first, second in itertools.pairwise(born))

    def _has(self, name: Name) -> bool:
        return name[1] in self.ids if name[0] == "id" else name in self.known | self.absent

    def _translated(self, segment: str) -> str:
        return self.ids.get(segment, segment)

    def _mapped(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {
                key: self.ids.get(inner, inner)
                if isinstance(inner, str) and _is_id(key)
                else self._mapped(inner)
                for key, inner in body.items()
            }
        return [self._mapped(inner) for inner in body] if isinstance(body, list) else body

    def _pair(self, server: Any, shadow: Any) -> None:
        if isinstance(server, dict) and isinstance(shadow, dict):
            for key in server.keys() & shadow.keys():
                mine, theirs = shadow[key], server[key]
                if isinstance(mine, str) and isinstance(theirs, str) and _is_id(key):
                    self.ids[theirs] = mine
                else:
                    self._pair(theirs, mine)
        elif isinstance(server, list) and isinstance(shadow, list) and len(server) == len(shadow):
            for theirs, mine in zip(server, shadow, strict=True):
                self._pair(theirs, mine)


def _own(method: str, template: str, body: Any) -> Name | None:
    if method != "POST" or not isinstance(body, dict):
        return None
    kind = kind_behind(template.rpartition("/")[2]) or template
    text = body.get("externalId")
    # Contacts have external ids within their customer only.
    return (kind, text) if isinstance(text, str) and kind != "contact" else None


def _is_id(key: str) -> bool:
    return key == "id" or (key.endswith("Id") and key not in _NO_IDS)


def _name(kind: str, segment: str) -> Name:
    text = external_of(segment)
    return ("id", segment) if text is None else (kind, text)


def _references(body: Any, kind: str = "", depth: int = 0) -> Iterator[Name]:
    if isinstance(body, list):
        for entry in body:
            yield from _references(entry, kind, depth)
    elif isinstance(body, dict):
        for key, inner in body.items():
            if _is_id(key) and isinstance(inner, str):
                yield ("id", inner)
            elif key == "externalId" and kind and isinstance(inner, str):
                yield (kind, inner)
            elif _is_unseen(key, inner, kind if depth else ""):
                yield _UNSEEN
            else:
                yield from _references(inner, _REFERENCES.get(key, ""), depth + 1)


def _is_unseen(key: str, value: Any, kind: str) -> bool:
    """Whether a field names something that only the server may have."""
    if key == "customId":
        return bool(kind)
    return key == "position" and value is not None and value not in VALUES["position"]
