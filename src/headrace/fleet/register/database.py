"""The database that workers share: its schema, and its statements by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

from headrace.model.errors import ConfigurationError
from headrace.model.extras import load_extra

SCHEMA = "headrace_fleet"
WHAT = "The setting `state`, a database that workers share,"
_VERSION = 1
_LOCK = 0x6865_6164_7261_6365
"""Number of the advisory lock under which the schema is made."""
_NAME = re.compile(r"^-- (\w+) --\n", re.MULTILINE)


def _text(file: str) -> str:
    return resources.files(__package__).joinpath(file).read_text("utf-8")


def _statements() -> dict[str, str]:
    _, *parts = _NAME.split(_text("statements.sql"))
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}


STATEMENTS = _statements()


def session_options(name: str) -> dict[str, Any]:
    """Return the arguments of a connection: the schema, and limits after which a silent server
    counts as gone. `name` is shown by the database's list of sessions."""
    return {
        "options": f"-c search_path={SCHEMA} -c statement_timeout=30s",
        "application_name": name,
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 10_000,
    }


class FleetDatabase:
    """A connection to the database; each statement commits by itself."""

    def __init__(self, url: str, name: str = "headrace fleet", make: bool = True) -> None:
        """Connect, and create the schema if it is missing and `make` is given.

        Raises ConfigurationError without the driver, without Procrastinate, or if the database
        can't be used. A newer version's schema is accepted, since versions only add to it.
        """
        self._driver = load_extra("psycopg", "workers", WHAT)
        self._url = url
        with self.translated():
            self._db = self._driver.connect(url, autocommit=True, **session_options(name))
        try:
            with self.translated():
                if make:
                    self._make()
        except BaseException:
            self._db.close()
            raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the driver's errors as ConfigurationError, without the address."""
        try:
            yield
        except self._driver.Error as error:
            words = " ".join(str(error).split()).replace(self._url, "***")
            raise ConfigurationError(
                f"The workers' database can't be used; check `state` in headrace.toml ({words})."
            ) from None

    def run(self, statement: str, **values: Any) -> Any:
        """Run a statement by name; returns a cursor. Raises ConfigurationError."""
        with self.translated():
            return self._db.execute(STATEMENTS[statement], values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements of the block together, or none of them."""
        with self.translated(), self._db.transaction():
            yield

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def __enter__(self) -> FleetDatabase:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _make(self) -> None:
        if self._version():
            return
        queue = load_extra("procrastinate.schema", "workers", WHAT).SchemaManager.get_schema()
        # The lock is taken outside of the transaction: one that began before another process
        # committed would not find the schema that it made.
        self._db.execute("select pg_advisory_lock(%s)", (_LOCK,))
        try:
            if self._version():
                return
            with self._db.transaction():
                self._db.execute(f"create schema if not exists {SCHEMA}")
                self._db.execute(queue)
                self._db.execute(_text("schema.sql"))
                self._db.execute("create table version (number bigint not null)")
                self._db.execute("insert into version values (%s)", (_VERSION,))
        finally:
            self._db.execute("select pg_advisory_unlock(%s)", (_LOCK,))

    def _version(self) -> int:
        if self._db.execute("select to_regclass('version')").fetchone()[0] is None:
            return 0
        return int(self._db.execute("select max(number) from version").fetchone()[0])
