"""Threads with a connection each, that serve what is asked in the order of asking."""

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

Greet = Callable[[PostgresConnection], None]
"""What a new connection says first."""
Transaction = Callable[[PostgresConnection, Sequence[Job]], None]
"""Runs jobs, each of which it gives its result or its error."""


class CommitLost(ConnectionLost):
    """The connection broke while a commit was under way: it may have happened."""


class Line:
    """A thread's own connection: made when it is needed, made again when it was lost."""

    def __init__(self, url: str, greet: Greet | None = None) -> None:
        self._url = url
        self._greet = greet
        self._db: PostgresConnection | None = None

    def serve(self, jobs: Sequence[Job], transaction: Transaction) -> None:
        """Run a transaction over `jobs`; what befalls it as a whole is told to each.

        When the connection is lost before the commit, it runs a second time on a new one.
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
                # Whatever it was, the transaction is gone with the connection, and the thread
                # has to go on.
                problem = translated(error)
                self.close()
                break
        for job in jobs:
            job.error = problem

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

    def _connected(self) -> PostgresConnection:
        if self._db is None:
            db = PostgresConnection(self._url)
            if self._greet is not None:
                self._greet(db)
            self._db = db
        return self._db


class Lane:
    """So many threads behind one queue; what waits is served together, up to a number."""

    def __init__(
        self,
        url: str,
        transaction: Transaction,
        *,
        threads: int = 1,
        together: int = 1,
        greet: Greet | None = None,
    ) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._transaction = transaction
        self._together = together
        self._threads = [
            threading.Thread(target=self._loop, args=(Line(url, greet),), daemon=True)
            for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, run: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Queue `run(db, *arguments)`."""
        job = new_job(run, arguments)
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, and end the connections."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self, line: Line) -> None:
        while (first := self._jobs.get()) is not None:
            group = [first, *self._waiting()]
            line.serve(group, self._transaction)
            hand_back(group)
            if self._jobs.empty():
                line.rest()
        line.close()

    def _waiting(self) -> list[Job]:
        found: list[Job] = []
        while len(found) < self._together - 1:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            found.append(job)
        return found


def translated(error: Exception) -> Exception:
    """What the sender of a request is told: of what the database refuses, whether it may succeed
    later; of anything else, the error itself."""
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
