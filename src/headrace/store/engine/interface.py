"""The interface of a storage engine, as the server uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Store(Protocol):
    """A database opened by a process that serves it.

    Store functions are plain `fn(db, ...)` over a `Connection`. The engine runs each in a
    transaction, on a thread it chooses, and may run it again when the first transaction was lost: a
    store function must have no side effects besides its statements. All methods raise
    ServiceUnavailable when the database can't be reached or written.
    """

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Queue a write; resolves after its commit, or raises what `run` raised.

        Writes of one organisation are serialised across processes and keep the order of the calls.
        Organisation 0 stands for data that belongs to no organisation.
        """

    def read(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run a few lookups by key on one snapshot, which includes everything committed before this
        turn of the event loop began."""

    def scan(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Like `read`, for queries that may take long."""

    def close(self) -> None:
        """Finish what is queued, then close every connection."""
