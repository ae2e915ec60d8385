"""Published data of real systems, where they are at hand: too large for the repository."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from postgres import find_binaries, fresh_database

T = TypeVar("T")

DATA = Path(os.environ.get("HEADRACE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def published(path: str) -> Path:
    """A file or folder of published data; the test is skipped where it is absent."""
    if not (DATA / path).exists():
        pytest.skip(f"{DATA / path} is not there: set HEADRACE_DATA to the folder with the data")
    return DATA / path


@contextmanager
def restored(server: str, dump: str) -> Iterator[str]:
    """The address of a database of PostgreSQL with a published dump."""
    path = published(dump)
    binaries = find_binaries()
    psql = binaries / "psql" if binaries else shutil.which("psql")
    if not psql:
        pytest.skip("psql is not installed, and the dump needs it")
    with fresh_database(server) as url:
        load = [str(psql), "-q", "-v", "ON_ERROR_STOP=1", url]
        sql = gzip.decompress(path.read_bytes())
        subprocess.run(load, input=sql, check=True, stdout=subprocess.DEVNULL)
        yield url


@contextmanager
def copies(
    server: str, dump: str, of: Callable[[psycopg.Connection[Any]], T]
) -> Iterator[Callable[[], AbstractContextManager[tuple[str, T]]]]:
    """Restore a dump once; what is given opens a copy of its own each time, with its address and
    what `of` makes of a connection to it."""
    with restored(server, dump) as template:

        @contextmanager
        def opened() -> Iterator[tuple[str, T]]:
            with (
                fresh_database(server, template) as url,
                psycopg.connect(url, autocommit=True) as connection,
            ):
                yield url, of(connection)

        yield opened
