"""A difference in shape between the server beside and the hub."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal[
    "status", "field", "type", "null", "enum", "length", "envelope", "page", "order", "header",
    "limit",
]  # fmt: skip
Known: TypeAlias = str | int | None


class Difference(Struct, frozen=True, omit_defaults=True):
    """One difference, without anybody's data: it may be shown and shared."""

    operation: str
    """Such as `GET /customers/{}`."""
    kind: Kind
    place: str
    """Such as `body.contacts[].isMain`, `status` or `header retry-after`."""
    hub: Known
    """What the hub has there."""
    server: Known
    """What the server beside has there."""

    def __str__(self) -> str:
        return (
            f"{self.operation}: {self.kind}: {self.place}: the hub has {_shown(self.hub)}, "
            f"the server {_shown(self.server)}"
        )


def _shown(value: Known) -> str:
    return "nothing" if value is None else str(value)
