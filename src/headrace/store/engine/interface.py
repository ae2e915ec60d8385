"""What the server asks of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Store(Protocol):
    """One database, opened for a process that serves it.

    Store functions are plain `fn(db, ...)` over a `Connection`. Each runs in a transaction that the
    engine begins and ends, on a thread of the engine's choice, and may be run a second time when
    the first came to nothing: it has no effect but by its statements. When the database can't be
    reached or written, the answer is ServiceUnavailable.
    """

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Queue a write; resolves after its commit, or with what `run` raised.

        Writes of one organisation happen one after the other, in the order of the calls and
        whichever process they come from; 0 stands for what belongs to none.
        """

    def read(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run a few statements by key on one snapshot, which has all that was committed when this
        turn of the event loop began."""

    def scan(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """As `read`, for what may take a while."""

    def close(self) -> None:
        """Finish what is queued, then close every connection."""
