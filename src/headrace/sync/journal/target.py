"""Where the journal was delivered to, and by which records that place is known again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from headrace.sync.journal.records import Key
from headrace.sync.journal.section import Section

_ENOUGH = 5
"""Landmarks that are kept."""


class Target(Struct, frozen=True):
    """An organisation of an API; `key` is a digest."""

    url: str
    key: str
    checked_at: float


class TargetSection(Section):
    """One target, and a few records with the ids that it gave them."""

    _landmarks: dict[Key, str] | None = None

    def target(self) -> Target | None:
        """None before anything was delivered."""
        row = self._db.run("target").fetchone()
        return Target(*row) if row else None

    def bind(self, url: str, key: str) -> None:
        """Notes that this is the target, seen to be so now."""
        with self._db.transaction():
            self._db.run("clear_target")
            self._db.run("keep_target", (url, key, self._clock.now().timestamp()))

    def landmarks(self) -> dict[Key, str]:
        """The API's ids of a few records."""
        if self._landmarks is None:
            rows = self._db.run("landmarks").fetchall()
            self._landmarks = {(entity, external_id): id for entity, external_id, id in rows}
        return self._landmarks

    @property
    def lacks_landmarks(self) -> bool:
        """Whether one more helps."""
        return len(self.landmarks()) < _ENOUGH

    def keep_landmark(self, key: Key, id: str) -> None:
        """Notes the API's id of a record, with the next flush."""
        self.landmarks()[key] = id
        self._db.later("keep_landmark", (*key, id))

    def _drop_landmark(self, key: Key) -> None:
        self.landmarks().pop(key, None)
        self._db.later("drop_landmark", key)

    def drop_landmarks(self, keys: Iterable[Key]) -> None:
        """They are there no longer."""
        for key in list(keys):
            self._drop_landmark(key)
        self.flush()

    def clear_landmarks(self) -> None:
        """Forgets them all."""
        self._landmarks = {}
        self._db.run("clear_landmarks")

    def some_acknowledged(self) -> list[Key]:
        """A few records that the API acknowledged, customers first."""
        return [tuple(row) for row in self._db.run("some_acknowledged", (_ENOUGH,))]
