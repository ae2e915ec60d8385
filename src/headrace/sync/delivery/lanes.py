"""Lanes in their order: which may go next, which wait, and how much of the plan is loaded."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from headrace.sync.delivery.loader import Loader
from headrace.sync.operations.operation import OPEN_ITEMS, Lane, Operation


class Lanes:
    """The lanes of a delivery; of one customer only the first is ever ready.

    The settled past starts when every open item is complete.
    """

    def __init__(self, loader: Loader, most: int) -> None:
        """`most` requests are in flight at a time."""
        self._loader = loader
        self._most = most
        self._ready: list[Lane] = []
        self._again: list[Lane] = []
        """Lanes whose pause before a retry is over; they go before the ready ones."""
        self._lanes_of: dict[str, list[Lane]] = {}
        self._waiting: dict[int, list[Lane]] = {}
        self._unfinished = [0, 0, 0]
        self._upcoming: list[Lane] = []
        self._landed: set[int] = set()
        self.open_complete = False
        """Whether every open item is."""

    # what there is ---------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether any lane may go now."""
        return bool(self._ready or self._again)

    @property
    def is_low(self) -> bool:
        """Whether no lane is ready but those that are tried again."""
        return not self._ready

    @property
    def waits(self) -> bool:
        """Whether any lane waits for another one."""
        return bool(self._waiting)

    @property
    def stocked(self) -> bool:
        """Whether reading ahead would bring nothing that can be used yet."""
        if len(self._ready) >= 2 * self._most:
            return True
        if self._upcoming:
            return self._is_early(self._upcoming[0]) and not self._upcoming[0].hungry
        return self._loader.ended

    def _is_early(self, lane: Lane) -> bool:
        """Whether it has to wait: the settled past does until the open items are complete."""
        return lane.phase > OPEN_ITEMS and any(self._unfinished[: OPEN_ITEMS + 1])

    def refill(self) -> None:
        """Keeps enough lanes ready, and the first of the settled past loaded in time."""
        while not self.stocked:
            if not self._upcoming:
                self._upcoming = self._loader.next_lanes()
                continue
            lanes = self._upcoming
            if lanes[0].hungry:
                self._loader.load(lanes)
            if self._is_early(lanes[0]):
                break
            self.open_complete |= lanes[0].phase > OPEN_ITEMS
            self._upcoming = []
            for lane in lanes:
                self.add(lane)
        if not self._upcoming and not any(self._unfinished):
            self.open_complete = True

    # moving on -------------------------------------------------------------------------------

    def add(self, lane: Lane) -> None:
        """One more, behind those of the same customer."""
        self._unfinished[lane.phase] += 1
        line = self._lanes_of.setdefault(lane.customer, [])
        line.append(lane)
        if len(line) == 1:
            heapq.heappush(self._ready, lane)

    def add_operations(self, operations: Sequence[Operation]) -> None:
        """A lane for each, ahead of all others."""
        for rank, operation in enumerate(operations):
            lane = Lane(customer=operation.customer, phase=0, next=1, last=0, rank=rank)
            lane.queue.append(operation)
            self.add(lane)

    def take(self) -> Lane | None:
        """The next lane, with its first operation loaded; it is no longer ready. None when none is,
        or when all that were wait for others."""
        while lanes := self._again or self._ready:
            lane = heapq.heappop(lanes)
            if lane.hungry:
                self._loader.load([lane])
            waits = [n for n in lane.queue[0].waits_for if n not in self._landed]
            if not waits:
                return lane
            self._waiting.setdefault(waits[0], []).append(lane)
        return None

    def put_back(self, lane: Lane) -> None:
        """It is ready again, with the same operation."""
        heapq.heappush(self._ready, lane)

    def try_again(self, lane: Lane) -> None:
        """Its pause is over."""
        heapq.heappush(self._again, lane)

    def advance(self, lane: Lane, settled: bool = True) -> None:
        """The lane's first operation is done with: go on with the next, or with the next lane.
        Unless `settled`, what waits for it goes on waiting, for the record follows."""
        operation = lane.queue.popleft()
        if settled:
            self._settle(operation)
        if not lane.exhausted:
            heapq.heappush(self._ready, lane)
            return
        self._unfinished[lane.phase] -= 1
        line = self._lanes_of[lane.customer]
        line.pop(0)
        if line:
            heapq.heappush(self._ready, line[0])
        else:
            del self._lanes_of[lane.customer]

    def _settle(self, operation: Operation) -> None:
        """Lanes that wait for this operation may look again."""
        if operation.number in self._loader.awaited:
            self._landed.add(operation.number)
            for lane in self._waiting.pop(operation.number, ()):
                heapq.heappush(self._ready, lane)

    def requeue_waiting(self) -> None:
        """What is waited for will not come in this run: let the lanes find out."""
        for number in list(self._waiting):
            self._landed.add(number)
            for lane in self._waiting.pop(number):
                heapq.heappush(self._ready, lane)
