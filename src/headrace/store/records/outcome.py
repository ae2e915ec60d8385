"""What a write hands back beside its effect."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.record import Record


class Outcome(Struct, frozen=True):
    """The entity as answered, and what the request log tells of the request."""

    answer: Record
    created: bool
    external_id: str | None
    customer_external_id: str | None
