"""The result of a write, for the answer and the request log."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.record import Record


class Outcome(Struct, frozen=True):
    """The entity as answered, and what the request log records about the request."""

    answer: Record
    created: bool
    external_id: str | None
    customer_external_id: str | None
