"""A book that is closed while a thread still works in it, as after an interrupt."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from headrace.book.book import Book


def test_closing_interrupts_a_query_and_waits_for_its_thread(tmp_path: Path) -> None:
    book = Book(tmp_path / "cache.duckdb")
    began = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        with pytest.raises(duckdb.Error) as caught:
            while True:
                began.set()
                book.connection.execute("select count(*) from range(10_000_000_000)").fetchall()
        errors.append(caught.value)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait(60)
    book.close()
    thread.join(60)
    assert isinstance(errors[0], duckdb.InterruptException | duckdb.ConnectionException)
    Book(tmp_path / "cache.duckdb").close()  # nobody holds its file
