"""The journal's section of its target, and of the landmarks that identify the target."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from headrace.sync.journal.records import Key
from headrace.sync.journal.section import Section

_ENOUGH = 5
"""Number of landmarks to keep."""


class Target(Struct, frozen=True):
    """An organisation of an API; `key` is a digest."""

    url: str
    key: str
    checked_at: float


class TargetSection(Section):
    """The target of the journal, and a few records with the ids that the API gave them."""

    _landmarks: dict[Key, str] | None = None

    def target(self) -> Target | None:
        """Return the target; None before the first delivery."""
        row = self._db.run("target").fetchone()
        return Target(*row) if row else None

    def bind(self, url: str, key: str) -> None:
        """Record the target, verified now."""
        with self._db.transaction():
            self._db.run("clear_target")
            self._db.run("keep_target", (url, key, self._clock.now().timestamp()))

    def landmarks(self) -> dict[Key, str]:
        """Return the API's ids of the landmarks."""
        if self._landmarks is None:
            rows = self._db.run("landmarks").fetchall()
            self._landmarks = {(entity, external_id): id for entity, external_id, id in rows}
        return self._landmarks

    @property
    def lacks_landmarks(self) -> bool:
        """Whether there are fewer landmarks than should be kept."""
        return len(self.landmarks()) < _ENOUGH

    def keep_landmark(self, key: Key, id: str) -> None:
        """Record a landmark with the API's id, with the next flush."""
        self.landmarks()[key] = id
        self._db.later("keep_landmark", (*key, id))

    def _drop_landmark(self, key: Key) -> None:
        self.landmarks().pop(key, None)
        self._db.later("drop_landmark", key)

    def drop_landmarks(self, keys: Iterable[Key]) -> None:
        """Delete landmarks that the API no longer has."""
        for key in list(keys):
            self._drop_landmark(key)
        self.flush()

    def clear_landmarks(self) -> None:
        """Delete all landmarks."""
        self._landmarks = {}
        self._db.run("clear_landmarks")

    def some_acknowledged(self) -> list[Key]:
        """Return a few acknowledged records, customers first."""
        return [tuple(row) for row in self._db.run("some_acknowledged", (_ENOUGH,))]
