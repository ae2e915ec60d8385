"""The PostgreSQL engine: threads with one connection each, writes grouped by organisation.

It gives the same guarantees as the SQLite engine. Writes queued for one organisation share a
transaction, each in its own savepoint. An advisory lock serialises the transactions of an
organisation across all processes. Queued reads share a snapshot that is taken after the last of
them was queued, so each sees everything committed before it.

A lost connection is replaced and its work is run once more, unless the commit may already have
happened. In that case the sender gets an error that says so; sending an import again is safe
because imports are idempotent.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from headrace.model.errors import ConfigurationError
from headrace.store.engine.jobs import Job, hand_back, new_job
from headrace.store.engine.postgres_connection import (
    ConnectionLost,
    DatabaseError,
    PostgresConnection,
)
from headrace.store.engine.postgres_dialect import schema_for_postgres
from headrace.store.engine.postgres_statistics import Statistics
from headrace.store.engine.postgres_threads import (
    CommitLost,
    ConnectionThreads,
    OnConnect,
    ThreadConnection,
    error_for_client,
)
from headrace.store.migrations import migrate

T = TypeVar("T")

_LOCK = "SELECT pg_advisory_xact_lock(?, ?)"
LOCK_SPACE = 1_214_603_620
"""Namespace of our advisory locks, apart from those of other programs on the same database."""
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITES_MAX = 32
"""Maximum group size: PostgreSQL tracks up to 64 savepoints cheaply."""
_READS_MAX = 4


class PostgresStore:
    """A database opened by a process that serves it; `close` finishes the work in progress."""

    def __init__(self, url: str, *, writers: int = 3, readers: int = 2, scanners: int = 2) -> None:
        """Open and migrate the database.

        Raises ConfigurationError when it does not exist or has a newer version's schema.
        """
        self._url = url
        transact(url, migrate, schema_for_postgres)
        self._statistics = Statistics(url)
        self._writes: dict[int, deque[Job]] = {}
        """Queued writes of each organisation that has a group scheduled or running."""
        self._turns: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._writers = [
            threading.Thread(target=self._write_loop, daemon=True) for _ in range(writers)
        ]
        for writer in self._writers:
            writer.start()
        self._reads = ConnectionThreads(url, _read_together, threads=readers, group_max=_READS_MAX)
        self._scans = ConnectionThreads(url, _read_together, threads=scanners)

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        job = new_job(run, arguments)
        with self._changed:
            waiting = self._writes.get(organisation)
            if waiting is None:
                self._writes[organisation] = deque((job,))
                self._turns.put(organisation)
            else:
                waiting.append(job)
        return job.future

    def read(self, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return self._reads.submit(run, *arguments)

    def scan(self, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return self._scans.submit(run, *arguments)

    def dedicated_thread(
        self, prepare: Callable[[PostgresConnection], None], on_connect: OnConnect
    ) -> ConnectionThreads:
        """Start a thread with its own connection and transactions; the caller closes it.

        `prepare` runs now, in an exclusive transaction; `on_connect` runs on each new connection.
        """
        transact(self._url, prepare)
        return ConnectionThreads(self._url, _write_alone, on_connect=on_connect)

    def close(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._writes)
        for _ in self._writers:
            self._turns.put(None)
        for writer in self._writers:
            writer.join()
        self._reads.close()
        self._scans.close()
        self._statistics.close()

    def _write_loop(self) -> None:
        connection = ThreadConnection(self._url)
        while (organisation := self._turns.get()) is not None:
            with self._changed:
                waiting = self._writes[organisation]
                jobs = [waiting.popleft() for _ in range(min(len(waiting), _WRITES_MAX))]
            connection.serve(jobs, _Writing(organisation))
            hand_back(jobs)
            self._statistics.count(len(jobs))
            with self._changed:
                if waiting:
                    self._turns.put(organisation)
                else:
                    del self._writes[organisation]
                    self._changed.notify_all()
        connection.close()


class _Writing:
    """A group of writes of one organisation in one transaction."""

    def __init__(self, organisation: int) -> None:
        self._organisation = organisation

    def __call__(self, db: PostgresConnection, jobs: Sequence[Job]) -> None:
        db.execute("BEGIN")
        db.execute(_LOCK, (LOCK_SPACE, self._organisation))
        for job in jobs:
            _run_in_savepoint(db, job)
        _commit(db)


def _run_in_savepoint(db: PostgresConnection, job: Job) -> None:
    """Run one write. If it raises, only its own changes are rolled back."""
    job.error = None
    db.execute("SAVEPOINT job")
    try:
        job.result = job.run(db, *job.arguments)
        db.settle()
    except ConnectionLost:
        raise
    except Exception as error:
        job.error = error_for_client(error)
        with contextlib.suppress(DatabaseError):  # discards what it had queued before it failed
            db.settle()
        db.execute("ROLLBACK TO job")
    db.execute("RELEASE job")


def _write_alone(db: PostgresConnection, jobs: Sequence[Job]) -> None:
    """Run each job in its own transaction."""
    for job in jobs:
        db.execute("BEGIN")
        job.result = job.run(db, *job.arguments)
        _commit(db)


def _commit(db: PostgresConnection) -> None:
    db.settle()
    db.execute("COMMIT")
    try:
        db.settle()
    except ConnectionLost as error:
        raise CommitLost(str(error)) from None


def _read_together(db: PostgresConnection, jobs: Sequence[Job]) -> None:
    """Run all jobs on one snapshot; the end of the transaction is sent along with the next
    statement."""
    db.execute(_SNAPSHOT)
    for job in jobs:
        job.error = None
        try:
            job.result = job.run(db, *job.arguments)
        except ConnectionLost:
            raise
        except DatabaseError as error:
            job.error = error_for_client(error)
            db.execute("ROLLBACK")
            db.execute(_SNAPSHOT)
        except Exception as error:
            job.error = error
    db.execute("COMMIT")


@contextlib.contextmanager
def transactions(url: str) -> Iterator[Callable[..., Any]]:
    """Run store functions one by one, each in its own write transaction, on one connection.

    Raises ConfigurationError when the database can't be reached or the connection is lost.
    """
    with _connected(url) as db:
        yield functools.partial(_transact, db)


@contextlib.contextmanager
def snapshot(url: str) -> Iterator[PostgresConnection]:
    """Open a read-only transaction on one snapshot of the database."""
    with _connected(url) as db:
        db.execute(_SNAPSHOT)
        yield db


@contextlib.contextmanager
def _connected(url: str) -> Iterator[PostgresConnection]:
    try:
        db = PostgresConnection(url)
        try:
            yield db
        finally:
            db.close()
    except ConnectionLost as error:
        raise ConfigurationError(f"The hub's database can't be reached: {error}.") from None


def transact(url: str, run: Callable[..., T], *arguments: Any) -> T:
    """Run one store function as `transactions` does."""
    with transactions(url) as run_alone:
        result: T = run_alone(run, *arguments)
        return result


def _transact(db: PostgresConnection, run: Callable[..., T], *arguments: Any) -> T:
    db.execute("BEGIN")
    try:
        db.execute(_LOCK, (LOCK_SPACE, 0))
        result = run(db, *arguments)
        _commit(db)
    except ConnectionLost:
        raise
    except BaseException:
        with contextlib.suppress(DatabaseError):
            db.settle()
        db.execute("ROLLBACK")
        db.settle()
        raise
    return result
