"""Tryton 8.2: its packages, and a company that is ready to invoice, in SQLite or PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live_actor import ACTING, Actor, actor, free_port, server
from live_cache import Missing, environment, kept, python_of, run

from postgres import find_binaries, fresh_database

PACKAGES = (
    "trytond~=8.2.0",
    "trytond_account_invoice~=8.2.0",
    "trytond_account_payment~=8.2.0",
    "trytond_account_statement~=8.2.0",
    "trytond_account_dunning~=8.2.0",
    "proteus~=8.2.0",
    "psycopg[binary,pool]>=3.2",
)
DATABASE = "ledger"


def tryton_python() -> Path:
    """A Python with Tryton. Raises Missing."""
    return environment("tryton", python_of("3.12", "3.11", "3.13"), PACKAGES)


@contextmanager
def tryton_sqlite(folder: Path) -> Iterator[tuple[Actor, str]]:
    """An actor in a company of its own in a SQLite file, and the file's address."""
    python = tryton_python()
    shutil.copy(_prepared_file(python), folder)
    with actor(
        *(python, "tryton_actor.py", "act", DATABASE),
        log=folder / "tryton.log",
        TRYTOND_CONFIG=str(_settings(folder, "sqlite://")),
    ) as acting:
        yield acting, f"sqlite:///{folder / DATABASE}.sqlite"


@contextmanager
def tryton_postgres(folder: Path, postgres: str) -> Iterator[tuple[Actor, str]]:
    """The same in a database of the server `postgres`."""
    python = tryton_python()
    binaries = find_binaries()
    if binaries is None:
        raise Missing("PostgreSQL's client programs are needed: install postgresql.")
    dump = _prepared_dump(python, postgres, binaries)
    with fresh_database(postgres) as url:
        run([binaries / "psql", "--quiet", "--file", dump, url])
        server, _, name = url.rpartition("/")
        with actor(
            *(python, "tryton_actor.py", "act", name),
            log=folder / "tryton.log",
            TRYTOND_CONFIG=str(_settings(folder, server)),
        ) as acting:
            yield acting, url


@contextmanager
def tryton_rest(folder: Path, database: str, act: Actor) -> Iterator[str]:
    """Tryton's server over a database; gives its options for headrace."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = folder / "trytond.conf"
    with settings.open("a") as file:
        file.write(f"[web]\nlisten = 127.0.0.1:{port}\n")
    program = tryton_python().with_name("trytond")
    with server([program, "-c", settings, "-d", database], address, folder / "server.log"):
        yield f'url = "{address}/{database}", key = "{act("key")}"'


def _settings(folder: Path, uri: str) -> Path:
    """Tryton's configuration, with its databases at `uri`; SQLite's files are in the folder."""
    file = folder / "trytond.conf"
    file.write_text(f"[database]\nuri = {uri}\npath = {folder}\n")
    return file


def _prepare(python: Path, folder: Path, database: str, uri: str) -> None:
    settings = _settings(folder, uri)
    (folder / "password").write_text("admin-of-the-test")
    admin = [python.with_name("trytond-admin"), "-c", settings, "-d", database, "--all"]
    run([*admin, "--email", "a@company.test"], TRYTONPASSFILE=str(folder / "password"))
    program = ACTING / "tryton_actor.py"
    run([python, program, "prepare", database], TRYTOND_CONFIG=str(settings))


def _recipe() -> str:
    return "\n".join([*PACKAGES, (ACTING / "tryton_actor.py").read_text().partition("def cust")[0]])


def _prepared_file(python: Path) -> Path:
    def make(folder: Path) -> None:
        (folder / f"{DATABASE}.sqlite").touch()  # Tryton opens only a file that is there
        _prepare(python, folder, DATABASE, "sqlite://")

    return kept("tryton-sqlite", _recipe(), make) / f"{DATABASE}.sqlite"


def _prepared_dump(python: Path, postgres: str, binaries: Path) -> Path:
    def make(folder: Path) -> None:
        with fresh_database(postgres) as url:
            server, _, name = url.rpartition("/")
            _prepare(python, folder, name, server)
            with (folder / "ledger.sql").open("wb") as file:
                dump = [str(binaries / "pg_dump"), "--no-owner", url]
                subprocess.run(dump, check=True, stdout=file)

    return kept("tryton-postgres", _recipe(), make) / "ledger.sql"
