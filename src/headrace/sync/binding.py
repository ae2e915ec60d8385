"""The binding: a journal belongs to one organisation of one API.

The journal is only true of the organisation that acknowledged its records. Sent to another one, a
plan would leave out every record that the journal believes to be there. So the binding looks up a
few records by their external ids whenever the URL or the key differs from before, and after some
time in any case. If one of them has the API's id that the journal knows, the organisation is the
same. If none has, it is another organisation, or one that was emptied.

The API's ids are compared, because a test organisation may well hold the same external ids: a copy
of the same source was sent to both.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

from headrace.client.endpoints import Reader, external_path
from headrace.client.retry import ATTEMPTS
from headrace.model.clock import Clock
from headrace.model.entity import BY_NAME
from headrace.model.errors import AnotherTarget, Unreachable
from headrace.model.project import UPFLOW_URL
from headrace.sync.connection import Connection
from headrace.sync.journal import Journal, Key

FIRST_IN_PRODUCTION = (
    "This is the first delivery to Upflow's production. Every invoice arrives there as not sent "
    'yet: where "Send invoices from Upflow" is on, a workflow may mail them to your customers.'
)
CONFIRM = (
    "Nothing was sent. Look at the plan, then run `headrace apply --yes` or apply a saved plan. "
    "headrace asks this only once."
)


class Binding:
    """Verifies, before planning, that the API is the organisation of the journal."""

    def __init__(
        self, journal: Journal, connection: Connection, clock: Clock, sweep: timedelta
    ) -> None:
        """Verify again after `sweep`, even if URL and key are the same."""
        self._journal = journal
        self._connection = connection
        self._clock = clock
        self._sweep = sweep
        self._verified_at: float | None = None
        """Seconds since 1970; None before the first time."""
        self.rebound = ""
        """A sentence for the user about a changed key or URL; empty if nothing changed."""

    async def verify(self, always: bool = False) -> None:
        """Look up a few records if necessary. Raises AnotherTarget if none of them is there.

        A look-up is necessary when the URL or the key changed and, with `always`, once in any case.
        It then raises ApiError if the API can't be reached. It is also made after each sweep, but
        an API that can't be reached is then ignored.
        """
        now = self._clock.now().timestamp()
        recently = self._verified_at is not None and (
            0 <= now - self._verified_at < self._sweep.total_seconds()
        )
        if recently or not self._journal.count():
            return
        target = self._journal.target()
        same = target is not None and (target.url, target.key) == self._names
        stale = target is None or (now - target.checked_at >= self._sweep.total_seconds())
        if same and not stale and not always:
            return
        moved = target is not None and not same
        try:
            async with self._connection.reading(ATTEMPTS if moved or always else 1) as reader:
                await self._look(reader)
        except Unreachable:
            if moved or always:
                raise
            return  # URL and key are as before, so nothing suggests another target
        if target is not None and moved:
            what = "URL" if target.url != self._connection.url else "key"
            self.rebound = f"the {what} has changed, the organisation is the same"
        self._journal.bind(*self._names)
        self._verified_at = now

    @property
    def is_first_in_production(self) -> bool:
        """Whether this is the first delivery to Upflow's production, which may e-mail customers."""
        if not _is_upflow(self._connection.url) or self._journal.count():
            return False
        target = self._journal.target()
        return target is None or not _is_upflow(target.url)

    def note(self) -> None:
        """Bind an empty journal to this target; call it before every delivery."""
        if not self._journal.count():
            self._journal.bind(*self._names)

    def renew(self) -> None:
        """Bind the journal to this target after all of its records were compared with it."""
        self._journal.clear_landmarks()
        self._journal.bind(*self._names)
        self._verified_at = self._clock.now().timestamp()

    @property
    def _names(self) -> tuple[str, str]:
        digest = hashlib.blake2b(self._connection.key.encode(), digest_size=16)
        return self._connection.url, digest.hexdigest()

    async def _look(self, reader: Reader) -> None:
        """Look up records until one is found that identifies the organisation.

        Raises AnotherTarget if there is none.
        """
        known = self._journal.landmarks()
        # People may have deleted the landmarks in Upflow, so other records are tried after them.
        wanted = list(dict.fromkeys([*known, *self._journal.some_acknowledged()]))
        found, gone = False, []
        for key in wanted:
            entity = BY_NAME[key[0]]
            record = await reader.find(external_path(entity, key[1]), entity)
            id = str(record.get("id") or "") if record else ""
            if not id:
                gone.append(key)
                continue
            # Another organisation may have the same external ids, but never the same API ids.
            found = known.get(key, id) == id
            if key not in known and self._journal.lacks_landmarks:
                self._journal.keep_landmark(key, id)
            break
        if wanted and not found:
            raise AnotherTarget(self._refusal(wanted))
        self._journal.drop_landmarks(key for key in gone if key in known)

    def _refusal(self, missing: list[Key]) -> str:
        entity, external_id = missing[0]
        target = self._journal.target()
        url = self._connection.url
        before = f", which was sent to {target.url}" if target and target.url != url else ""
        return (
            f"{url} lacks the records of this journal, such as {entity.replace('_', ' ')} "
            f"{external_id}{before}: this is another organisation, or one that was emptied. "
            "Nothing was sent. For another organisation, name a `data` folder of its own in "
            "headrace.toml (and run `headrace adopt` if it already has these records). For an "
            "emptied one, run `headrace drift --repair`, then `headrace apply`."
        )


def _is_upflow(url: str) -> bool:
    return urlsplit(url).hostname == urlsplit(UPFLOW_URL).hostname
