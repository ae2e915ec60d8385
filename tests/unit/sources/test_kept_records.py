"""Records that are kept between readings of an API."""

from __future__ import annotations

from pathlib import Path

import duckdb

from headrace.sources.programs.kept_records import KeptRecords

DAY = 86_400.0


def test_what_an_earlier_account_left_is_forgotten_after_a_week(tmp_path: Path) -> None:
    book = duckdb.connect()
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"id": "1"}\n')

    def read_whole(place: str, now: float) -> None:
        kept = KeptRecords(book, place)
        with kept.changing():
            kept.replace(["bills"])
            kept.put("bills", "id", lines)
            kept.note(["bills"], {"until": now}, now)

    def places() -> list[str]:
        rows = book.execute("select distinct place from kept.records order by 1").fetchall()
        return [place for (place,) in rows]

    read_whole("key 1", 0.0)
    read_whole("bank", 3 * DAY)
    read_whole("key 2", 7 * DAY)
    assert places() == ["bank", "key 1", "key 2"]
    read_whole("key 2", 8 * DAY)
    assert places() == ["bank", "key 2"]
    assert KeptRecords(book, "key 1").since(["bills"], 8 * DAY, 100 * DAY) is None
    assert KeptRecords(book, "bank").since(["bills"], 8 * DAY, 100 * DAY) == {"until": 3 * DAY}


def test_records_without_a_key_are_all_kept_and_not_twice(tmp_path: Path) -> None:
    kept = KeptRecords(duckdb.connect(), "key")
    given, written = tmp_path / "given.jsonl", tmp_path / "written.jsonl"

    def read(*lines: str) -> list[str]:
        given.write_text("".join(f"{line}\n" for line in lines))
        with kept.changing():
            kept.put("bills", "id", given)
        kept.write("bills", written)
        return sorted(written.read_text().splitlines())

    without = ['{"no": 1}', '{"no": 2, "id": null}']
    assert read(*without, '{"id": 1}') == ['{"id": 1}', *without]
    assert read(*without, '{"id": 1, "no": 3}') == ['{"id": 1, "no": 3}', *without]
    assert read() == ['{"id": 1, "no": 3}', *without]
