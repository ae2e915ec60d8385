"""Worker threads with one PostgreSQL connection each, behind a first-in, first-out queue."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headrace.model.errors import ServiceUnavailable
from headrace.store.engine.jobs import Job, hand_back, new_job
from headrace.store.engine.postgres_connection import (
    ConnectionLost,
    DatabaseError,
    PostgresConnection,
)

T = TypeVar("T")

OnConnect = Callable[[PostgresConnection], None]
"""Runs on each new connection."""
Transaction = Callable[[PostgresConnection, Sequence[Job]], None]
"""Runs jobs and sets the result or the error of each."""


class CommitLost(ConnectionLost):
    """The connection broke during a commit, which may or may not have happened."""


class ThreadConnection:
    """A thread's own connection: opened on first use and reopened after it was lost."""

    def __init__(self, url: str, on_connect: OnConnect | None = None) -> None:
        self._url = url
        self._on_connect = on_connect
        self._db: PostgresConnection | None = None

    def serve(self, jobs: Sequence[Job], transaction: Transaction) -> None:
        """Run a transaction over `jobs`; an error of the whole transaction becomes the error of
        each.

        When the connection is lost before the commit, the transaction runs once more on a new one.
        """
        problem: Exception | None = None
        for _ in range(2):
            try:
                transaction(self._connected(), jobs)
                return
            except CommitLost as error:
                problem = _unknown(error)
                self.close()
                break
            except ConnectionLost as error:
                problem = _unreachable(error)
                self.close()
            except Exception as error:
                # Whatever the error was, the transaction is gone with the connection. The thread
                # must keep running: other jobs depend on it.
                problem = error_for_client(error)
                self.close()
                break
        for job in jobs:
            job.error = problem

    def flush(self) -> None:
        """Send what is still queued, because no further statement will carry it along soon."""
        if self._db is not None:
            with contextlib.suppress(ConnectionLost):
                self._db.send()

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connected(self) -> PostgresConnection:
        if self._db is None:
            db = PostgresConnection(self._url)
            if self._on_connect is not None:
                self._on_connect(db)
            self._db = db
        return self._db


class ConnectionThreads:
    """A number of threads behind one queue; waiting jobs run in groups, up to a maximum size."""

    def __init__(
        self,
        url: str,
        transaction: Transaction,
        *,
        threads: int = 1,
        group_max: int = 1,
        on_connect: OnConnect | None = None,
    ) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._transaction = transaction
        self._group_max = group_max
        self._threads = [
            threading.Thread(
                target=self._loop, args=(ThreadConnection(url, on_connect),), daemon=True
            )
            for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Queue `run(db, *arguments)`."""
        job = new_job(run, arguments)
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then close the connections."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self, connection: ThreadConnection) -> None:
        while (first := self._jobs.get()) is not None:
            group = [first, *self._waiting()]
            connection.serve(group, self._transaction)
            hand_back(group)
            if self._jobs.empty():
                connection.flush()
        connection.close()

    def _waiting(self) -> list[Job]:
        found: list[Job] = []
        while len(found) < self._group_max - 1:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            found.append(job)
        return found


def error_for_client(error: Exception) -> Exception:
    """Return the error to send to the client: ServiceUnavailable for a temporary database error,
    else the error itself."""
    if isinstance(error, DatabaseError) and error.passing:
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
