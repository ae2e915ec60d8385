"""The query parameters of a request, and which of them had an effect."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, quote

from headrace.model.errors import BadRequest

_NAMED_MAX = 20
_NAME_MAX = 60


class Query:
    """Parsed at the first use. A parameter that no handler asks for is `ignored`."""

    __slots__ = ("_pairs", "_raw", "_used")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._pairs: list[tuple[str, str]] | None = None
        self._used: set[str] = set()

    def get(self, name: str) -> str | None:
        """Return a parameter; of a repeated one, the last wins. Raises BadRequest for a NUL in
        the query."""
        if not self._raw:
            return None
        self._used.add(name)
        return next((value for own, value in reversed(self._parsed()) if own == name), None)

    def starting_with(self, *heads: str) -> Iterator[tuple[str, str]]:
        """Return the parameters whose names start with one of these, in order."""
        if not self._raw:
            return
        for name, value in self._parsed():
            if name.startswith(heads):
                self._used.add(name)
                yield name, value

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names that had no effect, percent-encoded and cut, so that they are safe in a header."""
        if not self._raw or (self._pairs is None and b"%00" in self._raw):
            return ()
        names = dict.fromkeys(name for name, _ in self._parsed() if name not in self._used)
        return tuple(quote(name[:_NAME_MAX], safe=".:[]") for name in list(names)[:_NAMED_MAX])

    def _parsed(self) -> list[tuple[str, str]]:
        if self._pairs is None:
            if b"%00" in self._raw:
                raise BadRequest("The query contains a NUL character: remove it.")
            text = self._raw.decode("latin-1")
            self._pairs = parse_qsl(text, keep_blank_values=True)
        return self._pairs
