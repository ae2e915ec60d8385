"""The PostgreSQL engine: threads with a connection each, writes in groups by organisation.

The promises are those of the SQLite engine. Writes that wait for one organisation share a
transaction, each in a savepoint of its own, under an advisory lock that makes them the only ones
of that organisation in any process. Reads that wait share a snapshot that is taken after the last
of them was asked for, so that each sees what was committed before it.

A connection that is lost is made again. What was under way is run once more, unless it may have
been committed already: then the sender is told so, and repeating it is safe, for imports are.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from headrace.model.errors import ConfigurationError, ServiceUnavailable
from headrace.store.jobs import Job, hand_back, new_job
from headrace.store.migrations import migrate
from headrace.store.postgres_connection import (
    ConnectionLost,
    DatabaseError,
    PostgresConnection,
    is_passing,
)
from headrace.store.postgres_dialect import schema_for_postgres

T = TypeVar("T")

_LOCK = "SELECT pg_advisory_xact_lock(?, ?)"
_LOCK_SPACE = 1_214_603_620
"""Sets our advisory locks apart from those of other programs on the same database."""
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITES_MAX = 32
"""Of a group: PostgreSQL keeps track of 64 savepoints cheaply."""
_READS_MAX = 4


class _CommitLost(ConnectionLost):
    """The connection broke while a commit was under way: it may have happened."""


class Line:
    """A thread's own connection: made when it is needed, made again when it was lost."""

    def __init__(self, url: str, greet: Callable[[PostgresConnection], None] | None = None) -> None:
        self._url = url
        self._greet = greet
        self._db: PostgresConnection | None = None

    def serve(self, jobs: Sequence[Job], transaction: Callable[[PostgresConnection], None]) -> None:
        """Run a transaction that settles `jobs`; what befalls it as a whole is told to each."""
        problem: Exception | None = None
        for _ in range(2):
            try:
                transaction(self.connection())
                return
            except _CommitLost as error:
                problem = _unknown(error)
                self.close()
                break
            except ConnectionLost as error:
                problem = _unreachable(error)
                self.close()
            except DatabaseError as error:
                problem = told(error)
                self.close()
                break
        for job in jobs:
            job.error = problem

    def connection(self) -> PostgresConnection:
        """The connection, open; raises ConnectionLost."""
        if self._db is None:
            self._db = PostgresConnection(self._url)
            if self._greet is not None:
                self._greet(self._db)
        return self._db

    def rest(self) -> None:
        """Let go what is queued: nothing more will come soon."""
        if self._db is not None:
            with contextlib.suppress(ConnectionLost):
                self._db.send()

    def close(self) -> None:
        """End the connection; the next use makes another."""
        if self._db is not None:
            self._db.close()
            self._db = None


class PostgresStore:
    """One database, opened for a process that serves it; `close` ends what is under way."""

    def __init__(self, url: str, *, writers: int = 3, readers: int = 2, scanners: int = 2) -> None:
        """Open and migrate.

        Raises ConfigurationError when there is no such database, or a newer version's.
        """
        self.url = url
        transact(url, migrate, schema_for_postgres)
        self._turns: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._writes: dict[int, deque[Job]] = {}
        """Waiting writes of the organisations that have a turn coming or under way."""
        self._changed = threading.Condition()
        self._reads: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._scans: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads = [
            *(self._start("writer", self._write_loop) for _ in range(writers)),
            *(self._start("reader", self._read_loop, self._reads) for _ in range(readers)),
            *(self._start("scanner", self._read_loop, self._scans) for _ in range(scanners)),
        ]
        self._ends = [*[self._turns] * writers, *[self._reads] * readers, *[self._scans] * scanners]

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        job = new_job(run, arguments)
        with self._changed:
            waiting = self._writes.get(organisation)
            if waiting is None:
                self._writes[organisation] = deque((job,))
                self._turns.put(organisation)
            else:
                waiting.append(job)
        return job.future

    def read(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        job = new_job(run, arguments)
        self._reads.put(job)
        return job.future

    def scan(self, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        job = new_job(run, arguments)
        self._scans.put(job)
        return job.future

    def close(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._writes)
        for end in self._ends:
            end.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self, name: str, run: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=run, args=arguments, name=f"hub-{name}", daemon=True)
        thread.start()
        return thread

    def _write_loop(self) -> None:
        line = Line(self.url)
        while (organisation := self._turns.get()) is not None:
            with self._changed:
                waiting = self._writes[organisation]
                jobs = [waiting.popleft() for _ in range(min(len(waiting), _WRITES_MAX))]
            line.serve(jobs, _Writing(organisation, jobs))
            hand_back(jobs)
            with self._changed:
                if waiting:
                    self._turns.put(organisation)
                else:
                    del self._writes[organisation]
                    self._changed.notify_all()
        line.close()

    def _read_loop(self, jobs: queue.SimpleQueue[Job | None]) -> None:
        line = Line(self.url)
        while (first := jobs.get()) is not None:
            group = [first]
            while len(group) < _READS_MAX:
                try:
                    job = jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    jobs.put(None)
                    break
                group.append(job)
            line.serve(group, _Reading(group))
            hand_back(group)
            if jobs.empty():
                line.rest()
        line.close()


class _Writing:
    """A group of writes of one organisation, as one transaction."""

    def __init__(self, organisation: int, jobs: Sequence[Job]) -> None:
        self._organisation = organisation
        self._jobs = jobs

    def __call__(self, db: PostgresConnection) -> None:
        db.execute("BEGIN")
        db.execute(_LOCK, (_LOCK_SPACE, self._organisation))
        for job in self._jobs:
            _run_in_savepoint(db, job)
        db.settle()
        db.execute("COMMIT")
        try:
            db.settle()
        except ConnectionLost as error:
            raise _CommitLost(str(error)) from None


class _Reading:
    """Reads that share a snapshot."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs

    def __call__(self, db: PostgresConnection) -> None:
        db.execute(_SNAPSHOT)
        for job in self._jobs:
            job.error = None
            try:
                job.result = job.run(db, *job.arguments)
            except ConnectionLost:
                raise
            except DatabaseError as error:
                job.error = told(error)
                db.execute("ROLLBACK")
                db.execute(_SNAPSHOT)
            except Exception as error:
                job.error = error
        db.execute("COMMIT")


def _run_in_savepoint(db: PostgresConnection, job: Job) -> None:
    """Run one write; what it raises is its own, and undoes what it did."""
    job.error = None
    db.execute("SAVEPOINT job")
    try:
        job.result = job.run(db, *job.arguments)
        db.settle()
    except ConnectionLost:
        raise
    except Exception as error:
        job.error = told(error) if isinstance(error, DatabaseError) else error
        with contextlib.suppress(DatabaseError):  # of what it had queued before it gave up
            db.settle()
        db.execute("ROLLBACK TO job")
    db.execute("RELEASE job")


def transact(url: str, run: Callable[..., T], *arguments: Any) -> T:
    """Run one store function in a write transaction and on a connection of its own.

    Raises ConfigurationError when the database can't be reached.
    """
    try:
        db = PostgresConnection(url)
        try:
            db.execute("BEGIN")
            db.execute(_LOCK, (_LOCK_SPACE, 0))
            result = run(db, *arguments)
            db.execute("COMMIT")
            db.settle()
            return result
        finally:
            db.close()
    except ConnectionLost as error:
        raise ConfigurationError(f"The hub's database can't be reached: {error}.") from None


def told(error: DatabaseError) -> Exception:
    """What the sender of a request is told: whether it may succeed later, or that it is ours."""
    if is_passing(error):
        return ServiceUnavailable(
            f"The hub's database can't do it now ({error}): nothing was stored, send the request "
            "again later."
        )
    return error


def _unreachable(error: ConnectionLost) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"The hub's database can't be reached ({error}): nothing was stored, send the request "
        "again later."
    )


def _unknown(error: ConnectionLost) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"The hub's database went away while it stored the request ({error}): it may be stored or "
        "not, send it again later."
    )
