"""A MariaDB server of our own for the length of a test session.

`HEADRACE_TEST_MYSQL` names a server to use instead, by the address of an administrator. Otherwise
the binaries of this machine start on a free loopback port in a temporary folder, and leave nothing
behind. Without both, the tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.mysql_session import mysql_failures, mysql_session
from made_once import make_once

_names = count(1)
_MISSING = (
    "no MariaDB server here: install mariadb-server or set HEADRACE_TEST_MYSQL, "
    "mysql://root@HOST:PORT"
)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The URL of a server for its administrator; the server stops with the session."""
    if url := os.environ.get("HEADRACE_TEST_MYSQL"):
        yield url
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(running_mariadb())
        except FileNotFoundError:
            pytest.skip(_MISSING)
        yield url


@contextmanager
def running_mariadb(*options: str) -> Iterator[str]:
    """The URL of a server with options that stops with the `with`. Raises FileNotFoundError where
    there is none."""
    install, server = shutil.which("mariadb-install-db"), _binary()
    if install is None or server is None:
        raise FileNotFoundError(_MISSING)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-maria-") as folder,
        _running(install, server, Path(folder), options) as url,
    ):
        yield url


@pytest.fixture
def mariadb_database(mariadb_server: str) -> Iterator[str]:
    """The URL of an empty database of the test's own, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_names)}"
    run_mariadb(mariadb_server, f"create database {name}")
    try:
        yield f"{mariadb_server}/{name}"
    finally:
        run_mariadb(mariadb_server, f"drop database {name}")


def run_mariadb(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements as they are, and return the rows of the last."""
    rows: list[tuple[object, ...]] = []
    with mysql_session(Address(url)) as session:
        session.rows("rollback")
        session.rows("set sql_mode = 'ALLOW_INVALID_DATES'")
        for statement in statements:
            rows = session.rows(statement)
        session.rows("commit")
    return rows


def _binary() -> str | None:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def _running(install: str, server: str, folder: Path, options: Sequence[str]) -> Iterator[str]:
    who = ["--user=root"] if os.geteuid() == 0 else []
    data = f"--datadir={folder / 'data'}"

    def make(at: Path) -> None:
        command = [install, "--no-defaults", *who, f"--datadir={at}", "--skip-test-db"]
        command.append("--auth-root-authentication-method=normal")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    make_once("mariadb", folder / "data", make)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [server, "--no-defaults", *who, data, "--bind-address=127.0.0.1", f"--port={port}"]
    serve += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", "--sync-binlog=0"]
    serve += ["--innodb-flush-log-at-trx-commit=0", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(serve, stdout=log, stderr=log)
    try:
        url = f"mysql://root@127.0.0.1:{port}"
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    address = Address(url)
    end = time.monotonic() + 60
    while True:
        try:
            with mysql_failures("starting", address), mysql_session(address):
                return
        except SourceError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)
