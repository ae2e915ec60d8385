"""The journal: what the API was told and acknowledged, what it refused, and every run.

It is the truth that plans are made against. A record is written when the API acknowledged it and
before the next operation of its customer starts, so after a crash at any instant the journal is
never ahead of the API and behind it by at most what was in flight.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_sqlite
import duckdb
import msgspec
from msgspec import Struct

from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError

_VERSION = 1
_SCHEMA, _MIRROR = (
    resources.files("headrace.sync").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    for name in ("journal", "mirror")
)

Fields = list[tuple[str, str, str]]
Key = tuple[str, str]
"""(entity, external id)."""


class Told(Struct, frozen=True):
    """What the API acknowledged of one record."""

    hash: bytes
    payload: bytes | None
    customer: str


class Acknowledged(Struct, frozen=True):
    """One record as the API has just taken it; `hash` None when it was deleted."""

    entity: str
    external_id: str
    customer: str
    fingerprint: int | None
    hash: bytes | None
    payload: bytes | None


class Reject(Struct, frozen=True):
    """A record that the API refused, with its own sentence."""

    entity: str
    external_id: str
    fingerprint: int | None
    status: int
    message: str
    payload: bytes | None = None
    rejected_at: float = 0.0
    ignored: bool = False
    """Whether a person said that it need not be told of any more."""


class Drift(Struct, frozen=True):
    """A record that the API took and keeps otherwise; `fields` are (name, sent, kept)."""

    entity: str
    external_id: str
    fields: list[tuple[str, str, str]]
    found_at: float = 0.0

    @property
    def said(self) -> str:
        """The first field in words, and how many more."""
        name, sent, kept = self.fields[0]
        more = f" and {len(self.fields) - 1} more" if len(self.fields) > 1 else ""
        return f"the API keeps {name} {kept or 'empty'} instead of {sent or 'empty'}{more}"


class Run(Struct, frozen=True):
    """One run of `apply`; times in seconds since 1970, UTC."""

    id: int
    command: str
    started_at: float
    ended_at: float | None
    outcome: str | None
    planned: int
    sent: int
    rejected: int
    open_left: int


class Journal:
    """One organisation's journal in a SQLite file; readable by others while it is written."""

    def __init__(self, path: Path, clock: Clock, keep_payloads: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        self._keep_payloads = keep_payloads
        # One user at a time, though not always on the thread that opened it.
        self._db = sqlite3.connect(
            path, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        self._db.execute("pragma journal_mode = wal")
        # A power cut may lose the newest acknowledgements: they are sent again, never lost.
        self._db.execute("pragma synchronous = normal")
        version = self._db.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise ConfigurationError(
                f"{path} was written by a newer headrace (journal version {version}, this one "
                f"knows {_VERSION}): update headrace."
            )
        self._db.executescript(_SCHEMA)
        self._db.execute(f"pragma user_version = {_VERSION}")
        self._db.execute(
            "insert into identity select lower(hex(randomblob(16))) "
            "where not exists (select 1 from identity)"
        )
        self._identity = str(self._db.execute("select id from identity").fetchone()[0])
        self._change = self._last_change()
        self.run_id = 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    # what the API has ------------------------------------------------------------------------

    def load_into(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Brings the book's `staging.told` (entity, external_id, key, fingerprint) up to date.

        Reads what changed since the last time, or everything when the book has seen none or
        another journal.
        """
        identity, last = self._identity, self._last_change()
        connection.execute(
            "create table if not exists staging.told (entity varchar, external_id varchar, "
            "key bigint, fingerprint bigint); "
            "create table if not exists staging.told_state (journal varchar, change bigint)"
        )
        state = connection.execute("from staging.told_state").fetchall()
        seen = state[0][1] if state and state[0][0] == identity else -1
        if seen == last:
            return
        _scan(
            connection,
            self.path,
            "select entity, external_id, fingerprint, 0 as gone from applied "
            f"where change > {seen} union all "
            f"select entity, external_id, null, 1 from forgotten where change > {seen}",
            "create or replace temp table news as "
            "select entity, external_id, fingerprint, gone = 1 as gone from stream",
        )
        connection.execute("begin")
        if seen < 0:
            connection.execute("delete from staging.told")
        connection.execute(_MIRROR)
        connection.execute("delete from staging.told_state")
        connection.execute("insert into staging.told_state values ($1, $2)", [identity, last])
        connection.execute("commit; drop table news")

    def _last_change(self) -> int:
        row = self._db.execute(
            "select max((select coalesce(max(change), 0) from applied), "
            "(select coalesce(max(change), 0) from forgotten))"
        ).fetchone()
        return int(row[0])

    def position(self) -> tuple[str, int]:
        """(which journal, its last change): the same as long as nothing was acknowledged."""
        return self._identity, self._last_change()

    def count(self) -> dict[str, int]:
        """Acknowledged records per entity."""
        return dict(self._db.execute("select entity, count(*) from applied group by entity"))

    def told(self, keys: Sequence[Key]) -> dict[Key, Told]:
        """What the API acknowledged of these records."""
        rows = self._db.execute(
            "select a.entity, a.external_id, a.hash, p.payload, a.customer "
            "from json_each(?) as k join applied as a "
            "on a.entity = k.value ->> 0 and a.external_id = k.value ->> 1 "
            "left join payloads as p on p.entity = a.entity and p.external_id = a.external_id",
            (json.dumps(keys),),
        )
        return {(e, x): Told(hash, payload, customer) for e, x, hash, payload, customer in rows}

    def documents_of(self, customers: Sequence[str]) -> list[tuple[str, str, str]]:
        """(entity, external id, customer) of the documents that the API has of these customers."""
        return self._db.execute(
            "select entity, external_id, customer from applied "
            "where customer in (select value from json_each(?)) "
            "and entity in ('invoice', 'credit_note', 'payment', 'refund')",
            (json.dumps(list(customers)),),
        ).fetchall()

    def acknowledge(self, records: Iterable[Acknowledged]) -> None:
        """Records what the API took, in one transaction."""
        now = self._clock.now().timestamp()
        with self._transaction():
            for record in records:
                self._write(record, now)

    def _next_change(self) -> int:
        self._change += 1
        return self._change

    def _write(self, record: Acknowledged, now: float) -> None:
        key = (record.entity, record.external_id)
        execute = self._db.execute
        change = self._next_change()
        if record.hash is None:
            self._forget(change, key)
            self._forget(self._next_change(), (f"{record.entity}_pdf", record.external_id))
        else:
            execute(
                "insert or replace into applied values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *key,
                    record.fingerprint,
                    record.hash,
                    record.customer,
                    now,
                    self.run_id,
                    change,
                ),
            )
            if self._keep_payloads and record.payload is not None:
                execute("insert or replace into payloads values (?, ?, ?)", (*key, record.payload))
        execute("delete from rejects where entity = ? and external_id = ?", key)
        execute("delete from drifts where entity = ? and external_id = ?", key)
        execute("insert into answers values (?)", (now,))
        execute("update runs set sent = sent + 1 where id = ?", (self.run_id,))

    def _forget(self, change: int, key: Key) -> None:
        self._db.execute("insert into forgotten values (?, ?, ?)", (change, *key))
        for table in ("applied", "payloads"):
            self._db.execute(f"delete from {table} where entity = ? and external_id = ?", key)

    def forget(self, keys: Iterable[Key]) -> None:
        """What the source no longer has and the API need not be told of."""
        with self._transaction():
            for key in keys:
                self._forget(self._next_change(), key)

    def adopt(self, records: Iterable[tuple[str, str, int | None, bytes, str]]) -> None:
        """Notes (entity, external id, fingerprint, hash, customer) as known to the API already."""
        now = self._clock.now().timestamp()
        with self._transaction():
            self._db.executemany(
                "insert or replace into applied values (?, ?, ?, ?, ?, ?, ?, ?)",
                ((*record, now, self.run_id, self._next_change()) for record in records),
            )

    def refresh(self, fingerprints: Iterable[tuple[int | None, str, str]]) -> None:
        """Sets (fingerprint, entity, external id) of records whose payload did not change."""
        with self._transaction():
            self._db.executemany(
                "update applied set fingerprint = ?, change = ? "
                "where entity = ? and external_id = ?",
                ((mark, self._next_change(), *key) for mark, *key in fingerprints),
            )

    # what it keeps otherwise -----------------------------------------------------------------

    def mark_drifted(self, drifts: Iterable[Drift]) -> None:
        """Notes that the API keeps records otherwise than they were told."""
        now = self._clock.now().timestamp()
        with self._transaction():
            for drift in drifts:
                key = (drift.entity, drift.external_id)
                self._db.execute(
                    "insert or replace into drifts values (?, ?, ?, ?, ?)",
                    (*key, msgspec.json.encode(drift.fields), now, self.run_id),
                )

    def replace_drifts(self, drifts: Sequence[Drift]) -> None:
        """Notes these, found by looking at everything, in place of what was known before."""
        self._db.execute("delete from drifts")
        self.mark_drifted(drifts)

    def drifts(self) -> list[Drift]:
        """Every record that is known to be kept otherwise."""
        return [
            Drift(entity, external_id, msgspec.json.decode(fields, type=Fields), found_at)
            for entity, external_id, fields, found_at in self._db.execute(
                "select entity, external_id, fields, found_at from drifts "
                "order by found_at, entity, external_id"
            )
        ]

    def send_again(self, keys: Iterable[Key]) -> None:
        """Lets the next plan send these records, whatever it was told of them before."""
        with self._transaction():
            self._db.executemany(
                "update applied set fingerprint = null, hash = x'', change = ? "
                "where entity = ? and external_id = ?",
                ((self._next_change(), *key) for key in keys),
            )

    # what it refused -------------------------------------------------------------------------

    def reject(self, reject: Reject) -> None:
        """Keeps a refusal until the record is acknowledged or its row changes."""
        now = self._clock.now().timestamp()
        with self._transaction():
            self._db.execute(
                "insert or replace into rejects values (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    reject.entity,
                    reject.external_id,
                    reject.fingerprint,
                    reject.status,
                    reject.message,
                    reject.payload if self._keep_payloads else None,
                    now,
                    self.run_id,
                ),
            )
            self._db.execute("insert into answers values (?)", (now,))
            self._db.execute("update runs set rejected = rejected + 1 where id = ?", (self.run_id,))

    def rejects(self) -> list[Reject]:
        """Every refusal that stands."""
        return [
            msgspec.structs.replace(Reject(*row[:-1]), ignored=bool(row[-1]))
            for row in self._db.execute(
                "select entity, external_id, fingerprint, status, message, payload, rejected_at, "
                "ignored from rejects order by rejected_at, entity, external_id"
            )
        ]

    def ignore_rejects(self, keys: Iterable[Key]) -> None:
        """Keeps these refusals to itself, until their rows change."""
        with self._transaction():
            self._db.executemany(
                "update rejects set ignored = 1 where entity = ? and external_id = ?", list(keys)
            )

    def drop_rejects(self, keys: Iterable[Key]) -> None:
        """Forgets the refusals of these records."""
        with self._transaction():
            self._db.executemany(
                "delete from rejects where entity = ? and external_id = ?", list(keys)
            )

    def clear_rejects(self) -> None:
        """Forgets the refusals, so that the next plan tries them again."""
        self._db.execute("delete from rejects")

    # runs ------------------------------------------------------------------------------------

    def begin_run(self, command: str, planned: int, open_items: int) -> int:
        """Notes that a run starts; returns its number."""
        cursor = self._db.execute(
            "insert into runs (command, started_at, planned, open_left) values (?, ?, ?, ?)",
            (command, self._clock.now().timestamp(), planned, open_items),
        )
        self.run_id = int(cursor.lastrowid or 0)
        return self.run_id

    def end_run(self, outcome: str, latency: float | None) -> None:
        """Notes how the run ended: `done`, `interrupted` or why it stopped.

        `latency` is the mean seconds of an answer; the next plan's times are computed with it.
        """
        self._db.execute(
            "update runs set ended_at = ?, outcome = ?, latency = ? where id = ?",
            (self._clock.now().timestamp(), outcome, latency, self.run_id),
        )

    def note_latency(self, seconds: float) -> None:
        """Notes what one answer took; a run's own mean counts more."""
        with self._transaction():
            self._db.execute("delete from tried")
            self._db.execute("insert into tried values (?)", (seconds,))

    def latency(self) -> float | None:
        """Mean seconds of an answer in the last run that got one, else in the last try."""
        row = self._db.execute(
            "select latency from (select latency, id from runs where latency is not null "
            "union all select latency, 0 from tried) order by id desc limit 1"
        ).fetchone()
        return float(row[0]) if row else None

    def runs(self, limit: int = 10) -> list[Run]:
        """The newest runs first."""
        return [
            Run(*row)
            for row in self._db.execute(
                "select id, command, started_at, ended_at, outcome, planned, sent, rejected, "
                "open_left from runs order by id desc limit ?",
                (limit,),
            )
        ]

    # what its people made there --------------------------------------------------------------

    def remember(self, directory: bytes) -> None:
        """Keeps the API's names, for plans that are made while it can't be asked."""
        with self._transaction():
            self._db.execute("delete from directory")
            self._db.execute("insert into directory values (?)", (directory,))

    def remembered(self) -> bytes | None:
        """The names that were kept last."""
        row = self._db.execute("select content from directory").fetchone()
        return bytes(row[0]) if row else None

    def answered(self) -> None:
        """Notes an answer that changed nothing, for it counts at the server all the same."""
        self._db.execute("insert into answers values (?)", (self._clock.now().timestamp(),))

    def recent_answers(self, window: float) -> list[float]:
        """Ages in seconds of the answers within the window; older ones are forgotten."""
        now = self._clock.now().timestamp()
        self._db.execute("delete from answers where at < ?", (now - window,))
        return [now - at for (at,) in self._db.execute("select at from answers")]

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _scan(connection: duckdb.DuckDBPyConnection, path: Path, query: str, create: str) -> None:
    """Runs `create` with the SQLite query's rows as the Arrow stream that it names `stream`."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    with (
        adbc_driver_manager.AdbcDatabase(driver=adbc_driver_sqlite._driver_path(), uri=uri) as base,
        adbc_driver_manager.AdbcConnection(base) as session,
        adbc_driver_manager.AdbcStatement(session) as statement,
    ):
        statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
        statement.set_sql_query(query)
        stream, _ = statement.execute_query()  # DuckDB finds it by its name
        connection.execute(create)
        del stream
