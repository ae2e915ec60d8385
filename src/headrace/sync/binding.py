"""The binding: a journal belongs to one organisation of one API.

What the journal says was told is only true there. Told of another URL or key, or after some time,
it looks a few records up by their external ids: the same ids of the API's own mean the same
organisation; none of them means another one, or one that was emptied.
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
    "Nothing was sent. Look at the plan, then run `headrace apply --yes` or apply a saved plan; it "
    "is asked only once."
)


class Binding:
    """Verified before anything is planned against the journal."""

    def __init__(
        self, journal: Journal, connection: Connection, clock: Clock, sweep: timedelta
    ) -> None:
        """After `sweep`, even what looks the same is looked up again."""
        self._journal = journal
        self._connection = connection
        self._clock = clock
        self._sweep = sweep
        self._verified = False
        self.word = ""
        """What a person should know: that the key or the URL is another one."""

    async def verify(self, always: bool = False) -> None:
        """Raises AnotherTarget, and ApiError when it has to ask and can't. Asks when the URL or
        the key is another one, after each sweep if the API is there, and, once, when it is to
        `always`."""
        if self._verified or not self._journal.count():
            return
        target = self._journal.target()
        same = target is not None and (target.url, target.key) == self._names
        stale = target is None or (
            self._clock.now().timestamp() - target.checked_at >= self._sweep.total_seconds()
        )
        if same and not stale and not always:
            return
        moved = target is not None and not same
        try:
            async with self._connection.reading(ATTEMPTS if moved or always else 1) as reader:
                await self._look(reader)
        except Unreachable:
            if moved or always:
                raise
            return  # nothing suggests another target
        if target is not None and moved:
            what = "URL" if target.url != self._connection.url else "key"
            self.word = f"the {what} is another one, the organisation the same"
        self._journal.bind(*self._names)
        self._verified = True

    @property
    def is_first_in_production(self) -> bool:
        """Whether nothing was ever sent to Upflow itself, which may write to customers."""
        if not _is_upflow(self._connection.url) or self._journal.count():
            return False
        target = self._journal.target()
        return target is None or not _is_upflow(target.url)

    def note(self) -> None:
        """Called before a delivery, perhaps the first."""
        if not self._journal.count():
            self._journal.bind(*self._names)

    def renew(self) -> None:
        """Called after the whole journal was compared with this target."""
        self._journal.clear_landmarks()
        self._journal.bind(*self._names)
        self._verified = True

    @property
    def _names(self) -> tuple[str, str]:
        digest = hashlib.blake2b(self._connection.key.encode(), digest_size=16)
        return self._connection.url, digest.hexdigest()

    async def _look(self, reader: Reader) -> None:
        """Until one record is found as it was: no two organisations have the same ids."""
        known = self._journal.landmarks()
        # People may have deleted those that are known by their ids.
        wanted = list(dict.fromkeys([*known, *self._journal.some_acknowledged()]))
        found, gone = False, []
        for key in wanted:
            entity = BY_NAME[key[0]]
            record = await reader.find(external_path(entity, key[1]), entity)
            id = str(record.get("id") or "") if record else ""
            if not id:
                gone.append(key)
                continue
            # Another organisation may have records of the same names, never of the same ids.
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
        before = f", told to {target.url}" if target and target.url != url else ""
        return (
            f"{url} does not hold what it is said to have, such as {entity.replace('_', ' ')} "
            f"{external_id}{before}: this is another organisation, or "
            "one that was emptied. Nothing was sent. For another one, name a `data` folder of its "
            "own in headrace.toml (and run `headrace adopt` where it has these records); for an "
            "emptied one, run `headrace drift --repair`, then `headrace apply`."
        )


def _is_upflow(url: str) -> bool:
    return urlsplit(url).hostname == urlsplit(UPFLOW_URL).hostname
