"""GnuCash 4: its own engine, for the Python that Debian's package brings it to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live_actor import Actor, actor
from live_cache import Missing

PYTHON = "/usr/bin/python3"
NEEDED = "gnucash python3-gnucash libdbd-sqlite3 libdbd-pgsql"


@contextmanager
def gnucash_book(folder: Path, database: str | None) -> Iterator[tuple[Actor, str]]:
    """An actor in a new book, and the book's address: a SQLite file in the folder, or the empty
    PostgreSQL `database`. Raises Missing."""
    try:
        found = subprocess.run([PYTHON, "-c", "import gnucash"], capture_output=True).returncode
    except FileNotFoundError:
        found = 1
    if found:
        raise Missing(f"{NEEDED} are needed: apt-get install --no-install-recommends {NEEDED}")
    if database is None:
        address = f"sqlite:///{folder / 'book.gnucash'}"
        uri = address.replace("sqlite:///", "sqlite3://")
    else:
        # GnuCash wants a password, even where the server does not.
        address = database
        uri = address.replace("postgresql://", "postgres://").replace("@", ":none@")
    with actor(PYTHON, "gnucash_actor.py", uri, log=folder / "log") as acting:
        acting("prepare")
        yield acting, address
