"""A graph of requests that wait for each other, and its topological order."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from headrace.sync.journal import Key

RELEASE, RECORD, LINK = range(3)
"""Requests of one record, in their order: RELEASE only takes away links or amounts that others wait
for, RECORD is the record itself, LINK adds the links that had to wait."""

Step = tuple[Key, int]
"""One of a record's requests."""

LinkKey = tuple[Key, Key]
"""(owner, target) of a link."""

_LARGE = 200
"""Circles with more steps are opened at many records at once, not at one after the other."""
_TRIED = 30
"""Up to so many extra requests, each is tested for being superfluous."""


class Need(Struct, frozen=True):
    """`then` waits for `first`."""

    first: Key
    then: Key
    frees: bool = False
    """Whether a release of `first` is enough."""
    links: frozenset[Key] = frozenset()
    """If `then` goes without its links to these, it need not wait; if empty, it always waits."""
    link: LinkKey | None = None
    """The existing link that this wait keeps valid."""


class Graph:
    """Requests and what each must wait for.

    A circle of waits has no order. An example: payments P and Q of 100 swap their invoices I and J,
    each of 100. P can't settle J before Q gives it back, and Q can't settle I before P does. A
    circle is opened by splitting one record into two requests, in one of three ways, tried in this
    order:

    - Release: a request before the record's own gives back what others wait for. Here P first gives
      back I, then Q moves to I, then P settles J. A release waits for nothing, so it is in no
      circle.
    - Late links: the record goes without the links that would have to wait, and a further request
      adds them. Nothing waits for a link to exist, so that request is in no circle either. This
      helps where others wait for the record itself. An example: payment P leaves customer A, which
      is deleted after that, but P is to settle an invoice that moves only once A is gone.
    - Part a link that exists before and after: it is released before both ends move, and linked
      again after. This helps where no order keeps it valid, as when both ends change customers.

    So a record has at most three requests. Each record is split a limited number of times, so the
    loop ends. Splits are chosen greedily: a later one may make an earlier one superfluous. Where
    there are late links, up to a few dozen splits are tested for that at the end and undone.
    """

    def __init__(self, place: Callable[[Key], tuple[int, str, str]]) -> None:
        """`place` is the sort key of requests that do not wait for each other."""
        self._place = place
        self._by_first: dict[Key, set[Need]] = defaultdict(set)
        self._by_then: dict[Key, set[Need]] = defaultdict(set)
        self._by_link: dict[LinkKey, list[Need]] = defaultdict(list)
        self._movers: dict[LinkKey, tuple[Key, ...]] = {}
        self._ignored: set[tuple[Step, Step]] = set()
        """Waits that were given up, since no split opens their circle."""
        self._after: dict[Step, set[Step]] = {}
        self._before: dict[Step, set[Step]] = {}
        self.split: set[Key] = set()
        """Records with a release."""
        self.late: dict[Key, frozenset[Key]] = {}
        """Records with late links, and the targets of these."""
        self.parted: set[LinkKey] = set()
        """Links that are released and added again."""

    def lands(
        self, first: Key, then: Key, links: Iterable[Key] = (), link: LinkKey | None = None
    ) -> None:
        """Lets `then` wait for `first`: because of its `links` to these only, if there are any."""
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
        """Lets `then` wait for what `first` gives back; a release is enough if `splittable`."""
        self._add(Need(first, then, splittable, frozenset(links), link))

    def may_part(self, link: LinkKey, movers: Collection[Key]) -> None:
        """Allows the link to be parted while `movers` go."""
        self._movers[link] = tuple(key for key in movers if key != link[0])

    def part(self, link: LinkKey) -> None:
        """Releases the link before its movers and adds it again after them."""
        owner, target = link
        self.parted.add(link)
        for need in self._by_link.pop(link, ()):
            self._by_first[need.first].discard(need)
            self._by_then[need.then].discard(need)
        for mover in self._movers.pop(link):
            self.frees(owner, mover, splittable=True)
            self.lands(mover, owner, (target,))

    def divide(self, key: Key) -> None:
        """Gives the record a release."""
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
        """Returns all requests, each after those that it waits for. Opens circles."""
        while (found := self._sorted()) is None:
            for circle in self._circles():
                self._open(circle)
        return self._without_superfluous() if self.late else found

    def _sorted(self) -> list[Step] | None:
        """Returns a topological order, None if there is a circle.

        Of requests that could go next, late links come first, then records, then releases. So a
        released link is missing for as short as possible: until it is back, its invoice is shown as
        open, and Upflow might remind the customer.
        """
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
        """Derives the waits between requests from the needs and the present splits."""
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
        """Returns the sets of steps that wait for each other (strongly connected components).

        This is Kosaraju's algorithm without recursion: circles may be longer than Python's stack.
        """
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
        """Appends unseen reachable steps in postorder, depth first."""
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
        """Opens a circle by one split; a large circle by all splits of one kind, to save time.

        If no split helps, the first record stops waiting. The API may refuse it then; it goes once
        more when the others were acknowledged (see `delivery/refusals.py`).
        """
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
        """Whether a release of the record would free a step of the circle from waiting for it."""
        if key in self.split:
            return False
        freed: set[Step] = set()
        landed: set[Step] = set()
        for need in self._by_first[key]:
            (freed if need.frees else landed).add(self._taking(need))
        return not circle.isdisjoint(freed - landed)

    def _late_links(self, key: Key, circle: set[Step]) -> frozenset[Key]:
        """Returns the links without which the record need not wait for steps of the circle."""
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
        """Undoes superfluous splits and returns the order."""
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
