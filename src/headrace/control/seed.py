"""Seeds: files of API calls, carried out by the API's own handlers in one transaction.

A line is `{"method": "POST", "path": "/customers", "body": {...}}`. A path that begins with `/_hub`
is one of the control plane, with `{organisation}` for the organisation being filled. A line with
`"as": "anna"` names the id in its answer. In later lines, the text `"{anna}"`, or that segment of a
path, is replaced by the id.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from headrace.control.catalogue_routes import CATALOGUE_ROUTES
from headrace.control.desk import Desk, Order
from headrace.control.portal_routes import PORTAL_ROUTES
from headrace.control.records import SeedAnswer
from headrace.control.route import BASE
from headrace.control.seed_line import SeedLine, refusal
from headrace.model.errors import BadRequest, NotFound, RequestError
from headrace.model.record import decode
from headrace.server.call import Answer, Call
from headrace.server.faults.scripts import Faults
from headrace.server.http.incoming import Incoming
from headrace.server.pdf.keeper import PdfKeeper
from headrace.server.query import Query
from headrace.server.routes import match
from headrace.store.admin.frozen_clock import Times
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.place import Place
from headrace.store.pdf_files import NoPdfs

T = TypeVar("T")

_NAMED = re.compile(r"\{(\w+)\}")
_ORGANISATION = "organisation"


def play_seed(
    db: Connection,
    context: Context,
    lines: list[SeedLine],
    times: Times,
    seed: int | str | None = None,
) -> SeedAnswer:
    """Carry out all lines for the context's organisation, within the caller's transaction.

    With a `seed`, ids are reproducible, apart from the timestamps they contain. Raises BadRequest
    that names the line; the caller rolls back.
    """
    if seed is not None:
        context = msgspec.structs.replace(context, chance=random.Random(seed).randbytes)
    player = _Player(db, context, times)
    for line in lines:
        try:
            player.play(line)
        except RequestError as error:
            raise refusal(f"line {line.number} ({line.method} {line.path})", error) from None
    return SeedAnswer(lines=len(lines), made=dict(player.made), named=player.named)


class _Player:
    """Carries out lines one after the other, and keeps the ids they named."""

    def __init__(self, db: Connection, context: Context, times: Times) -> None:
        self.made: Counter[str] = Counter()
        self.named: dict[str, str] = {}
        self._context = context
        self._store: Any = _InTransaction(db)
        self._keeper = _NoSweep(self._store, NoPdfs(), times.clock)
        self._desk = Desk(
            place=Place(), store=self._store, times=times, keeper=self._keeper, faults=Faults()
        )

    def play(self, line: SeedLine) -> None:
        """Carry out one line. Raises RequestError."""
        body = self._resolved(line.body)
        if line.path.startswith(f"{BASE}/"):
            answer = self._control(line, body)
        else:
            answer = self._api(line, body)
        if isinstance(line.as_, str):
            if not isinstance(answer, dict) or "id" not in answer:
                raise BadRequest("as: the answer has no id to be named.")
            self.named[line.as_] = answer["id"]

    def _api(self, line: SeedLine, body: Any) -> Any:
        path = _NAMED.sub(lambda found: self._id_of(found[1]), line.path)
        route, addresses = match(line.method, path.encode())
        if route.streams:
            raise BadRequest("PDFs can't be part of a seed: upload them afterwards.")
        call = Call(
            store=self._store,
            context=self._context,
            entity=route.entity,
            addresses=addresses,
            query=Query(b""),
            body=b"" if body is UNSET else msgspec.json.encode(body),
            content_type=b"",
            incoming=Incoming({}, _nothing),
            pdfs=self._keeper,
        )
        answer: Answer = _finish(route.handler(call))
        if line.method == "POST":
            self.made[route.entity.plural] += 1
        return msgspec.json.decode(answer.body) if answer.body else None

    def _control(self, line: SeedLine, body: Any) -> Any:
        for route in (*CATALOGUE_ROUTES, *PORTAL_ROUTES):
            names = self._names(route.path, line.path.removeprefix(BASE))
            if route.method != line.method or names is None:
                continue
            if names.get(_ORGANISATION) != f"{{{_ORGANISATION}}}":
                raise BadRequest("a seed fills one organisation: write {organisation} in the path.")
            names[_ORGANISATION] = self._context.organisation.name
            record = None
            if route.body is not None:
                record = decode(route.body, b"{}" if body is UNSET else msgspec.json.encode(body))
            order = Order(desk=self._desk, names=names, body=record, context=self._context)
            made = _finish(route.handler(order))
            if line.method == "POST":
                self.made[line.path.rpartition("/")[2]] += 1
            return msgspec.to_builtins(made)
        raise NotFound(f"There is no {line.method} {line.path} for seeds in the control plane.")

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, str) and (found := _NAMED.fullmatch(value)):
            return self._id_of(found[1])
        if isinstance(value, list):
            return [self._resolved(one) for one in value]
        if isinstance(value, dict):
            return {name: self._resolved(one) for name, one in value.items()}
        return value

    def _id_of(self, name: str) -> str:
        if name not in self.named:
            raise BadRequest(f'{{{name}}}: no line above has "as": "{name}".')
        return self.named[name]

    def _names(self, pattern: str, path: str) -> dict[str, str] | None:
        """Match a path against a pattern; returns its parameters, None when it does not match."""
        wanted, given = pattern.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        names = {}
        for segment, text in zip(wanted, given, strict=True):
            if found := _NAMED.fullmatch(segment):
                named = _NAMED.fullmatch(text)
                is_id = named is not None and named[1] != _ORGANISATION
                names[found[1]] = self._id_of(text[1:-1]) if is_id else text
            elif segment != text:
                return None
        return names


class _InTransaction:
    """A store inside another one's transaction: everything runs at once, on the calling thread."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    async def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> T:
        return run(self._db, *arguments)

    async def read(self, run: Callable[..., T], *arguments: Any) -> T:
        return run(self._db, *arguments)

    async def scan(self, run: Callable[..., T], *arguments: Any) -> T:
        return run(self._db, *arguments)

    def close(self) -> None:
        pass


class _NoSweep(PdfKeeper):
    """Does not remove unused files; the caller sweeps after its commit."""

    def sweep(self) -> None:
        pass


def _finish(going: Any) -> Any:
    """Return the result of a coroutine that awaits nothing but such a store."""
    try:
        going.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a handler waits for something else than its store")


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
