"""Refusals of one run: which are final, and which only came too early (guide, Reliability).

A record that the API refuses may be right all the same: what stood in its way, an allocation that
another record is to give back for example, may land later in the run. Then it goes once more.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from headrace.client.answer import Answer
from headrace.client.verdict import message_of
from headrace.sync.journal import Journal, Key, Reject
from headrace.sync.operations.operation import ANY_LINK, Operation


class Refusals:
    """Refused operations, until they go again or the run ends.

    The journal is told at once of those that nothing in the run can help, of the others at its end:
    after a crash they are planned again, instead of being held as refused.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._refused: dict[int, tuple[Operation, Reject]] = {}
        self._by_obstacle: dict[Key, set[int]] = defaultdict(set)
        self._open: set[int] = set()
        """Numbers of those in whose way something has moved."""

    def add(self, operation: Operation, answer: Answer) -> None:
        """The API said no to it."""
        reject = Reject(
            *operation.key,
            operation.fingerprint,
            answer.status,
            message_of(answer),
            operation.payload,
        )
        if not operation.obstacles:
            self._journal.reject(reject, operation.action)
            return
        self._journal.answered()
        self._refused[operation.number] = operation, reject
        for key in operation.obstacles:
            self._by_obstacle[key].add(operation.number)

    def make_room(self, landed: Operation) -> None:
        """Something landed that may have stood in the way of others."""
        for key in landed.touches:
            self._open |= self._by_obstacle.get(key, set())

    def take(self) -> tuple[list[Operation], list[Operation]]:
        """(releases to send first, operations to try again), which are refused no longer.

        Records that each want what another one has can go in no order: each of them gives that back
        first, one request more, and once only.
        """
        operations = [operation for operation, _ in self._refused.values()]
        blocking = [one for one in operations if _blocks(one, operations)]
        opened = self._open | {one.number for one in blocking}
        freed = {key for one in blocking for key in (*one.frees, ANY_LINK)}
        again = [
            one for one in operations if one.number in opened or not freed.isdisjoint(one.obstacles)
        ]
        releases = [
            msgspec.structs.replace(one, body=one.release, is_release=True) for one in blocking
        ]
        for one in blocking:
            one.release = None
        for one in again:
            del self._refused[one.number]
            for key in one.obstacles:
                self._by_obstacle[key].discard(one.number)
        self._open.clear()
        return releases, again

    def conclude(self) -> None:
        """The run is over: what would not have gone again stands refused."""
        self.take()
        for operation, reject in self._refused.values():
            self._journal.reject(reject, operation.action)
        self._refused.clear()

    def forget(self) -> int:
        """The run ended early: those that something may still help are not refused; how many."""
        count = len(self._refused)
        self._refused.clear()
        return count


def _blocks(operation: Operation, refused: list[Operation]) -> bool:
    """Whether it holds what another refused record wants."""
    if operation.release is None:
        return False
    held = {*operation.frees, ANY_LINK}
    return any(
        not held.isdisjoint((other.key, *other.obstacles))
        for other in refused
        if other is not operation
    )
