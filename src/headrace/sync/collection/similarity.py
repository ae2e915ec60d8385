"""What a booked record and a collected one have in common."""

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
"""Characters of a reference that are enough to tell a payment by it."""
_PARTS_MAX = 4
_PARTS_AMONG = 12
"""Sums of up to so many collected ones are tried, of so many that there are."""
_WORD = re.compile(r"[^\W_]+")


class Booked(Struct, frozen=True, kw_only=True):
    """A new payment or refund of the source."""

    entity: str
    external_id: str
    customer: str
    family: str
    """The customer at its family's top."""
    currency: str
    amount: int
    day: date
    instrument: str = ""
    reference: str = ""
    origin: str = "payment"
    """`adjustment` where it is a journal entry."""
    links: frozenset[Key] = frozenset()
    """What it settles or gives back."""

    @property
    def key(self) -> Key:
        """Its name in the source."""
        return self.entity, self.external_id


def links(one: Collected) -> frozenset[Key]:
    """What it settles or gives back, as far as the source knows it."""
    return frozenset((link.entity, link.external_id) for link in one.links if link.external_id)


def lag(booked: Booked, one: Collected) -> int:
    """Days from the payment to its booking; 0 when the API's date can't be read."""
    try:
        return (booked.day - date.fromisoformat(one.day)).days
    except ValueError:
        return 0


class Names:
    """Ids and references of collected records, to be found in the text of a booked one's."""

    def __init__(self, collected: Iterable[Collected]) -> None:
        self._ids: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._references: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for one in collected:
            for index, name in ((self._ids, one.id), (self._references, one.reference)):
                words = _words(name)
                if sum(len(word) for word in words) >= _REFERENCE_MIN:
                    index[words[0]].append((_spaced(words), one.id))

    def in_text(self, text: str) -> tuple[set[str], set[str]]:
        """Ids of the records that the text names: by their ids, and by their references."""
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
    """The words with a space on both sides of each, so that no part of one is found."""
    return f" {' '.join(words)} "


def sum_of(those: Sequence[Collected], amount: int) -> list[Collected] | None:
    """Some of them that add up to the amount."""
    smaller = sorted((one for one in those if one.amount < amount), key=lambda one: one.id)
    for count in range(2, _PARTS_MAX + 1):
        for parts in combinations(smaller[:_PARTS_AMONG], count):
            if sum(one.amount for one in parts) == amount:
                return list(parts)
    return None


def components(
    pairs: Sequence[tuple[Booked, Collected]],
) -> Iterator[tuple[list[Booked], list[Collected]]]:
    """The pairs as groups of all that hang together."""
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
