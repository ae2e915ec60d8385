"""Names as people give them to tables and columns, split into words that can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_UMLAUTS = str.maketrans(
    dict(zip("äöüßÄÖÜ", ("ae", "oe", "ue", "ss", "Ae", "Oe", "Ue"), strict=True))
)
_COMPOUND = 4
"""Letters that a word needs to be looked for inside another, as in `Rechnungsnummer`."""


def words_of(name: str) -> tuple[str, ...]:
    """Split a name: `CustomerId`, `customer_id` and `Customer ID` are all `customer`, `id`.

    Letters lose their accents, German umlauts become two letters.
    """
    spelled = unicodedata.normalize("NFKD", name.translate(_UMLAUTS))
    plain = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    return tuple(part.lower() for part in _PARTS.findall(plain))


def likeness(name: str, terms: Iterable[str]) -> float:
    """Return how well a name says one of the terms: 0 not at all, 1 within a compound, 2 at its
    start, 3 as a word of its own; a little more if it says nothing else."""
    words = words_of(name)
    best = max((_said(term, words) for term in terms), default=0.0)
    return best + 0.5 / len(words) if best else 0.0


def _said(term: str, words: tuple[str, ...]) -> float:
    parts = term.split()
    if len(parts) > 1:
        joined = "".join(parts)
        if all(_said(part, words) >= 2 for part in parts) or joined in words:
            return 3.5
        return 0.0
    if term in words or f"{term}s" in words:
        return 3.0
    if len(term) < _COMPOUND:
        return 0.0
    if any(word.startswith(term) for word in words):
        return 2.0
    return 1.0 if any(term in word for word in words) else 0.0
