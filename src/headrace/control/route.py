"""A row of the control plane's route table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from headrace.control.desk import Order

BASE = "/_hub"
OF_ORGANISATION = "/organisations/{organisation}"


class ControlRoute(Struct, frozen=True):
    """What a method on a path does."""

    method: str
    path: str
    """Below /_hub; names in braces are parameters."""
    handler: Callable[[Order], Coroutine[Any, Any, Any]]
    """Returns the answer's record, or None for an answer without a body."""
    summary: str
    body: Any = None
    """The record that the request carries; None without a body."""
    answer: Any = None
    """The record that the answer carries; None for 204."""
    status: int = 200
    query: Any = None
    """Struct of the query parameters; None when the route has none."""
    refusals: tuple[int, ...] = ()
    """Statuses of refusals that other routes do not have."""
