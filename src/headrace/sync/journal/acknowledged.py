"""The journal's section of acknowledged records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import duckdb

from headrace.model.repeated import run
from headrace.sync.journal.records import Acknowledged, Acknowledgement, Adopted, Key
from headrace.sync.journal.statements import MIRROR, SQLITE
from headrace.sync.journal.target import TargetSection

_KEY = "(hash(entity::varchar, external_id::varchar) >> 1)::bigint"
_DOUBT = (
    "create schema if not exists memory.book; "
    "create table if not exists memory.book.doubtful (key bigint); "
    "insert into memory.book.doubtful "
)
_DOUBT_NEWS = f"{_DOUBT} select {_KEY} from news"
_DOUBT_ALL = f"{_DOUBT} values (null)"


class AcknowledgedSection(TargetSection):
    """Acknowledged records. Each write has a change number, so a reader can ask for later ones."""

    def load_into(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring `staging.acknowledged` (entity, external_id, key, fingerprint) up to date.

        Reads the changes since the last time, or everything if the book has no copy or one of
        another journal. Adds the keys of what it read to `book.doubtful`.
        """
        identity, last = self.position()
        run(
            connection,
            "create table if not exists staging.acknowledged (entity varchar, external_id varchar, "
            "key bigint, fingerprint bigint); "
            "create table if not exists staging.acknowledged_state "
            "(journal varchar, change bigint); "
            # Earlier versions kept the same copy under these names.
            "drop table if exists staging.told; drop table if exists staging.told_state",
        )
        state = run(connection, "from staging.acknowledged_state").fetchall()
        seen = state[0][1] if state and state[0][0] == identity else -1
        if seen == last:
            return
        self._db.scan(
            connection,
            SQLITE["news"].format(seen=seen),
            "create or replace temp table news as "
            "select entity, external_id, fingerprint, gone = 1 as gone from stream",
        )
        # Before it is true, and apart: a transaction of DuckDB writes to one file.
        run(connection, _DOUBT_ALL if seen < 0 else _DOUBT_NEWS)
        run(connection, "begin")
        if seen < 0:
            run(connection, "delete from staging.acknowledged")
        run(connection, MIRROR)
        run(connection, "delete from staging.acknowledged_state")
        run(connection, "insert into staging.acknowledged_state values ($1, $2)", [identity, last])
        run(connection, "commit; drop table news")

    def position(self) -> tuple[str, int]:
        """Return (identity of the journal, last change number).

        It stays the same as long as nothing is acknowledged.
        """
        return self._identity, self._last_change()

    def count(self) -> dict[str, int]:
        """Return the number of records per entity that the API has or may have."""
        return dict(self._db.run("count").fetchall())

    def acknowledged(self, keys: Sequence[Key]) -> dict[Key, Acknowledged]:
        """Return what the API acknowledged of these records."""
        rows = self._db.run("acknowledged", (json.dumps(keys),))
        return {
            (e, x): Acknowledged(hash, payload, customer) for e, x, hash, payload, customer in rows
        }

    def customers_of(self, keys: Sequence[Key]) -> list[tuple[str, str, str]]:
        """Return (entity, external id, customer) of those of these records that the API has."""
        rows: list[tuple[str, str, str]] = self._db.run(
            "customers_at_api", (json.dumps(keys),)
        ).fetchall()
        return rows

    def documents_of(self, customers: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return (entity, external id, customer) of these customers' documents at the API."""
        rows: list[tuple[str, str, str]] = self._db.run(
            "documents_of", (json.dumps(list(customers)),)
        ).fetchall()
        return rows

    def acknowledge(self, records: Iterable[Acknowledgement]) -> None:
        """Record acknowledgements, with the next flush."""
        now = self._clock.now().timestamp()
        for record in records:
            self._write(record, now)

    def _write(self, record: Acknowledgement, now: float) -> None:
        key = (record.entity, record.external_id)
        run = self._db.later
        if record.hash is None:
            self._forget(key)
            self._forget((f"{record.entity}_pdf", record.external_id))
        else:
            run("drop_asked", key)
            if record.id and record.entity == "customer" and self.lacks_landmarks:
                self.keep_landmark(key, record.id)
            run(
                "apply",
                (
                    *key,
                    record.fingerprint,
                    record.hash,
                    record.customer,
                    now,
                    self.run_id,
                    self._next_change(),
                ),
            )
            if self._keep_payloads and record.payload is not None:
                run("keep_payload", (*key, record.payload))
        if key in self._troubled():
            run("drop_reject", key)
            run("drop_drift", key)
            run("drop_failing", key)
        action = record.action if record.hash is not None else "delete"
        run("note_sent", (self.run_id, now, *key, action, None))

    def _forget(self, key: Key) -> None:
        run = self._db.later
        if key in self.landmarks():
            self._drop_landmark(key)
        run("forget", (self._next_change(), *key))
        run("unapply", key)
        run("drop_payload", key)
        run("drop_asked", key)

    def forget(self, keys: Iterable[Key]) -> None:
        """Remove records that left the source and need not be deleted at the API."""
        for key in keys:
            self._forget(key)
        self.flush()

    def adopt(self, records: Iterable[Adopted]) -> None:
        """Record what the API already had, in one transaction."""
        now = self._clock.now().timestamp()
        noted = list(records)
        with self._db.transaction():
            self._db.run_all(
                "apply",
                (
                    (
                        one.entity,
                        one.external_id,
                        one.fingerprint,
                        one.hash,
                        one.customer,
                        now,
                        self.run_id,
                        self._next_change(),
                    )
                    for one in noted
                ),
            )
            if self._keep_payloads:
                self._db.run_all(
                    "keep_payload",
                    (
                        (one.entity, one.external_id, one.payload)
                        for one in noted
                        if one.payload is not None
                    ),
                )

    def refresh(self, fingerprints: Iterable[tuple[int | None, str, str]]) -> None:
        """Set (fingerprint, entity, external id) of records whose payload did not change."""
        with self._db.transaction():
            self._db.run_all(
                "refresh", ((mark, self._next_change(), *key) for mark, *key in fingerprints)
            )

    def send_again(self, keys: Iterable[Key]) -> None:
        """Make the next plan send these records, whatever the API acknowledged before."""
        with self._db.transaction():
            self._db.run_all("send_again", ((b"", self._next_change(), *key) for key in keys))
