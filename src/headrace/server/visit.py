"""An API request being served."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeAlias

from headrace.server.admission.door import Door, Visitor
from headrace.server.call import Call
from headrace.server.http.incoming import Receive
from headrace.server.observing.redaction import kept_names, kept_target
from headrace.server.observing.request_log import LogRecord, unknown_fields
from headrace.server.routes import Route

Scope: TypeAlias = MutableMapping[str, Any]


class Visit:
    """Collects what the log records of a request while it is served."""

    __slots__ = (
        "arrived", "call", "fault", "headers", "id", "key", "left", "method", "path", "query",
        "receive", "route", "scope", "visitor",
    )  # fmt: skip

    def __init__(
        self, id: str, scope: Scope, path: bytes, arrived: float, receive: Receive
    ) -> None:
        self.id = id
        self.scope = scope
        self.receive = receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.method: str = scope["method"]
        self.path = path
        self.query: bytes = scope["query_string"]
        self.key = text_of(self.headers.get(b"x-api-key"))
        self.arrived = arrived
        self.left = False
        self.visitor: Visitor | None = None
        self.route: Route | None = None
        self.call: Call | None = None
        self.fault: str | None = None

    @property
    def target(self) -> str:
        """The path with its query string."""
        target = self.path + b"?" + self.query if self.query else self.path
        return target.decode("latin-1")

    def leave(self, door: Door) -> None:
        """Release the admission; further calls do nothing."""
        if self.visitor is not None and not self.left:
            self.left = True
            door.leave(self.visitor)

    def record(self, answered: float, status: int, time: str | None) -> LogRecord:
        """Build the request log's record."""
        route, call, visitor = self.route, self.call, self.visitor
        entity = external_id = customer = None
        ignored: tuple[str, ...] = ()
        if route is not None:
            entity = route.entity.name
        if route is not None and call is not None:
            external_id, customer = call.external_id, call.customer
            if external_id is None and call.addresses:
                external_id = call.addresses[-1].external_id
            if call.body and self.method in ("POST", "PUT"):
                ignored = unknown_fields(call.body, route.entity.record)
            ignored += tuple(f"?{name}" for name in call.query.ignored)
        return LogRecord(
            arrived=self.arrived,
            answered=answered,
            organisation=visitor.organisation.name if visitor is not None else "",
            method=self.method,
            path=kept_target(self.path.decode("latin-1")),
            status=status,
            entity=entity,
            external_id=external_id,
            customer=customer,
            in_flight=visitor.in_flight if visitor is not None else 0,
            ignored=kept_names(ignored),
            time=time,
            clock=call.context.timestamp if call is not None and call.context.stopped else None,
            fault=self.fault,
        )


def text_of(header: bytes | None) -> str | None:
    """Return a header's value as text."""
    return header.decode("latin-1") if header is not None else None
