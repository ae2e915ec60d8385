"""What did not arrive in a run, so that others have to stay behind with it."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.sync.journal import Key
from headrace.sync.operations.operation import Operation


class Absent:
    """Records that the API does not have, or not yet as far as others need them."""

    def __init__(self) -> None:
        self.missing: set[Key] = set()
        """New records that are not there."""
        self._halves: set[Key] = set()
        """New records that are there, without their links so far."""
        self._parts: set[Key] = set()
        """Records whose first request did not arrive, of two that belong together."""
        self._failed: set[int] = set()
        """Numbers of operations that were given up for this run."""

    def lacks(self, operation: Operation) -> bool:
        """Whether something that it refers to is not there."""
        return any(key in self.missing for key in operation.refers_to)

    def delays(self, operation: Operation) -> bool:
        """Whether it would be refused, or wrong, ahead of what was given up. Of two requests that
        belong together, the second has all that the first one left out, which would undo it."""
        if operation.follows and operation.key in self._parts:
            return True
        return not self._failed.isdisjoint(operation.waits_for)

    def add(self, operation: Operation, failed: bool = False) -> None:
        """It did not arrive; `failed` if it or what it waits for was given up."""
        if operation.action == "create" and operation.key not in self._halves:
            self.missing.add(operation.key)
        if operation.is_part:
            self._parts.add(operation.key)
        if failed:
            self._failed.add(operation.number)

    def arrived(self, operation: Operation) -> None:
        """It did; of a new record at least a half, so that others can refer to it."""
        if operation.is_release and operation.action == "create":
            self._halves.add(operation.key)
        self.missing.discard(operation.key)
        if not operation.is_release:
            self._parts.discard(operation.key)

    def forgive(self, operations: Iterable[Operation]) -> None:
        """These go again."""
        keys = {operation.key for operation in operations}
        self.missing -= keys
        self._parts -= keys
        self._failed.clear()
