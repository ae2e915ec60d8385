"""What a row of the control plane's table says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from headrace.control.desk import Order

BASE = "/_hub"
OF_ORGANISATION = "/organisations/{organisation}"


class ControlRoute(Struct, frozen=True):
    """One row: what a method on a path does."""

    method: str
    path: str
    """Below /_hub; names in braces are parameters."""
    handler: Callable[[Order], Coroutine[Any, Any, Any]]
    """Gives the answer's record, or None for an answer without a body."""
    summary: str
    body: Any = None
    """The record that it takes; None without a body."""
    answer: Any = None
    """The record that it gives; None for 204."""
    status: int = 200
    query: Any = None
    """The struct of its query's parameters; None where it looks at none."""
