"""Compares booked and collected records: references, days, links and sums."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations

from msgspec import Struct

from headrace.sync.collection.collected import Collected
from headrace.sync.journal import Key

_REFERENCE_MIN = 4
"""Minimum number of characters of a reference that can identify a payment."""
_PARTS_MAX = 4
"""Maximum number of collected records whose sum is compared."""
_PARTS_AMONG = 12
"""Maximum number of collected records among which sums are searched."""
_WORD = re.compile(r"[^\W_]+")


class Booked(Struct, frozen=True, kw_only=True):
    """A new payment or refund of the source."""

    entity: str
    external_id: str
    customer: str
    family: str
    """Root of the customer's family."""
    currency: str
    amount: int
    day: date
    instrument: str = ""
    reference: str = ""
    origin: str = "payment"
    """`adjustment` for a journal entry."""
    links: frozenset[Key] = frozenset()
    """Documents that it settles or refunds."""

    @property
    def key(self) -> Key:
        """Entity and external id."""
        return self.entity, self.external_id


def links(one: Collected) -> frozenset[Key]:
    """Return the documents with an external id that it settles or refunds."""
    return frozenset((link.entity, link.external_id) for link in one.links if link.external_id)


def lag(booked: Booked, one: Collected) -> int:
    """Return the days from the collection to the booking; 0 if the API's date can't be read."""
    try:
        return (booked.day - date.fromisoformat(one.day)).days
    except ValueError:
        return 0


class Names:
    """An index of collected records' ids and references, to find them in a booking's reference."""

    def __init__(self, collected: Iterable[Collected]) -> None:
        self._ids: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._references: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for one in collected:
            for index, name in ((self._ids, one.id), (self._references, one.reference)):
                words = _words(name)
                if sum(len(word) for word in words) >= _REFERENCE_MIN:
                    index[words[0]].append((_spaced(words), one.id))

    def in_text(self, text: str) -> tuple[set[str], set[str]]:
        """Return the ids of records that the text names: (by id, by reference)."""
        words = _words(text)
        whole = _spaced(words)
        by_id, by_reference = (
            {id for word in set(words) for wanted, id in index.get(word, ()) if wanted in whole}
            for index in (self._ids, self._references)
        )
        return by_id, by_reference


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _spaced(words: Sequence[str]) -> str:
    """Join words with a space on both sides of each, so that only whole words are found."""
    return f" {' '.join(words)} "


def sum_of(those: Sequence[Collected], amount: int) -> list[Collected] | None:
    """Return some of the records that add up to the amount; None if there are none."""
    smaller = sorted((one for one in those if one.amount < amount), key=lambda one: one.id)
    for count in range(2, _PARTS_MAX + 1):
        for parts in combinations(smaller[:_PARTS_AMONG], count):
            if sum(one.amount for one in parts) == amount:
                return list(parts)
    return None


def components(
    pairs: Sequence[tuple[Booked, Collected]],
) -> Iterator[tuple[list[Booked], list[Collected]]]:
    """Yield the connected components of the graph that the pairs form."""
    here: dict[Key, list[tuple[Booked, Collected]]] = defaultdict(list)
    there: dict[str, list[tuple[Booked, Collected]]] = defaultdict(list)
    for pair in pairs:
        here[pair[0].key].append(pair)
        there[pair[1].id].append(pair)
    seen: set[Key] = set()
    for start in list(here):
        if start in seen:
            continue
        seen.add(start)
        queue, group, those = [start], [], {}
        while queue:
            key = queue.pop()
            group.append(here[key][0][0])
            for _, one in here[key]:
                those[one.id] = one
                for booked, _ in there[one.id]:
                    if booked.key not in seen:
                        seen.add(booked.key)
                        queue.append(booked.key)
        yield group, list(those.values())
