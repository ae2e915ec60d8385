"""Refusals of one run: which are final, and which only came too early (guide, Reliability).

A record that the API refuses may be right all the same: what stood in its way, an allocation that
another record is to give back for example, may land later in the run. Then it goes once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from headrace.client.answer import Answer
from headrace.client.verdict import message_of
from headrace.sync.journal import Journal, Key, Reject
from headrace.sync.operations.operation import ANY_LINK, Operation
from headrace.sync.operations.update import unknown_link_change


class Refusals:
    """Refused operations, until they go again or the run ends.

    The journal is told at once of those that nothing in the run can help, of the others at its end:
    after a crash they are planned again, instead of being held as refused.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._refused: dict[int, tuple[Operation, Reject]] = {}
        self._by_obstacle: dict[Key, set[int]] = defaultdict(set)
        self._under_way: dict[int, tuple[Key, ...]] = {}
        """Numbers of operations that were sent, with what may be in their way."""
        self._open: set[int] = set()
        """Numbers of those in whose way something has moved, since they were sent."""
        self._halved: set[int] = set()

    def sent(self, operation: Operation) -> None:
        """It is under way: what lands meanwhile may come too late for it."""
        self._under_way[operation.number] = operation.obstacles
        for key in operation.obstacles:
            self._by_obstacle[key].add(operation.number)

    def answered(self, operation: Operation) -> None:
        """It is under way no longer; what it is refused for comes with `add`."""
        for key in self._under_way.pop(operation.number, ()):
            self._forget(key, operation.number)

    def _forget(self, key: Key, number: int) -> None:
        numbers = self._by_obstacle[key]
        numbers.discard(number)
        if not numbers:
            del self._by_obstacle[key]

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
        self._open.discard(landed.number)
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
        self._take_back(again)
        return releases, again

    def take_halves(self) -> tuple[list[Operation], list[Operation]]:
        """(new records without their links, operations to try again): while a family can't change,
        for one of its old customers waits for others, what is new goes there first, once only."""
        operations = [operation for operation, _ in self._refused.values()]
        if not any(one.entity == "customer" and one.rebinds for one in operations):
            return [], []
        halves = [
            msgspec.structs.replace(one, body=half, is_release=True)
            for one in operations
            if one.action == "create" and one.number not in self._halved
            if (half := unknown_link_change(one.payload or b"{}").release) is not None
        ]
        if not halves:
            return [], []
        self._halved |= {one.number for one in halves}
        self._take_back(operations)
        return halves, operations

    def _take_back(self, operations: Iterable[Operation]) -> None:
        """They are refused no longer."""
        for one in operations:
            del self._refused[one.number]
            for key in one.obstacles:
                self._forget(key, one.number)
        self._open.clear()

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
