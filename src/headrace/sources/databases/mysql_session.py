"""A connection to MySQL or MariaDB that receives every value as the server's text, in batches.

Text becomes Arrow columns, which DuckDB reads without Python objects for the values. The driver is
asynchronous; a loop of its own runs it, so that callers need not be.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import socket
import ssl
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.adbc import driver_words
from headrace.sources.databases.keepalive import keep_alive
from headrace.sources.databases.mysql_columns import Column
from headrace.sources.source import scanned

T = TypeVar("T")

_ROWS = 20_000
"""Rows per batch: some megabytes."""
_RECEIVED = 512 * 1024
_CONNECT_S = 30
_SESSION = (
    # Zero dates and text come as they are; TIMESTAMP comes in UTC, and no value depends on the
    # server's settings.
    "set time_zone = '+00:00'",
    "set sql_mode = 'ANSI_QUOTES'",
    "set transaction isolation level repeatable read",
)
_NO_DATABASE = 1044
_DENIED = {_NO_DATABASE, 1045, 1142, 1143, 1227, 1370}
_USER = re.compile(r"user ('[^']*'@'[^']*')")
_OBJECT = re.compile(r"(?:table|database) [`']([^`']+)[`'](?:\.`([^`]+)`)?")


class MysqlSession:
    """An open connection in a read-only transaction that shows one moment."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        self._loop = loop
        self._connection = connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a small result; every value is text, bytes or None."""

        async def ask() -> list[tuple[Any, ...]]:
            async with self._connection.cursor() as cursor:
                await cursor.execute(sql)
                return list(await cursor.fetchall())

        return self._run(ask())

    def columns(self, sql: str) -> list[Column]:
        """Return the columns of a query, without reading its rows."""

        async def ask() -> list[Column]:
            async with self._connection.cursor() as cursor:
                await cursor.execute(f"select * from ({sql}\n) q limit 0")
                return [
                    Column(f.name, f.type_code, f.flags, f.length, f.scale, f.charsetnr)
                    for f in cursor._result.fields
                ]

        return self._run(ask())

    def into(
        self, target: duckdb.DuckDBPyConnection, use: str, sql: str, columns: list[Column]
    ) -> None:
        """Run `use` in DuckDB, where the relation `stream` is the result of `sql`: text and bytes
        in columns of the given names."""
        arrow = _loaded("arro3.core")
        types = [arrow.DataType.binary() if c.is_binary else arrow.DataType.utf8() for c in columns]
        schema = arrow.Schema(
            [arrow.Field(c.name, kind) for c, kind in zip(columns, types, strict=True)]
        )
        failures: list[BaseException] = []

        def batches() -> Iterator[Any]:
            try:
                for rows in self._batches(sql):
                    values = zip(*rows, strict=True)
                    arrays = [
                        arrow.Array(list(column), type=kind)
                        for column, kind in zip(values, types, strict=True)
                    ]
                    yield arrow.RecordBatch.from_arrays(arrays, schema=schema)
            except BaseException as error:
                failures.append(error)
                raise

        # DuckDB asks for one batch after the other, and writes them as it goes.
        reader = arrow.RecordBatchReader.from_batches(schema, batches())
        try:
            with scanned(target, reader):
                target.execute(use)
        except duckdb.Error:
            if failures:  # DuckDB would only say that the stream has ended
                raise failures[0] from None
            raise

    def _batches(self, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._connection.cursor(_loaded("asyncmy.cursors").SSCursor)
        self._run(cursor.execute(sql))
        while rows := self._run(cursor.fetchmany(_ROWS)):
            yield rows
        self._run(cursor.close())

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)


@contextmanager
def mysql_session(address: Address) -> Iterator[MysqlSession]:
    """Open a connection for the length of a `with`, with one moment for all that is read.

    Raises SourceError without the extra, and what `mysql_failures` converts.
    """
    driver = _loaded("asyncmy")
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(driver.connect(**_settings(address)))
        keep_alive(connection._transport.get_extra_info("socket"))
        session = MysqlSession(loop, connection)
        try:
            for statement in _SESSION:
                session.rows(statement)
            session.rows("start transaction with consistent snapshot, read only")
            yield session
        finally:
            connection.close()
            # The transport closes its socket in the loop's next round.
            loop.call_soon(loop.stop)
            loop.run_forever()
    finally:
        loop.close()


def _loaded(module: str) -> Any:
    """Return a module of the extra, which loads on first use: few projects read MySQL."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise SourceError(
            "MySQL and MariaDB need their driver: pip install 'headrace[mysql]'."
        ) from None


def _settings(address: Address) -> dict[str, Any]:
    found: dict[str, Any] = {
        "host": address.host or "localhost",
        "port": address.port or 3306,
        "user": address.user,
        "password": address.password.encode(),  # the driver would encode it as latin-1
        "database": address.database or None,
        "connect_timeout": int(address.parameters.get("connect_timeout", _CONNECT_S)),
        "charset": "utf8mb4",
        # No conversions: a zero date or a TIME of 838 hours is no Python object.
        "conv": {},
        "max_allowed_packet": 1 << 30,
    }
    context = _tls(address.parameters)
    if "unix_socket" in address.parameters:
        found["unix_socket"] = address.parameters["unix_socket"]
    elif not context:  # TLS starts in the middle of a connection that the driver has made
        found["sock"] = _socket(found["host"], found["port"], found["connect_timeout"])
    return found | ({"ssl": context} if context else {})


def _socket(host: str, port: int, timeout: int) -> socket.socket:
    """Connect to the server.

    The driver turns everything that has arrived into Python objects at once. Without a limit for
    that, a server that is faster than we are would fill the memory.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connected = socket.socket(family, kind, protocol)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
        connected.settimeout(timeout)
        try:
            connected.connect(place)
        except OSError as error:
            connected.close()
            failure = error
            continue
        connected.setblocking(False)
        return connected
    raise failure or OSError(f"{host} has no address")


def _tls(parameters: dict[str, str]) -> ssl.SSLContext | None:
    """Return the context for `ssl_mode` and its files, with MySQL's names for both."""
    mode = parameters.get("ssl_mode", parameters.get("ssl-mode", "")).lower().replace("-", "_")
    authority = parameters.get("ssl_ca", parameters.get("ssl-ca", ""))
    if not mode and not authority and "ssl_cert" not in parameters:
        return None
    if mode == "disabled":
        return None
    modes = ("", "required", "verify_ca", "verify_identity")
    if mode not in modes:
        raise SourceError(f"ssl_mode must be one of disabled, {', '.join(modes[1:])}, not {mode}.")
    try:
        context = ssl.create_default_context(cafile=authority or None)
        if parameters.get("ssl_cert"):
            context.load_cert_chain(parameters["ssl_cert"], parameters.get("ssl_key"))
    except OSError as error:
        raise SourceError(f"The files of ssl_ca, ssl_cert and ssl_key: {error}.") from None
    context.check_hostname = mode == "verify_identity"
    if mode == "required" or (not mode and not authority):
        context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def mysql_failures(what: str, address: Address) -> Iterator[None]:
    """Convert failures inside into `SourceError("<what>: <the server's message>")`, with the
    remedy where there is one, without secrets."""
    kinds: tuple[type[Exception], ...] = (OSError, duckdb.Error, ValueError, ssl.SSLError)
    try:
        yield
    except (*kinds, *_driver_errors()) as error:
        number, words = _number_and_words(error)
        said = driver_words(Exception(words), address.secrets)
        raise SourceError(f"{what}: {said}{_remedy(number, said)}") from None


def _driver_errors() -> tuple[type[Exception], ...]:
    """Return the class of the driver's errors; nothing before a connection loads the driver."""
    loaded: Any = sys.modules.get("asyncmy")
    return (loaded.errors.MySQLError,) if loaded else ()


def _number_and_words(error: Exception) -> tuple[int, str]:
    with suppress(IndexError, TypeError, ValueError):
        if len(error.args) > 1:
            return int(error.args[0]), str(error.args[1])
    return 0, str(error) or type(error).__name__


def _remedy(number: int, said: str) -> str:
    if number in _DENIED and "using password" not in said:
        user, place = _USER.search(said), _OBJECT.search(said)
        what = ".".join(part for part in place.groups() if part) if place else "DATABASE.*"
        what += ".*" if number == _NO_DATABASE else ""
        return f" Allow it: grant select on {what} to {user[1] if user else 'USER'}."
    if number in (1969, 3024):
        return (
            " The server's limit for the time of a statement ended it: raise max_statement_time "
            "(MariaDB) or max_execution_time (MySQL) for this user, or read less through "
            "source.tables."
        )
    if number in (2006, 2013) or "Lost connection" in said:
        return " The server closed the connection: run it again."
    return ""
