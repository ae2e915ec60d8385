"""A graph of requests that wait for each other, and its topological order."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from headrace.sync.journal import Key

RELEASE, RECORD, LINK = range(3)
"""The requests of one record, in their order: RELEASE only gives back links or amounts that others
wait for, RECORD is the record itself, LINK adds its late links."""

Step = tuple[Key, int]
"""One of a record's requests."""

LinkKey = tuple[Key, Key]
"""(owner, target) of a link."""

_LARGE = 200
"""Cycles with more steps are broken at many records at once instead of one after the other."""
_TRIED = 30
"""Maximum number of splits for which each is tested for being superfluous."""


class Need(Struct, frozen=True):
    """`then` waits for `first`."""

    first: Key
    then: Key
    frees: bool = False
    """Whether a release of `first` is enough."""
    links: frozenset[Key] = frozenset()
    """`then` need not wait if it is sent without its links to these; if empty, it always waits."""
    link: LinkKey | None = None
    """The existing link that this wait keeps valid."""


class Graph:
    """The requests of a plan that block each other, and what each waits for.

    A cycle of waits has no order. Example: payments P and Q of 100 swap their invoices I and J,
    each of 100. P can't settle J before Q gives it back, and Q can't settle I before P does. A
    cycle is broken by splitting one record into two requests, in one of three ways, tried in this
    order:

    - Release: a request before the record's own gives back what others wait for. Here P first gives
      back I, then Q moves to I, then P settles J. A release waits for nothing, so it is in no
      cycle.
    - Late links: the record is sent without the links that would have to wait, and a later request
      adds them. Nothing waits for a link to exist, so that request is in no cycle either. This
      helps where others wait for the record itself. Example: payment P leaves customer A, which is
      deleted afterwards, and P settles an invoice that can only move once A is deleted.
    - Part a link that exists before and after: it is released before both ends move, and linked
      again afterwards. This helps where no order keeps it valid, as when both ends change
      customers.

    So a record has at most three requests. Each record is split a limited number of times, so the
    loop ends. Splits are chosen greedily, so a later one may make an earlier one superfluous. Where
    there are late links, and no more than `_TRIED` splits, each split is tested at the end and
    undone if the order exists without it.
    """

    def __init__(self, place: Callable[[Key], tuple[int, str, str]]) -> None:
        """Start without requests; `place` sorts requests that do not wait for each other."""
        self._place = place
        self._by_first: dict[Key, set[Need]] = defaultdict(set)
        self._by_then: dict[Key, set[Need]] = defaultdict(set)
        self._by_link: dict[LinkKey, list[Need]] = defaultdict(list)
        self._movers: dict[LinkKey, tuple[Key, ...]] = {}
        self._ignored: set[tuple[Step, Step]] = set()
        """Waits that are ignored, because no split breaks their cycle."""
        self._after: dict[Step, set[Step]] = {}
        self._before: dict[Step, set[Step]] = {}
        self.split: set[Key] = set()
        """Records with a release."""
        self.late: dict[Key, frozenset[Key]] = {}
        """Targets of late links, by record."""
        self.parted: set[LinkKey] = set()
        """Links that are released and added again."""

    def lands(
        self, first: Key, then: Key, links: Iterable[Key] = (), link: LinkKey | None = None
    ) -> None:
        """Make `then` wait until `first` is acknowledged.

        With `links`, it waits only because of its links to these records. `link` is an existing
        link that the wait keeps valid.
        """
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
        """Make `then` wait for what `first` gives back; a release is enough if `splittable`."""
        self._add(Need(first, then, splittable, frozenset(links), link))

    def may_part(self, link: LinkKey, movers: Collection[Key]) -> None:
        """Allow the link to be parted while `movers` are sent."""
        self._movers[link] = tuple(key for key in movers if key != link[0])

    def part(self, link: LinkKey) -> None:
        """Release the link before its movers and add it again after them."""
        owner, target = link
        self.parted.add(link)
        for need in self._by_link.pop(link, ()):
            self._by_first[need.first].discard(need)
            self._by_then[need.then].discard(need)
        for mover in self._movers.pop(link):
            self.frees(owner, mover, splittable=True)
            self.lands(mover, owner, (target,))

    def divide(self, key: Key) -> None:
        """Add a release for the record."""
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
        """Pairs (request, the request that it waits for)."""
        return [(then, first) for then, before in self._before.items() for first in before]

    def order(self) -> list[Step]:
        """Return all requests, each after those that it waits for; breaks cycles by splits."""
        while (found := self._sorted()) is None:
            for cycle in self._cycles():
                self._break(cycle)
        return self._without_superfluous() if self.late else found

    def _sorted(self) -> list[Step] | None:
        """Return a topological order; None if there is a cycle.

        Among requests that could go next, late links come first, then records, then releases. This
        keeps the time short in which a released link is missing: until it is back, its invoice is
        shown as open, and Upflow might remind the customer.
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
        """Derive the waits between requests from the needs and the current splits."""
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

    # cycles ----------------------------------------------------------------------------------

    def _cycles(self) -> list[set[Step]]:
        """Return the sets of steps that wait for each other (strongly connected components).

        This is Kosaraju's algorithm without recursion: cycles may be longer than Python's stack.
        """
        finished: list[Step] = []
        seen: set[Step] = set()
        for step in sorted(self._steps()):
            self._walk(step, self._after, seen, finished)
        cycles = []
        seen = set()
        for step in reversed(finished):
            together: list[Step] = []
            self._walk(step, self._before, seen, together)
            if len(together) > 1:
                cycles.append(set(together))
        return cycles

    def _walk(
        self, start: Step, ways: dict[Step, set[Step]], seen: set[Step], finished: list[Step]
    ) -> None:
        """Append unseen reachable steps to `finished` in postorder, depth first."""
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

    def _break(self, cycle: set[Step]) -> None:
        """Break a cycle by one split, or a large cycle by all splits of one kind to save time.

        If no split helps, the first record stops waiting. The API may refuse it then; it is sent
        once more when the others are acknowledged (see `delivery/refusals.py`).
        """
        most = None if len(cycle) > _LARGE else 1
        keys = sorted({key for key, step in cycle if step == RECORD}, key=self._place)
        if able := [key for key in keys if self._can_release(key, cycle)]:
            self.split.update(able[:most])
            return
        if waiting := {key: links for key in keys if (links := self._late_links(key, cycle))}:
            for key in list(waiting)[:most]:
                self.late[key] = self.late.get(key, frozenset()) | waiting[key]
            return
        needs = (need for key in keys for need in self._by_first[key])
        held_by = {need.link for need in needs if need.link and self._taking(need) in cycle}
        if partable := sorted(held_by & self._movers.keys()):
            for kept_link in partable[:most]:
                self.part(kept_link)
            return
        first = (keys[0], RECORD)
        self._ignored.update((before, first) for before in self._before[first] & cycle)

    def _can_release(self, key: Key, cycle: set[Step]) -> bool:
        """Whether a step of the cycle would no longer wait for the record after a release."""
        if key in self.split:
            return False
        freed: set[Step] = set()
        landed: set[Step] = set()
        for need in self._by_first[key]:
            (freed if need.frees else landed).add(self._taking(need))
        return not cycle.isdisjoint(freed - landed)

    def _late_links(self, key: Key, cycle: set[Step]) -> frozenset[Key]:
        """Return the links without which the record need not wait for steps of the cycle."""
        by_step: dict[Step, list[Need]] = defaultdict(list)
        for need in self._by_then[key]:
            if (first := self._giving(need)) in cycle and self._taking(need) == (key, RECORD):
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
        """Undo superfluous splits and return the order."""
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
