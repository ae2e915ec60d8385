"""How many rows the source's files had when their plan was last accepted.

An export that was cut off, or ran with the wrong filter, has fewer rows than before. Without counts
of an earlier plan nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from headrace.model.source_settings import SourceSettings
from headrace.sync.journal import Journal

_FEW = 10
"""Rows of which a share means nothing."""


class RowCounts:
    """The counts of one organisation, in its journal."""

    def __init__(self, journal: Journal, source: SourceSettings) -> None:
        self._journal = journal
        self._source = source
        self._now: dict[str, int] = {}

    def note(self, rows: Mapping[str, int]) -> None:
        """Take the rows that were read now, per table; those of databases do not count."""
        self._now = {name: count for name, count in rows.items() if self._is_file(name)}

    def shrunk(self, limit: float) -> list[str]:
        """Return a clause with figures for each table that lost a larger share of its rows."""
        if not self._now:
            return []
        return [
            f"{name} has {now:,} rows, while it had {before:,} (more than {limit:.0%} fewer)"
            for name, before in sorted(self._journal.source_rows().items())
            if before > _FEW
            and (now := self._now.get(name, before)) < before
            and before - now > limit * before
        ]

    def accept(self) -> None:
        """Keep the rows of now for the next time."""
        before = self._journal.source_rows() if self._now else {}
        changed = {name: rows for name, rows in self._now.items() if before.get(name) != rows}
        if changed:
            self._journal.keep_source_rows(changed)

    def _is_file(self, table: str) -> bool:
        named = self._source.more.get(table.partition(".")[0])
        return (named or self._source).kind == "files"
