"""Slows down connections on which request after request is refused."""

from __future__ import annotations

import asyncio
from typing import Protocol

_FIRST_S = 0.02
_LONGEST_S = 0.25


class Connection(Protocol):
    """What is slowed down: a transport that counts refusals."""

    refusals: int
    """Requests refused since the last one that was carried out."""

    def pause_reading(self) -> None:
        """Stop receiving."""

    def resume_reading(self) -> None:
        """Receive again."""


def note_refusal(connection: Connection | None) -> None:
    """Count a refused request. From the second in a row, nothing is read for a while afterwards.

    A refusal costs about a tenth of a request. Clients that ignore `Retry-After` and ask again at
    once would otherwise keep the hub busy with refusals: six of them made a quiet organisation wait
    ten times as long, and an overloaded hub carried out nothing else.
    """
    if connection is None:
        return
    connection.refusals += 1
    if connection.refusals > 1:
        connection.pause_reading()
        seconds = min(_LONGEST_S, _FIRST_S * 2 ** min(connection.refusals - 2, 8))
        asyncio.get_running_loop().call_later(seconds, connection.resume_reading)


def note_service(connection: Connection | None) -> None:
    """End the row of refusals."""
    if connection is not None:
        connection.refusals = 0
