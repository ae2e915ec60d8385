"""A PostgreSQL connection for store functions: prepared statements, pipelined, directly on libpq.

A statement is queued and sent when rows are needed, together with everything queued before it. A
group of statements therefore costs one round trip per result that is needed to continue; changes
cost none of their own. An error of a queued statement is raised when the next result is needed, at
the latest by `settle`. psycopg's cursors take three times the CPU for a point read, and more in
their own pipeline mode.
"""

from __future__ import annotations

import contextlib
import select
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.model.errors import ConfigurationError
from headrace.model.extras import load_extra
from headrace.store.engine.postgres_dialect import numbered

_SETTINGS = {
    "application_name": "headrace",
    "client_encoding": "utf-8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # Plans are cached, and a plan made while a table was small must still work when it is full: so
    # it has to use the index. Keepalives let the server notice a vanished hub within a minute and
    # release what it held.
    "options": "-c jit=off -c enable_seqscan=off -c idle_in_transaction_session_timeout=60s "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}


_PASSING = ("40", "53", "57", "58", "25006")
"""SQLSTATE prefixes of temporary errors: conflicts, no space or memory, shutdown by an operator,
system errors, read-only."""


class ConnectionLost(Exception):
    """The connection broke or could not be made; nothing uncommitted is stored."""


class DatabaseError(Exception):
    """The server rejected a statement; `sqlstate` holds the reason."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def passing(self) -> bool:
        """Whether the same statement may succeed later with the same data."""
        return self.sqlstate.startswith(_PASSING)


class PostgresCursor:
    """The rows of one statement; blocks on the server when they are fetched."""

    __slots__ = ("_at", "_db", "_result", "_rows")

    def __init__(self, db: PostgresConnection) -> None:
        self._db = db
        self._result: Any = None
        self._rows: list[Any] | None = None
        self._at = 0

    @property
    def rowcount(self) -> int:
        """Number of rows that the statement changed."""
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
        """Store the server's result."""
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
    """A connection in autocommit mode; transactions are begun and ended by statements."""

    def __init__(self, url: str) -> None:
        """Connect. Raises ConnectionLost when the server is unreachable, ConfigurationError on an
        invalid URL."""
        driver = _driver()
        self._connection = _connect(driver, url)
        self._pg = self._connection.pgconn
        self._pq = driver.pq
        self._lost = driver.OperationalError
        self._connection.adapters.register_loader("numeric", driver.types.numeric.IntLoader)
        self._loader = driver.adapt.Transformer(self._connection)
        self._prepared: dict[str, bytes] = {}
        self._names = 0
        self._queued: list[PostgresCursor | str] = []
        """Sent since the last sync: cursors, or statements being prepared."""
        self._expected: deque[list[PostgresCursor | str]] = deque()
        """Results still expected from the server, grouped by sync."""
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
        except self._lost as error:
            raise ConnectionLost(_first_line(error)) from None
        self._queued.append(cursor)
        return cursor

    def send(self) -> None:
        """Send what is queued without waiting for results."""
        if self._queued:
            try:
                self._pg.pipeline_sync()
            except self._lost as error:
                raise ConnectionLost(_first_line(error)) from None
            self._expected.append(self._queued)
            self._queued = []

    def settle(self) -> None:
        """Wait for all results. Raises the first error of the queued statements, or ConnectionLost.

        After an error the transaction can only be rolled back, to a savepoint or completely.
        """
        self.send()
        problem: Exception | None = None
        while self._expected:
            found = self._receive(self._expected.popleft())
            problem = problem or found
        if problem is not None:
            raise problem

    def load(self, result: Any) -> list[Any]:
        """Convert a result to rows, as tuples."""
        rows = result.ntuples
        if not rows:
            return []
        self._loader.set_pgresult(result)
        loaded: list[Any] = self._loader.load_rows(0, rows, tuple)
        return loaded

    @property
    def in_transaction(self) -> bool:
        """Whether the server is inside a transaction, as of its last result."""
        return bool(self._pg.transaction_status != self._pq.TransactionStatus.IDLE)

    def close(self) -> None:
        """Close the connection; safe on a lost one."""
        with contextlib.suppress(self._lost):
            self._connection.close()

    def _prepare(self, statement: str) -> bytes:
        self._names += 1
        name = b"s%d" % self._names
        try:
            self._pg.send_prepare(name, numbered(statement).encode())
        except self._lost as error:
            raise ConnectionLost(_first_line(error)) from None
        self._queued.append(statement)
        self._prepared[statement] = name
        return name

    def _receive(self, batch: list[PostgresCursor | str]) -> Exception | None:
        """Receive the results up to one sync; returns the first error among them."""
        problem: Exception | None = None
        status = self._pq.ExecStatus
        for entry in batch:
            result = self._next()
            if result is None:
                raise ConnectionLost("the server closed the connection")
            good = result.status in (status.TUPLES_OK, status.COMMAND_OK)
            if isinstance(entry, str):
                if not good:
                    # It failed or was skipped after an earlier error, so it is not prepared.
                    del self._prepared[entry]
            else:
                entry.take(result)
            if not good and problem is None:
                problem = self._problem(result)
            self._next()  # end of this statement's results
        self._next()  # the sync
        return problem

    def _next(self) -> Any:
        pg = self._pg
        try:
            while pg.is_busy():
                self._poll.poll()
                pg.consume_input()
            return pg.get_result()
        except self._lost as error:
            raise ConnectionLost(_first_line(error)) from None

    def _problem(self, result: Any) -> Exception:
        field = self._pq.DiagnosticField
        message = (result.error_field(field.MESSAGE_PRIMARY) or result.error_message).decode()
        if self._pg.status == self._pq.ConnStatus.BAD:
            return ConnectionLost(message)
        return DatabaseError(message, (result.error_field(field.SQLSTATE) or b"").decode())


def _driver() -> Any:
    """Import psycopg on first use, so that a hub on SQLite starts without it."""
    load_extra("psycopg.types.numeric", "postgres", "PostgreSQL")
    return load_extra("psycopg", "postgres", "PostgreSQL")


def _connect(driver: Any, url: str) -> Any:
    try:
        given = driver.conninfo.conninfo_to_dict(url)
    except driver.ProgrammingError as error:
        raise ConfigurationError(f"The database's URL can't be read: {error}.") from None
    options = f"{_SETTINGS['options']} {given.get('options') or ''}".strip()
    settings = {**_SETTINGS, **given, "options": options, "client_encoding": "utf-8"}
    try:
        return driver.connect(**settings, autocommit=True)
    except driver.OperationalError as error:
        raise ConnectionLost(_first_line(error)) from None


def _written(value: Any) -> bytes:
    """Convert a parameter to PostgreSQL's text format."""
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
