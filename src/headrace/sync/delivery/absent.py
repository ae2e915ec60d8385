"""Tracks what did not arrive in a run, so that operations which depend on it are not sent."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.sync.journal import Key
from headrace.sync.operations.operation import Operation


class Absent:
    """Records that the API lacks, and operations that failed, of one run."""

    def __init__(self) -> None:
        self.missing: set[Key] = set()
        """New records that were not created."""
        self._halves: set[Key] = set()
        """New records that were created, but without their links so far."""
        self._parts: set[Key] = set()
        """Records whose first request did not arrive, of several that belong together."""
        self._failed: set[int] = set()
        """Numbers of operations that were given up for this run."""

    def is_missing_for(self, operation: Operation) -> bool:
        """Whether something that it refers to is missing."""
        return any(key in self.missing for key in operation.refers_to)

    def delays(self, operation: Operation) -> bool:
        """Whether it must not go because something before it was given up.

        Of a record that is split, the request with the late links would otherwise bring all of the
        record at once, which is what the split avoids.
        """
        if operation.follows and operation.key in self._parts:
            return True
        return not self._failed.isdisjoint(operation.waits_for)

    def add(self, operation: Operation, failed: bool = False) -> None:
        """Record that it did not arrive; `failed` if it or what it waits for was given up."""
        if operation.action == "create" and operation.key not in self._halves:
            self.missing.add(operation.key)
        if operation.is_part:
            self._parts.add(operation.key)
        if failed:
            self._failed.add(operation.number)

    def arrived(self, operation: Operation) -> None:
        """Record that it arrived. Half of a new record is enough for others to refer to it."""
        if operation.is_release and operation.action == "create":
            self._halves.add(operation.key)
        self.missing.discard(operation.key)
        if not operation.is_release:
            self._parts.discard(operation.key)

    def forgive(self, operations: Iterable[Operation]) -> None:
        """Forget these operations, which are sent again."""
        keys = {operation.key for operation in operations}
        self.missing -= keys
        self._parts -= keys
        self._failed.clear()
