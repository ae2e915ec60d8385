"""GnuCash 4: its own engine, for the Python that Debian's package brings it to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live_actor import Actor, actor
from live_cache import Missing

PYTHON = "/usr/bin/python3"
NEEDED = "python3-gnucash and libdbd-sqlite3 are needed: apt-get install --no-install-recommends"


@contextmanager
def gnucash_book(folder: Path) -> Iterator[tuple[Actor, str]]:
    """An actor in a new book, a SQLite file, and the file's address. Raises Missing."""
    try:
        found = subprocess.run([PYTHON, "-c", "import gnucash"], capture_output=True).returncode
    except FileNotFoundError:
        found = 1
    if found:
        raise Missing(f"{NEEDED} python3-gnucash libdbd-sqlite3.")
    file = folder / "book.gnucash"
    with actor(PYTHON, "gnucash_actor.py", f"sqlite3://{file}", log=folder / "log") as acting:
        acting("prepare")
        yield acting, f"sqlite:///{file}"
