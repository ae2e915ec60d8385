"""A graph of what must land before what, and the order that keeps to it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from headrace.sync.journal import Key

RELEASE, RECORD, LINK = range(3)
"""The requests of one record: one that only gives back what others need, the record, and one more
with the links that have to wait for others."""

Step = tuple[Key, int]
"""One of a record's requests."""

LinkKey = tuple[Key, Key]
"""A link that stays, from its owner to what it settles."""

_LARGE = 200
"""Steps in a circle from which on it costs too much to find the fewest that open it."""
_TRIED = 30
"""Requests beside the records' of which each is tried whether the others do without."""


class Need(Struct, frozen=True):
    """`then` waits for `first`."""

    first: Key
    then: Key
    frees: bool = False
    """Whether it is enough that `first` gives back what it has."""
    links: frozenset[Key] = frozenset()
    """Without its links to these, `then` does not need it; nothing helps when there are none."""
    link: LinkKey | None = None
    """The link that this keeps whole all the time."""


class Graph:
    """Requests and what each must wait for.

    Needs that go round in a circle leave no order, so somebody has to do in two requests what it
    would do in one. There are three ways, tried in this order, each with an end:

    - It *releases*: a request before the record's own gives back what others wait for. Nothing is
      needed for that, so no circle goes through it.
    - It *links later*: the record goes without the links for which it would have to wait, and a
      request with them follows. Nobody waits for a link to be there, so no circle goes through that
      one either. This helps where others wait for the record itself, such as its old customer that
      is deleted, and it for others because of what it is to settle.
    - A link that stays *parts*: instead of being sound after each request, it goes before the
      others move and is back when they have, which makes it one that is released and linked later.

    So a record has three requests at most. Of a few dozen that are added, those that turn out not
    to be needed when the last circle is open are taken back.
    """

    def __init__(self, place: Callable[[Key], tuple[int, str, str]]) -> None:
        """`place` is where a request stands as long as nothing says otherwise."""
        self._place = place
        self._by_first: dict[Key, set[Need]] = defaultdict(set)
        self._by_then: dict[Key, set[Need]] = defaultdict(set)
        self._by_link: dict[LinkKey, list[Need]] = defaultdict(list)
        self._movers: dict[LinkKey, tuple[Key, ...]] = {}
        self._ignored: set[tuple[Step, Step]] = set()
        """Waits that no order can keep to."""
        self._after: dict[Step, set[Step]] = {}
        self._before: dict[Step, set[Step]] = {}
        self.split: set[Key] = set()
        """Records that give back first, in a request of their own."""
        self.late: dict[Key, frozenset[Key]] = {}
        """Records that go without links to some others, and with them in a request of its own."""
        self.parted: set[LinkKey] = set()
        """Links that stay, and have to go for a moment all the same."""

    def lands(
        self, first: Key, then: Key, links: Iterable[Key] = (), link: LinkKey | None = None
    ) -> None:
        """`then` needs what `first` brings: for its `links` to these alone if there are any."""
        self._add(Need(first, then, links=frozenset(links), link=link))

    def frees(
        self,
        first: Key,
        then: Key,
        *,
        splittable: bool,
        links: Iterable[Key] = (),
        link: LinkKey | None = None,
    ) -> None:
        """`then` needs what `first` gives back, of which a release is enough if `splittable`."""
        self._add(Need(first, then, splittable, frozenset(links), link))

    def may_part(self, link: LinkKey, movers: Collection[Key]) -> None:
        """The link may go for a moment, while `movers` do what it stands in the way of."""
        self._movers[link] = tuple(key for key in movers if key != link[0])

    def part(self, link: LinkKey) -> None:
        """The link goes before its movers land, and is back when they have."""
        owner, target = link
        self.parted.add(link)
        for need in self._by_link.pop(link, ()):
            self._by_first[need.first].discard(need)
            self._by_then[need.then].discard(need)
        for mover in self._movers.pop(link):
            self.frees(owner, mover, splittable=True)
            self.lands(mover, owner, (target,))

    def divide(self, key: Key) -> None:
        """Lets the record give back first what others wait for."""
        self.split.add(key)

    def _add(self, need: Need) -> None:
        if need.first == need.then:
            return
        self._by_first[need.first].add(need)
        self._by_then[need.then].add(need)
        if need.link is not None:
            self._by_link[need.link].append(need)

    # order -----------------------------------------------------------------------------------

    @property
    def waits(self) -> list[tuple[Step, Step]]:
        """(request, what it waits for)."""
        return [(then, first) for then, before in self._before.items() for first in before]

    def order(self) -> list[Step]:
        """All requests, each behind those that it waits for. Opens what goes round in circles."""
        while (found := self._sorted()) is None:
            for circle in self._circles():
                self._open(circle)
        return self._without_superfluous() if self.late else found

    def _sorted(self) -> list[Step] | None:
        """None when some wait in a circle. What is given back is so as late as can be, and taken
        again as soon as can be: in between, what it settles stands open."""
        self._link_steps()
        steps = self._steps()
        missing = {step: len(self._before.get(step, ())) for step in steps}
        heap = [(-step[1], self._rank(step), step) for step, n in missing.items() if not n]
        heapq.heapify(heap)
        found: list[Step] = []
        while heap:
            *_, step = heapq.heappop(heap)
            found.append(step)
            for then in self._after.get(step, ()):
                missing[then] -= 1
                if not missing[then]:
                    heapq.heappush(heap, (-then[1], self._rank(then), then))
        return found if len(found) == len(missing) else None

    def _link_steps(self) -> None:
        """The waits between requests, by what is released and what is linked later."""
        self._after, self._before = defaultdict(set), defaultdict(set)
        pairs = [
            (self._giving(need), self._taking(need))
            for needs in self._by_first.values()
            for need in needs
        ]
        pairs += [((key, RELEASE), (key, RECORD)) for key in self.split]
        pairs += [((key, RECORD), (key, LINK)) for key in self.late]
        for first, then in pairs:
            if (first, then) not in self._ignored:
                self._after[first].add(then)
                self._before[then].add(first)

    def _giving(self, need: Need) -> Step:
        return need.first, RELEASE if need.frees and need.first in self.split else RECORD

    def _taking(self, need: Need) -> Step:
        is_late = need.links and need.links <= self.late.get(need.then, frozenset())
        return need.then, LINK if is_late else RECORD

    def _steps(self) -> set[Step]:
        return self._after.keys() | self._before.keys()

    def _rank(self, step: Step) -> tuple[int, str, str]:
        return self._place(step[0])

    # circles ---------------------------------------------------------------------------------

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

    def _open(self, circle: set[Step]) -> None:
        """By one record, of a large circle by all that can; else by what the first of them waits
        for, which the API then refuses until the rest has landed."""
        most = None if len(circle) > _LARGE else 1
        keys = sorted({key for key, step in circle if step == RECORD}, key=self._place)
        if able := [key for key in keys if self._can_release(key, circle)]:
            self.split.update(able[:most])
            return
        if waiting := {key: links for key in keys if (links := self._late_links(key, circle))}:
            for key in list(waiting)[:most]:
                self.late[key] = self.late.get(key, frozenset()) | waiting[key]
            return
        needs = (need for key in keys for need in self._by_first[key])
        held_by = {need.link for need in needs if need.link and self._taking(need) in circle}
        if partable := sorted(held_by & self._movers.keys()):
            for kept_link in partable[:most]:
                self.part(kept_link)
            return
        first = (keys[0], RECORD)
        self._ignored.update((before, first) for before in self._before[first] & circle)

    def _can_release(self, key: Key, circle: set[Step]) -> bool:
        """Whether that takes something in the circle off its hands."""
        if key in self.split:
            return False
        freed: set[Step] = set()
        landed: set[Step] = set()
        for need in self._by_first[key]:
            (freed if need.frees else landed).add(self._taking(need))
        return not circle.isdisjoint(freed - landed)

    def _late_links(self, key: Key, circle: set[Step]) -> frozenset[Key]:
        """Links without which it need not wait for some in the circle, for none if possible."""
        by_step: dict[Step, list[Need]] = defaultdict(list)
        for need in self._by_then[key]:
            if (first := self._giving(need)) in circle and self._taking(need) == (key, RECORD):
                by_step[first].append(need)
        return frozenset().union(
            *(
                need.links
                for needs in by_step.values()
                if all(need.links for need in needs)
                for need in needs
            )
        )

    def _without_superfluous(self) -> list[Step]:
        """The order, with no request that the others do without."""
        if len(self.split) + len(self.late) <= _TRIED:
            for key in sorted(self.split):
                self.split.discard(key)
                if self._sorted() is None:
                    self.split.add(key)
            for key in sorted(self.late):
                links = self.late.pop(key)
                if self._sorted() is None:
                    self.late[key] = links
        found = self._sorted()
        assert found is not None
        return found
