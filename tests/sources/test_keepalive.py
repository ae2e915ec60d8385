"""Connections to databases are probed while nothing arrives: one that is cut without a word fails
after a minute instead of after hours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.sources.address import Address
from headrace.sources.databases.adbc import to_postgres
from headrace.sources.databases.keepalive import with_keepalive
from headrace.sources.databases.mysql_session import mysql_session
from headrace.sync.journal.postgres import PostgresDatabase, PostgresPlace

_TABLE = Path("/proc/net/tcp")
_PROBING = "02"
needs_proc = pytest.mark.skipif(not _TABLE.exists(), reason="only Linux shows its timers")


def _next_probe_s(port: int) -> float:
    """Seconds until the system probes this process's connection to a port; fails if it does not."""
    own = set()
    for handle in Path("/proc/self/fd").iterdir():
        try:
            own.add(str(handle.readlink()))
        except OSError:
            continue
    for line in _TABLE.read_text("ascii").splitlines()[1:]:
        _, _, remote, _, _, timer, _, _, _, inode, *_ = line.split()
        if int(remote.partition(":")[2], 16) == port and f"socket:[{inode}]" in own:
            kind, _, ticks = timer.partition(":")
            assert kind == _PROBING, timer
            return int(ticks, 16) / os.sysconf("SC_CLK_TCK")
    raise AssertionError(f"no connection to port {port}")


@needs_proc
def test_a_connection_to_postgresql_is_probed(postgres_database: str) -> None:
    address = Address(postgres_database)
    url = f"postgresql://{address.user}@127.0.0.1:{address.port}/{address.database}"
    with to_postgres(url):
        assert _next_probe_s(int(address.port or 0)) <= 30


@needs_proc
def test_the_connection_of_a_journal_is_probed(postgres_database: str) -> None:
    address = Address(postgres_database)
    url = f"postgresql://{address.user}@127.0.0.1:{address.port}/{address.database}"
    database = PostgresDatabase(PostgresPlace(url, "shop"))
    try:
        assert _next_probe_s(int(address.port or 0)) <= 30
    finally:
        database.close()


@needs_proc
def test_a_connection_to_mariadb_is_probed(mariadb_database: str) -> None:
    address = Address(mariadb_database)
    with mysql_session(address):
        assert _next_probe_s(int(address.port or 0)) <= 30


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("postgresql://host", "postgresql://host?connect_timeout=30&keepalives_idle="),
        ("postgresql://u:p?x@host/db", "postgresql://u:p?x@host/db?connect_timeout=30&"),
        ("postgresql://host/db?", "postgresql://host/db?connect_timeout=30&"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=/run&connect_timeout=30&"),
        (
            "postgresql://host/db?connect_timeout=5&sslmode=require",
            "postgresql://host/db?connect_timeout=5&sslmode=require&keepalives_idle=",
        ),
    ],
)
def test_what_the_address_says_itself_stays(url: str, begins: str) -> None:
    made = with_keepalive(url)
    assert made.startswith(begins)
    assert Address(made).parameters.keys() > Address(url).parameters.keys()
    assert with_keepalive(made) == made
