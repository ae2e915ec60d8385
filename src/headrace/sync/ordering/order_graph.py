"""A graph of what must land before what, and the order that keeps to it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable

from headrace.sync.journal import Key

Step = tuple[Key, bool]
"""A record's request; True for the one before it that only gives back what others need."""


_LARGE = 200
"""Steps in a circle from which on it costs too much to find the fewest that open it."""


class Graph:
    """Requests and what each must wait for. Where they wait for each other in a circle, one of them
    gives back first what the next one waits for."""

    def __init__(self, place: Callable[[Key], tuple[int, str, str]]) -> None:
        """`place` is where a request stands as long as nothing says otherwise."""
        self._place = place
        self._after: dict[Step, set[Step]] = defaultdict(set)
        self._before: dict[Step, set[Step]] = defaultdict(set)
        self._freed: dict[Key, set[Key]] = defaultdict(set)
        """What waits for what a record gives back."""
        self._landed: set[tuple[Key, Key]] = set()
        self.split: set[Key] = set()
        """Records that give back first, in a request of their own."""

    def lands(self, first: Key, then: Key) -> None:
        """`then` needs what `first` brings."""
        if first != then:
            self._landed.add((first, then))
            self._tie((first, False), (then, False))

    def frees(self, first: Key, then: Key, *, splittable: bool) -> None:
        """`then` needs what `first` gives back, of which a release is enough if `splittable`."""
        if first == then:
            return
        if splittable and first in self.split:
            self._tie((first, True), (then, False))
            return
        self._tie((first, False), (then, False))
        if splittable:
            self._freed[first].add(then)
        else:
            self._landed.add((first, then))

    def divide(self, key: Key) -> None:
        """Lets the record give back first what others wait for."""
        if key in self.split:
            return
        self.split.add(key)
        self._tie((key, True), (key, False))
        for other in self._freed.pop(key, ()):
            if (key, other) not in self._landed:
                self._untie((key, False), (other, False))
            self._tie((key, True), (other, False))

    def _tie(self, first: Step, then: Step) -> None:
        self._after[first].add(then)
        self._before[then].add(first)

    def _untie(self, first: Step, then: Step) -> None:
        self._after[first].discard(then)
        self._before[then].discard(first)

    @property
    def waits(self) -> list[tuple[Step, Step]]:
        """(request, what it waits for)."""
        return [(then, first) for then, before in self._before.items() for first in before]

    def order(self) -> list[Step]:
        """All requests, each behind those that it waits for. Divides what goes round in circles."""
        while (found := self._sorted()) is None:
            for circle in self._circles():
                self._break(circle)
        return found

    def _steps(self) -> set[Step]:
        return self._after.keys() | self._before.keys()

    def _rank(self, step: Step) -> tuple[int, str, str]:
        return self._place(step[0])

    def _sorted(self) -> list[Step] | None:
        """None when some wait in a circle. What is given back is so as late as can be: until it is
        taken again, what it settles stands open."""
        missing = {step: len(self._before.get(step, ())) for step in self._steps()}
        heap = [(step[1], self._rank(step), step) for step, n in missing.items() if not n]
        heapq.heapify(heap)
        found: list[Step] = []
        while heap:
            *_, step = heapq.heappop(heap)
            found.append(step)
            for then in self._after.get(step, ()):
                missing[then] -= 1
                if not missing[then]:
                    heapq.heappush(heap, (then[1], self._rank(then), then))
        return found if len(found) == len(missing) else None

    def _circles(self) -> list[set[Step]]:
        """Steps that wait for each other, the largest such sets."""
        finished: list[Step] = []
        seen: set[Step] = set()
        for step in sorted(self._steps()):
            self._walk(step, self._after, seen, finished)
        circles = []
        seen = set()
        for step in reversed(finished):
            together: list[Step] = []
            self._walk(step, self._before, seen, together)
            if len(together) > 1:
                circles.append(set(together))
        return circles

    def _walk(
        self, start: Step, ways: dict[Step, set[Step]], seen: set[Step], finished: list[Step]
    ) -> None:
        """Appends what is reached and not seen yet, the farthest first."""
        if start in seen:
            return
        seen.add(start)
        path = [(start, iter(sorted(ways.get(start, ()))))]
        while path:
            step, ahead = path[-1]
            onward = next((one for one in ahead if one not in seen), None)
            if onward is None:
                finished.append(step)
                path.pop()
            else:
                seen.add(onward)
                path.append((onward, iter(sorted(ways.get(onward, ())))))

    def _break(self, circle: set[Step]) -> None:
        """By one record that can give back first, of a large circle by all that can; else by what
        the first of them waits for, which the API then refuses until the rest has landed."""
        keys = sorted({step[0] for step in circle}, key=self._place)
        able = [
            key
            for key in keys
            if any((other, False) in circle for other in self._freed.get(key, ()))
        ]
        for key in able if len(circle) > _LARGE else able[:1]:
            self.divide(key)
        if not able:
            first = (keys[0], False)
            for before in self._before[first] & circle:
                self._untie(before, first)
