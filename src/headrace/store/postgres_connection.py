"""A connection to PostgreSQL as store functions use it: prepared, pipelined, by libpq itself.

A statement is queued and goes out when somebody asks for rows, together with all that was queued
before it. So a group of statements costs as many round trips as there are answers that are needed
to go on; a change costs none of its own. An error of a queued statement is raised where the next
answer is asked for, at the latest by `settle`. psycopg's cursors take three times the CPU for a
point read, and more in their own pipeline mode.
"""

from __future__ import annotations

import contextlib
import select
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.model.errors import ConfigurationError
from headrace.store.postgres_dialect import numbered

try:
    import psycopg
    from psycopg.adapt import Loader, Transformer
    from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
    from psycopg import Error as DatabaseError
except ImportError:
    psycopg = None  # type: ignore[assignment]
    Loader = object  # type: ignore[assignment,misc]

    class DatabaseError(Exception):  # type: ignore[no-redef]
        """Never raised where the driver is missing."""


_SETTINGS = {
    "application_name": "headrace",
    "client_encoding": "utf-8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # The server finds a hub that is gone without a word within a minute, and frees what it held.
    "options": "-c jit=off -c idle_in_transaction_session_timeout=60s -c tcp_keepalives_idle=30 "
    "-c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}


class ConnectionLost(Exception):
    """The connection broke, or could not be made; what was not committed is not stored."""


class _WholeNumber(Loader):
    """`sum` of whole numbers comes as numeric."""

    def load(self, data: Any) -> int:
        return int(bytes(data))


class PostgresCursor:
    """The rows of one statement; waits for the server when they are asked for."""

    __slots__ = ("_at", "_db", "_result", "_rows")

    def __init__(self, db: PostgresConnection) -> None:
        self._db = db
        self._result: Any = None
        self._rows: list[Any] | None = None
        self._at = 0

    @property
    def rowcount(self) -> int:
        """Rows that the statement changed."""
        return int(self._settled().command_tuples or 0)

    def fetchone(self) -> Any:
        rows = self._loaded()
        if self._at >= len(rows):
            return None
        self._at += 1
        return rows[self._at - 1]

    def fetchall(self) -> list[Any]:
        rows = self._loaded()
        rest = rows[self._at :] if self._at else rows
        self._at = len(rows)
        return rest

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def take(self, result: Any) -> None:
        """Keep what the server answered."""
        self._result = result

    def _settled(self) -> Any:
        if self._result is None:
            self._db.settle()
        return self._result

    def _loaded(self) -> list[Any]:
        if self._rows is None:
            self._rows = self._db.load(self._settled())
        return self._rows


class PostgresConnection:
    """One connection, in autocommit mode: transactions are begun and ended by statements."""

    def __init__(self, url: str) -> None:
        """Raises ConnectionLost when there is no server, ConfigurationError on a wrong URL."""
        self._connection = _connect(url)
        self._pg: Any = self._connection.pgconn
        self._connection.adapters.register_loader("numeric", _WholeNumber)
        self._loader = Transformer(self._connection)
        self._prepared: dict[str, bytes] = {}
        self._names = 0
        self._queued: list[PostgresCursor | str] = []
        """What went out since the last sync: a cursor, or the statement that is prepared."""
        self._expected: deque[list[PostgresCursor | str]] = deque()
        """What the server still has to answer, by sync."""
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._pg.enter_pipeline_mode()

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> PostgresCursor:
        """Queue one statement; placeholders are `?`."""
        name = self._prepared.get(statement) or self._prepare(statement)
        cursor = PostgresCursor(self)
        values = [None if value is None else _written(value) for value in parameters]
        try:
            self._pg.send_query_prepared(name, values)
        except psycopg.OperationalError as error:
            raise ConnectionLost(_first_line(error)) from None
        self._queued.append(cursor)
        return cursor

    def send(self) -> None:
        """Let go what is queued, without waiting for its answers."""
        if self._queued:
            try:
                self._pg.pipeline_sync()
            except psycopg.OperationalError as error:
                raise ConnectionLost(_first_line(error)) from None
            self._expected.append(self._queued)
            self._queued = []

    def settle(self) -> None:
        """Have everything answered; raises the first error of what was queued, or ConnectionLost.

        After an error the transaction can only be rolled back, to a savepoint or altogether.
        """
        self.send()
        problem: Exception | None = None
        while self._expected:
            found = self._receive(self._expected.popleft())
            problem = problem or found
        if problem is not None:
            raise problem

    def load(self, result: Any) -> list[Any]:
        """A result's rows as tuples."""
        rows = result.ntuples
        if not rows:
            return []
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, rows, tuple)

    @property
    def in_transaction(self) -> bool:
        """Whether the server is within a transaction, by what it has answered so far."""
        return bool(self._pg.transaction_status != TransactionStatus.IDLE)

    def close(self) -> None:
        """Safe to call on a connection that is lost."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _prepare(self, statement: str) -> bytes:
        self._names += 1
        name = b"s%d" % self._names
        try:
            self._pg.send_prepare(name, numbered(statement).encode())
        except psycopg.OperationalError as error:
            raise ConnectionLost(_first_line(error)) from None
        self._queued.append(statement)
        self._prepared[statement] = name
        return name

    def _receive(self, batch: list[PostgresCursor | str]) -> Exception | None:
        """The answers up to one sync; gives the first error among them."""
        problem: Exception | None = None
        for entry in batch:
            result = self._next()
            if result is None:
                raise ConnectionLost("the server closed the connection")
            good = result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
            if isinstance(entry, str):
                if not good:
                    # It failed, or was passed over for an error before it: not prepared then.
                    del self._prepared[entry]
            else:
                entry.take(result)
            if not good and problem is None:
                problem = self._problem(result)
            self._next()  # the end of this statement's results
        self._next()  # the sync
        return problem

    def _next(self) -> Any:
        pg = self._pg
        try:
            while pg.is_busy():
                self._poll.poll()
                pg.consume_input()
            return pg.get_result()
        except psycopg.OperationalError as error:
            raise ConnectionLost(_first_line(error)) from None

    def _problem(self, result: Any) -> Exception:
        error = psycopg.errors.error_from_result(result)
        if self._pg.status == ConnStatus.BAD:
            return ConnectionLost(_first_line(error))
        return error


_PASSING = ("40", "53", "57", "58", "25006")
"""SQLSTATEs that start so: a conflict, no space or memory, an operator, the system, read-only."""


def is_passing(error: DatabaseError) -> bool:
    """Whether the same statement may succeed later, with the same data."""
    return (getattr(error, "sqlstate", None) or "").startswith(_PASSING)


def _connect(url: str) -> Any:
    if psycopg is None:
        raise ConfigurationError("PostgreSQL needs: pip install 'headrace[postgres]'.")
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(f"The database's URL can't be read: {error}.") from None
    options = f"{_SETTINGS['options']} {given.get('options') or ''}".strip()
    settings = {**_SETTINGS, **given, "options": options, "client_encoding": "utf-8"}
    try:
        return psycopg.connect(**settings, autocommit=True)
    except psycopg.OperationalError as error:
        raise ConnectionLost(_first_line(error)) from None


def _written(value: Any) -> bytes:
    """A parameter as PostgreSQL reads it."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("PostgreSQL's text can't hold the character NUL")
        return value.encode()
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"a parameter is text, a whole number or None, not {type(value).__name__}")


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
