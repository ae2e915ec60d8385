"""A scan by the driver's own library runs while no other connection of the process is open."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Adopted, Journal
from headrace.sync.journal.alone import alone_with, note_closed, note_opened

RECORDS = 6_000
"""More than are read without the driver."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "journal.db"
    journal = Journal(place, SYSTEM_CLOCK)
    journal.adopt(Adopted("customer", f"C{n}", f"C{n}", n, b"-") for n in range(RECORDS))
    journal.close()
    return place


def scanned(journal: Journal) -> int:
    """Read everything, as a round does; the number of records."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as staging")
        journal.load_into(connection)
        rows = connection.execute("select count(*) from staging.acknowledged").fetchall()
    return int(rows[0][0])


def test_a_scan_waits_for_a_page_that_has_the_journal_open(place: Path) -> None:
    journal, page = Journal(place, SYSTEM_CLOCK), Journal(place, SYSTEM_CLOCK)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(scanned(journal)))
    thread.start()
    thread.join(0.3)
    assert found == []
    assert len(page.acknowledged([("customer", "C1")])) == 1
    page.close()
    page.close()
    thread.join(30)
    assert found == [RECORDS]
    assert journal.count() == {"customer": RECORDS}
    journal.close()


def test_a_page_that_never_ends_stops_no_sync(place: Path) -> None:
    journal, page = Journal(place, SYSTEM_CLOCK), Journal(place, SYSTEM_CLOCK)
    assert scanned(journal) == RECORDS
    journal.close()
    page.close()


def test_nobody_opens_a_file_that_another_is_alone_with(tmp_path: Path) -> None:
    path, order = tmp_path / "a", list[str]()
    note_opened(path)

    def page() -> None:
        note_opened(path)
        order.append("page")
        note_closed(path)

    with alone_with(path):
        thread = threading.Thread(target=page)
        thread.start()
        note_opened(tmp_path / "another file")
        note_closed(tmp_path / "another file")
        thread.join(0.2)
        order.append("scan")
    thread.join(30)
    note_closed(path)
    assert order == ["scan", "page"]
