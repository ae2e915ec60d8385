"""Writes collected records to a table of a database, or sends them to a webhook.

Upflow's own integrations write such payments into the accounting system. headrace leaves that to
the operators of the system, and gives them the rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError, Unreachable
from headrace.model.extras import load_extra
from headrace.model.lazy import lazily
from headrace.model.secret_text import check_database_url
from headrace.sources.databases.keepalive import with_keepalive
from headrace.sources.source import quoted
from headrace.sync.collection.collected import Collected

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")

TABLE = "upflow_collected"
_NAME = re.compile(r"[A-Za-z_]\w*")
_WEBHOOK_S = 30.0
_TEXT = (
    resources.files("headrace.sync.collection").joinpath("sql", "handover.sql").read_text("utf-8")
)
_, *_PARTS = re.split(r"^-- (\w+) --\n", _TEXT, flags=re.MULTILINE)
_SQL = dict(zip(_PARTS[::2], (part.strip() for part in _PARTS[1::2]), strict=True))


class Place(Struct, frozen=True):
    """The destination: a webhook, or a table of a database."""

    url: str
    table: str = ""

    @property
    def is_webhook(self) -> bool:
        """Whether the destination is a webhook."""
        return self.url.startswith(("http://", "https://"))

    def __repr__(self) -> str:
        return f"Place(…, {self.table!r})"


def place_of(into: str, own_database: str) -> Place:
    """Return the destination that `--into` names.

    It is a table of the source's `own_database`, the URL of another database with a table after a
    `#`, or the URL of a webhook. Raises ConfigurationError for anything else.
    """
    if into.startswith(("http://", "https://")):
        return Place(into)
    url, _, table = into.partition("#") if "://" in into else (own_database, "", into)
    table = table or TABLE
    if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ConfigurationError(
            "--into needs a table of the source's own SQLite or PostgreSQL database, or "
            "sqlite:///FILE#TABLE, postgresql://…#TABLE, or the https:// address of a webhook."
        )
    if not _NAME.fullmatch(table):
        raise ConfigurationError(
            f"--into: {table!r} is not a valid name for a table; use letters and _."
        )
    if not url.startswith("sqlite:"):
        check_database_url(url, "--into")
    return Place(url, table)


async def hand_over(
    place: Place, folder: Path, organisation: str, rows: Sequence[Collected], *, whole: bool
) -> None:
    """Send or write all rows; doing it again changes nothing.

    `whole` means that the rows are all collected records, so other rows of the table become `gone`.
    Raises ConfigurationError when the table can't be written, Unreachable when the webhook does not
    accept the rows.
    """
    if place.is_webhook:
        await _post(place.url, organisation, rows)
    elif place.url.startswith("sqlite"):
        _into_sqlite(place, folder, organisation, rows, whole)
    else:
        _into_postgres(place, organisation, rows, whole)


async def _post(url: str, organisation: str, rows: Sequence[Collected]) -> None:
    body = msgspec.json.encode({"organisation": organisation, "collected": rows})
    timeout = aiohttp.ClientTimeout(total=_WEBHOOK_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        # Without the address, which may contain a token.
        trouble = type(error).__name__
        raise Unreachable(
            f"The webhook can't be reached ({trouble}). Run the command again."
        ) from None
    if not 200 <= status < 300:
        raise Unreachable(
            f"The webhook answered {status}, so it did not accept the records. Run the command "
            "again."
        )


def _into_sqlite(
    place: Place, folder: Path, organisation: str, rows: Sequence[Collected], whole: bool
) -> None:
    path = folder / place.url.removeprefix("sqlite:///")
    if not path.parent.is_dir():
        raise ConfigurationError(f"--into: there is no folder {path.parent}.")
    try:
        with closing(sqlite3.connect(path, timeout=30.0)) as database, database:
            _write(_Table(database, place.table), organisation, rows, whole)
    except sqlite3.Error as error:
        raise _unwritable(place.table, error) from None


def _into_postgres(place: Place, organisation: str, rows: Sequence[Collected], whole: bool) -> None:
    driver = load_extra("psycopg", "postgres", "A table in PostgreSQL")
    try:
        with driver.connect(with_keepalive(place.url)) as database:
            _write(_Table(database.cursor(), place.table, "%s"), organisation, rows, whole)
    except driver.Error as error:
        raise _unwritable(place.table, str(error).replace(place.url, "***")) from None


def _unwritable(table: str, error: object) -> ConfigurationError:
    return ConfigurationError(f"--into: the table {table} can't be written ({error}).")


class _Table:
    """The statements of `handover.sql` for one table, on either engine."""

    def __init__(self, database: Any, name: str, mark: str = "?") -> None:
        self._database = database
        self._sql = {
            key: sql.format(table=quoted(name)).replace("?", mark) for key, sql in _SQL.items()
        }

    def run(self, statement: str, *values: Any) -> Any:
        return self._database.execute(self._sql[statement], values)

    def run_all(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._database.executemany(self._sql[statement], list(rows))


def _write(table: _Table, organisation: str, rows: Sequence[Collected], whole: bool) -> None:
    table.run("create")
    table.run_all("upsert", (_row(organisation, one) for one in rows))
    if whole:
        there = {(one.entity, one.id) for one in rows}
        gone = [key for key in table.run("present", organisation).fetchall() if key not in there]
        table.run_all("leave", ((organisation, *key) for key in gone))


def _row(organisation: str, one: Collected) -> tuple[Any, ...]:
    return (
        organisation,
        one.entity,
        one.id,
        one.customer,
        one.customer_id,
        one.customer_name,
        one.currency,
        one.amount,
        one.day,
        one.instrument,
        one.reference,
        msgspec.json.encode(one.links).decode(),
        one.created_at,
    )
