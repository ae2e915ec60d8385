"""One request as a handler sees it, and the answer to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from headrace.model.entity import Entity
from headrace.model.errors import BadRequest, RequestError, UnsupportedMediaType
from headrace.model.record import Record, decode
from headrace.server.http.incoming import Incoming
from headrace.server.pdf.keeper import PdfKeeper
from headrace.server.query import Query
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.records.references import Address

R = TypeVar("R", bound=Record)
T = TypeVar("T")

JSON = b"application/json"


class Answer(Struct):
    """Status and body of an answer, with the headers other than the content type."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = JSON
    """The body's content type, if there is a body."""


class Call(Struct, kw_only=True):
    """What a handler reads of a request, and what it records for the request log."""

    store: Store
    context: Context
    entity: Entity
    addresses: tuple[Address, ...]
    """The ids in the path, in order."""
    query: Query
    body: bytes
    content_type: bytes
    incoming: Incoming
    """The unread body of a route that streams; `body` is empty then."""
    pdfs: PdfKeeper
    external_id: str | None = None
    """External id of the entity that the request is about, as far as known."""
    customer: str | None = None
    """External id of the customer that the request is about, as far as known."""

    def write(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run a store function `run(db, context, *arguments)` that writes."""
        context = self.context
        return self.store.write(context.organisation.seq, run, context, *arguments)

    def read(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run a store function that looks rows up by key."""
        return self.store.read(run, self.context, *arguments)

    def scan(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run a store function that may read many rows."""
        return self.store.scan(run, self.context, *arguments)

    def record(self, kind: type[R]) -> R:
        """Decode the body as a record. Raises BadRequest or UnsupportedMediaType."""
        if not self.body:
            raise BadRequest("The body is empty: send the fields as a JSON object.")
        kind_sent = self.content_type.partition(b";")[0].strip().lower()
        if kind_sent and kind_sent != JSON and not kind_sent.endswith(b"+json"):
            raise UnsupportedMediaType(
                f"The content type {kind_sent.decode('latin-1')} can't be read here: send JSON "
                "with Content-Type: application/json."
            )
        return decode(kind, self.body)


def json_answer(status: int, content: Any) -> Answer:
    """Return an answer whose body is a record, or a dict of records, as JSON."""
    return Answer(status, msgspec.json.encode(content))


def error_answer(error: RequestError, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """Return an answer in the API's error format (docs/api-evidence.md, Errors)."""
    content = {
        "statusCode": error.status,
        "error": error.reason,
        "message": str(error),
        "details": [{"field": field, "message": message} for field, message in error.details],
    }
    return Answer(error.status, msgspec.json.encode(content), headers)
