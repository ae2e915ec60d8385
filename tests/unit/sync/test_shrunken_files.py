"""Files of the source with fewer rows than when a plan was last accepted."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.model.source_settings import SourceSettings
from headrace.sync.planning.row_counts import RowCounts

FILES = SourceSettings(kind="files", path="exports")
SQL = SourceSettings(kind="sql", url="sqlite:///shop.db")


class Kept:
    """A journal with counts of rows; `writes` are those that were kept."""

    def __init__(self, rows: dict[str, int]) -> None:
        self.rows = rows
        self.writes: list[dict[str, int]] = []

    def source_rows(self) -> dict[str, int]:
        return dict(self.rows)

    def keep_source_rows(self, rows: dict[str, int]) -> None:
        self.writes.append(rows)
        self.rows |= rows


def counts(journal: Kept, source: SourceSettings, now: dict[str, int]) -> RowCounts:
    made = RowCounts(journal, source)  # type: ignore[arg-type]
    made.note(now)
    return made


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        (100, 100, False),
        (100, 101, False),
        (100, 90, False),
        (100, 89, True),
        (11, 9, True),
        (10, 0, False),
        (1000, 0, True),
    ],
)
def test_a_file_may_lose_a_tenth_of_its_rows_if_there_were_more_than_ten(
    before: int, now: int, refused: bool
) -> None:
    found = counts(Kept({"people": before}), FILES, {"people": now}).shrunk(0.1)
    assert bool(found) is refused
    if refused:
        assert found == [f"people has {now:,} rows, while it had {before:,} (more than 10% fewer)"]


def test_every_table_is_named_in_order_and_one_that_is_not_read_now_is_not() -> None:
    journal = Kept({"notes": 100, "gone": 100, "bills": 2000})
    found = counts(journal, FILES, {"notes": 50, "bills": 1000}).shrunk(0.25)
    assert found == [
        "bills has 1,000 rows, while it had 2,000 (more than 25% fewer)",
        "notes has 50 rows, while it had 100 (more than 25% fewer)",
    ]


def test_tables_of_a_database_do_not_count() -> None:
    assert counts(Kept({"people": 100}), SQL, {"people": 1}).shrunk(0.1) == []
    mixed = SourceSettings(kind="sql", url="sqlite:///shop.db", more={"bank": FILES})
    journal = Kept({"people": 100, "bank.lines": 100})
    found = counts(journal, mixed, {"people": 1, "bank.lines": 1})
    assert [clause.partition(" ")[0] for clause in found.shrunk(0.1)] == ["bank.lines"]
    found.accept()
    assert journal.writes == [{"bank.lines": 1}]
    turned = SourceSettings(kind="files", path="exports", more={"erp": SQL})
    assert counts(Kept({"erp.people": 100}), turned, {"erp.people": 1}).shrunk(0.1) == []


def test_only_counts_that_differ_are_kept() -> None:
    journal = Kept({"people": 100, "notes": 7})
    counts(journal, FILES, {"people": 100, "notes": 8, "new": 1}).accept()
    assert journal.writes == [{"notes": 8, "new": 1}]
    counts(journal, FILES, {"people": 100, "notes": 8, "new": 1}).accept()
    assert len(journal.writes) == 1


def test_nothing_is_asked_before_anything_was_read() -> None:
    silent: Any = None
    unread = RowCounts(silent, FILES)
    assert unread.shrunk(0.1) == []
    unread.accept()
