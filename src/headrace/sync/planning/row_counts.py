"""How many rows the source's files had when their plan was last accepted.

An export that was cut off, or ran with the wrong filter, has fewer rows than before. The file of
counts is a cache: without it nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from headrace.model.source_settings import SourceSettings

_FEW = 10
"""Rows of which a share means nothing."""


class RowCounts:
    """The counts of one organisation."""

    def __init__(self, path: Path, source: SourceSettings) -> None:
        self._path = path
        self._source = source
        self._now: dict[str, int] = {}

    def note(self, rows: Mapping[str, int]) -> None:
        """Take the rows that were read now, per table; those of databases do not count."""
        self._now = {name: count for name, count in rows.items() if self._is_file(name)}

    def shrunk(self, limit: float) -> list[str]:
        """Return a clause with figures for each table that lost a larger share of its rows."""
        return [
            f"{name} has {now:,} rows, while it had {before:,} (more than {limit:.0%} fewer)"
            for name, before in sorted(self._before().items())
            if before > _FEW
            and (now := self._now.get(name, before)) < before
            and before - now > limit * before
        ]

    def accept(self) -> None:
        """Keep the rows of now for the next time."""
        if not self._now:
            return
        copy = self._path.with_suffix(".new")
        with suppress(OSError):
            copy.write_bytes(msgspec.json.encode(self._before() | self._now))
            copy.replace(self._path)

    def _before(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def _is_file(self, table: str) -> bool:
        named = self._source.more.get(table.partition(".")[0])
        return (named or self._source).kind == "files"
