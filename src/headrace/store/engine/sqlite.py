"""The SQLite engine: one writer thread with group commit, and readers that never wait for it.

A write is a plain function `fn(db, ...)`. Each runs in its own savepoint, so a refused write does
not affect the others in its group. Its result is returned after the group's commit, which
`synchronous=FULL` has flushed to disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from headrace.model.errors import ConfigurationError, ServiceUnavailable
from headrace.store.engine.jobs import Job, hand_back, new_job
from headrace.store.engine.turn_reader import TurnReader
from headrace.store.migrations import migrate

T = TypeVar("T")

_GROUP_MAX = 256
_BUSY_TIMEOUT_S = 10.0
_WRITER_CACHE_KB = 24_000
_READER_CACHE_KB = 16_000
_POOL_CACHE_KB = 8_000
_CHECKPOINT_PAGES = 4_000


def connect(path: Path, cache_kb: int = _READER_CACHE_KB) -> sqlite3.Connection:
    """Open a connection in autocommit mode; transactions are begun and ended by statements.

    Raises ConfigurationError when the file can't be opened or is not a SQLite database.
    """
    try:
        db = sqlite3.connect(
            path,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        db.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} can't be opened as the hub's database: {error}."
        ) from None
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute(f"PRAGMA cache_size=-{cache_kb}")
    db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    return db


def transact(db: sqlite3.Connection, run: Callable[..., T], *arguments: Any) -> T:
    """Run one store function in its own write transaction, on the calling thread."""
    db.execute("BEGIN IMMEDIATE")
    try:
        result = run(db, *arguments)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return result


def rewrite(path: Path) -> bool:
    """Rewrite the file so that no deleted data remains in it, also while a hub serves it.

    Returns False when another reader kept part of the write-ahead log from being truncated.
    """
    db = connect(path)
    try:
        db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.execute("VACUUM")
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.close()
    return not busy


class SqliteStore:
    """A database file opened by a process that serves it; `close` finishes the work in progress."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open, create or migrate `path`.

        With `durable=False` a power cut may lose or corrupt the file; use it for data that ends
        with the process. Raises ConfigurationError on a database of a newer version, and as
        `connect` does.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._writer = connect(path, _WRITER_CACHE_KB)
        if not durable:
            self._writer.execute("PRAGMA synchronous=OFF")
        transact(self._writer, migrate)
        self._reader = TurnReader(connect(path))
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_loop, name="hub-writer", daemon=True)
        self._thread.start()
        self._local = threading.local()
        self._pool_readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(2, "hub-reader")

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        job = new_job(run, arguments)
        self._jobs.put(job)
        return job.future

    async def read(self, run: Callable[..., T], *arguments: Any) -> T:
        return self._reader.read(run, *arguments)

    def read_now(self, run: Callable[..., T], *arguments: Any) -> T:
        """Like `read`, without awaiting."""
        return self._reader.read(run, *arguments)

    async def scan(self, run: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._scan, run, arguments)

    def changes(self) -> int:
        """Return a number that changes with every commit, of this process or another."""
        return self._reader.changes()

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        self._pool.shutdown()
        self._reader.close()
        for db in (*self._pool_readers, self._writer):
            db.close()

    def _scan(self, run: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._path, _POOL_CACHE_KB)
            self._pool_readers.append(db)
        return _read(db, run, arguments)

    def _write_loop(self) -> None:
        going = True
        while going:
            group = [self._jobs.get()]
            # Group commit. A commit costs one flush to disk, a few milliseconds on common hardware,
            # whether it holds one write or a hundred. So the loop takes everything that queued up
            # during the last commit and commits it together. Example: with a flush of 5 ms and 100
            # concurrent imports, one commit for each would allow 200 imports per second; groups of
            # 100 allow up to 20,000. No timer is needed: a single write starts at once, and a group
            # grows just as large as the disk is slow.
            while len(group) < _GROUP_MAX and group[-1] is not None:
                try:
                    group.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            jobs = [job for job in group if job is not None]
            going = group[-1] is not None
            if jobs:
                self._write_group(jobs)

    def _write_group(self, jobs: list[Job]) -> None:
        db = self._writer
        try:
            db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                _run_in_savepoint(db, job)
            db.execute("COMMIT")
        except Exception as error:
            # Nothing of the group is stored, whatever the error was. The thread must keep running:
            # all later writes depend on it.
            with contextlib.suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            for job in jobs:
                job.error = ServiceUnavailable(
                    f"The hub's database can't be written ({error}): nothing was stored, send the "
                    "request again later."
                )
        hand_back(jobs)


def _read(db: sqlite3.Connection, run: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    db.execute("BEGIN")
    try:
        return run(db, *arguments)
    finally:
        db.execute("COMMIT")


def _run_in_savepoint(db: sqlite3.Connection, job: Job) -> None:
    """Run one write in a savepoint. Its exception becomes the job's error, unless SQLite has
    aborted the whole transaction."""
    db.execute("SAVEPOINT job")
    try:
        job.result = job.run(db, *job.arguments)
    except Exception as error:
        if not db.in_transaction:
            raise sqlite3.OperationalError(str(error)) from error
        db.execute("ROLLBACK TO job")
        job.error = error
    db.execute("RELEASE job")
