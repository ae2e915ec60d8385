"""Decides which refusals of a run are final, and which requests only came too early.

A refused record may be valid all the same (docs/api-evidence.md, Retries): its obstacle, such as
an allocation that another record is to give back, may go away later in the run. Then it is sent
once more. The plan orders most such conflicts beforehand; these are the rest, such as changes made
in Upflow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from headrace.client.answer import Answer
from headrace.client.verdict import message_of
from headrace.sync.journal import Journal, Key, Reject
from headrace.sync.operations.operation import ANY_LINK, Operation
from headrace.sync.operations.update import unknown_link_change


class Refusals:
    """Refused operations, until they go again or the run ends.

    Refusals that nothing in the run can change are written to the journal at once, the others at
    its end: after a crash these are planned again instead of being held as refused.
    """

    # An operation goes again if something in its way was acknowledged after it was *sent*, not
    # after it was refused. An example: Q is sent while P, which frees Q's invoice, is in flight.
    # The API handles Q first, but P's answer arrives first. P's acknowledgement precedes Q's
    # refusal, and yet Q has to go again. So obstacles are registered when a request is sent.

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._refused: dict[int, tuple[Operation, Reject]] = {}
        self._by_obstacle: dict[Key, set[int]] = defaultdict(set)
        self._under_way: dict[int, tuple[Key, ...]] = {}
        """Obstacles of operations in flight, by number."""
        self._open: set[int] = set()
        """Numbers of operations that had an obstacle change since they were sent."""
        self._halved: set[int] = set()

    def sent(self, operation: Operation) -> None:
        """Register the obstacles of an operation that is sent."""
        self._under_way[operation.number] = operation.obstacles
        for key in operation.obstacles:
            self._by_obstacle[key].add(operation.number)

    def answered(self, operation: Operation) -> None:
        """Drop them when it is answered; `add` registers those of a refusal."""
        for key in self._under_way.pop(operation.number, ()):
            self._forget(key, operation.number)

    def _forget(self, key: Key, number: int) -> None:
        numbers = self._by_obstacle[key]
        numbers.discard(number)
        if not numbers:
            del self._by_obstacle[key]

    def add(self, operation: Operation, answer: Answer) -> None:
        """Add a refusal; it is final if nothing in the run can change it."""
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
        """Mark operations as open that the acknowledged operation may have obstructed."""
        self._open.discard(landed.number)
        for key in landed.touches:
            self._open |= self._by_obstacle.get(key, set())

    def take(self) -> tuple[list[Operation], list[Operation]]:
        """Remove and return (releases to send first, operations to send again).

        Refused records that block each other have no valid order. So each of them first gives back
        what the others need, by a release; once per record, so that this ends.
        """
        operations = [operation for operation, _ in self._refused.values()]
        wanted = Counter(key for one in operations for key in _wants(one))
        blocking = [one for one in operations if _blocks(one, wanted)]
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
        """Remove and return (new records without their links, operations to send again).

        This helps where a family can't change because one of its former customers waits for new
        records. Once per record, so that it ends.
        """
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
        """Remove the operations from the refused ones."""
        for one in operations:
            del self._refused[one.number]
            for key in one.obstacles:
                self._forget(key, one.number)
        self._open.clear()

    def conclude(self) -> None:
        """Write all refusals to the journal that would not go again."""
        self.take()
        for operation, reject in self._refused.values():
            self._journal.reject(reject, operation.action)
        self._refused.clear()

    def forget(self) -> int:
        """Drop all refusals that are not final and return their number."""
        count = len(self._refused)
        self._refused.clear()
        return count


def _wants(operation: Operation) -> set[Key]:
    """What may have to land, or be given back, before it can be taken."""
    return {operation.key, *operation.obstacles}


def _blocks(operation: Operation, wanted: Mapping[Key, int]) -> bool:
    """Whether it holds what another refused record wants; `wanted` counts those that want a key.

    Counted once for all, since each refused record may hold what any other one wants: held against
    each other in pairs, four thousand of them would stop the event loop for a minute.
    """
    if operation.release is None:
        return False
    own = _wants(operation)
    return any(wanted[key] > (key in own) for key in {*operation.frees, ANY_LINK} if key in wanted)
