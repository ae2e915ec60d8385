"""Queues the lanes of a delivery: which may go next, which wait, and how much is loaded."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from headrace.sync.delivery.loader import Loader
from headrace.sync.operations.operation import OPEN_ITEMS, Lane, Operation


class Lanes:
    """The work queue of a delivery.

    Of one customer, only the first lane is ready at a time, so its requests never overtake each
    other. The settled past starts when every open item is complete.
    """

    # A lane is in exactly one of these places:
    # - ready: its next operation may go; a heap in the order of the plan.
    # - again: as ready, after a pause for a retry. These go first, for they are the oldest.
    # - waiting: its next operation waits for one of another lane. It holds no slot, so that other
    #   lanes use the full rate meanwhile. It is filed under one number that it waits for; when
    #   that is settled it becomes ready and is checked again, perhaps to wait for the next.
    # - behind another lane of its customer, in `_lanes_of`.
    # - taken: its operation is in flight or paused. `advance`, `put_back` or `try_again` end that.
    #
    # An example: invoice I of customer A waits for payment P of customer B. `take` files A's lane
    # under P and goes on to the next lane. When P is acknowledged, `advance` moves A's lane back.

    def __init__(self, loader: Loader, most: int) -> None:
        """At most `most` requests are in flight at a time."""
        self._loader = loader
        self._most = most
        self._ready: list[Lane] = []
        self._again: list[Lane] = []
        """Lanes whose pause before a retry is over; they precede the ready ones."""
        self._lanes_of: dict[str, list[Lane]] = {}
        self._waiting: dict[int, list[Lane]] = {}
        self._unfinished = [0, 0, 0]
        self._upcoming: list[Lane] = []
        self._loaded = 0
        """Operations in the queues of lanes that were added."""
        self._landed: set[int] = set()
        self.open_complete = False
        """Whether every open item was delivered, refused or given up."""

    # state -----------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether any lane may go now."""
        return bool(self._ready or self._again)

    @property
    def is_low(self) -> bool:
        """Whether no lane is ready except for retries."""
        return not self._ready

    @property
    def waits(self) -> bool:
        """Whether any lane waits for another one."""
        return bool(self._waiting)

    @property
    def stocked(self) -> bool:
        """Whether enough is loaded for now."""
        if len(self._ready) >= 2 * self._most:
            return True
        if self._upcoming:
            return self._is_early(self._upcoming[0]) and not self._upcoming[0].needs_operations
        return self._loader.ended

    def is_stocked_for(self, operations: int) -> bool:
        """Whether so many operations are loaded, as far as that is possible now."""
        return self.stocked and (
            self._loaded >= operations or self._loader.ended or bool(self._upcoming)
        )

    def _is_early(self, lane: Lane) -> bool:
        """Whether the lane is of the settled past, and open items are not complete."""
        return lane.phase > OPEN_ITEMS and any(self._unfinished[: OPEN_ITEMS + 1])

    def refill(self) -> None:
        """Load lanes until enough are ready; load the settled past shortly before it starts."""
        while not self.stocked:
            if not self._load_more():
                break
        if not self._upcoming and not any(self._unfinished):
            self.open_complete = True

    def load_ahead(self) -> None:
        """Load a few more lanes than `refill` would, while there is time."""
        if not self._upcoming:
            self._upcoming = self._loader.next_lanes()
        if self._upcoming:
            self._load_more()

    def _load_more(self) -> bool:
        """Load the next lanes; returns False if they are early."""
        if not self._upcoming:
            self._upcoming = self._loader.next_lanes()
            return True
        lanes = self._upcoming
        if lanes[0].needs_operations:
            self._loader.load(lanes)
        if self._is_early(lanes[0]):
            return False
        self.open_complete |= lanes[0].phase > OPEN_ITEMS
        self._upcoming = []
        for lane in lanes:
            self.add(lane)
        return True

    # changes ---------------------------------------------------------------------------------

    def add(self, lane: Lane) -> None:
        """Add a lane, behind those of the same customer."""
        self._unfinished[lane.phase] += 1
        self._loaded += len(lane.queue)
        line = self._lanes_of.setdefault(lane.customer, [])
        line.append(lane)
        if len(line) == 1:
            heapq.heappush(self._ready, lane)

    def add_operations(self, operations: Sequence[Operation]) -> None:
        """Add a lane for each operation, ahead of all others."""
        for rank, operation in enumerate(operations):
            lane = Lane(customer=operation.customer, phase=0, next=1, last=0, rank=rank)
            lane.queue.append(operation)
            self.add(lane)

    def take(self) -> Lane | None:
        """Remove and return the next lane, with its first operation loaded. None when no lane is
        ready, or all that were have to wait for others."""
        while lanes := self._again or self._ready:
            lane = heapq.heappop(lanes)
            if lane.needs_operations:
                self._loader.load([lane])
                self._loaded += len(lane.queue)
            waits = [n for n in lane.queue[0].waits_for if n not in self._landed]
            if not waits:
                return lane
            self._waiting.setdefault(waits[0], []).append(lane)
        return None

    def put_back(self, lane: Lane) -> None:
        """Make the lane ready again, with the same operation."""
        heapq.heappush(self._ready, lane)

    def try_again(self, lane: Lane) -> None:
        """Make the lane ready after its pause, ahead of others."""
        heapq.heappush(self._again, lane)

    def advance(self, lane: Lane, settled: bool = True) -> None:
        """Remove the lane's first operation and make the next one ready, or the customer's next
        lane. Unless `settled`, lanes that wait for the operation go on waiting: it was a release
        which the same operation follows."""
        operation = lane.queue.popleft()
        self._loaded -= 1
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
        """Make lanes ready that wait for this operation."""
        if operation.number in self._loader.awaited:
            self._landed.add(operation.number)
            for lane in self._waiting.pop(operation.number, ()):
                heapq.heappush(self._ready, lane)

    def requeue_waiting(self) -> None:
        """Make all waiting lanes ready: nothing is left in this run that could settle their waits.

        `Results.take` then sets aside those whose predecessors were given up.
        """
        for number in list(self._waiting):
            self._landed.add(number)
            for lane in self._waiting.pop(number):
                heapq.heappush(self._ready, lane)
