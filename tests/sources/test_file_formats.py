"""Files as other programs write them: encodings, delimiters, titles, and what is not complete."""

from __future__ import annotations

import os
import re
from pathlib import Path

import fsspec
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat, SourceSettings
from headrace.sources.files.folder import FileSource
from headrace.sources.files.places import LocalFolder, RemoteFolder
from headrace.sources.files.settled import wait_until_still
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite
from virtual_time import VirtualClock


def _stage(folder: Path, form: FileFormat | None = None, name: str = "t") -> list[object]:
    connection = empty_database()
    FileSource(folder, {}, form).stage(connection, [name])
    return connection.execute(f'from source."{name}"').fetchall()


def _refused(folder: Path, form: FileFormat | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        _stage(folder, form)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _proposed(message: str) -> FileFormat:
    """The format that a message proposes."""
    found = re.search(r"format = \{ (.*?) \}", message)
    assert found is not None, message
    pairs = dict(part.split(" = ") for part in found[1].split(", "))
    return FileFormat(
        encoding=pairs.get("encoding", "").strip('"'),
        delimiter=pairs.get("delimiter", "").strip('"').replace("\\t", "\t"),
        header=pairs["header"] == "true" if "header" in pairs else None,
        skip=int(pairs["skip"]) if "skip" in pairs else None,
    )


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("latin-1", "Café Müller"),
        ("cp1252", "Café “M” €"),
        ("utf-16", "Café 😀"),
        ("utf-16-le", "Café"),
    ],
)
def test_an_encoding_is_proposed_and_read_when_it_is_said(
    tmp_path: Path, encoding: str, name: str
) -> None:
    (tmp_path / "t.csv").write_bytes(f"id,name\r\n007,{name}\r\n".encode(encoding))
    message = _refused(tmp_path)
    assert "t.csv is not UTF-8: it looks like" in message
    assert _stage(tmp_path, _proposed(message)) == [("007", name)]


def test_an_encoding_is_proposed_for_a_byte_far_down(tmp_path: Path) -> None:
    lines = "".join(f"{n},x\n" for n in range(5000))
    (tmp_path / "t.csv").write_bytes(f"id,name\n{lines}5000,Müller\n".encode("latin-1"))
    message = _refused(tmp_path)
    assert "line 5002 is not UTF-8" in message
    assert _stage(tmp_path, _proposed(message))[-1] == ("5000", "Müller")


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id\né\n".encode("latin-1"))
    assert "is not ascii: it has the byte 0xe9" in _refused(tmp_path, FileFormat(encoding="ascii"))
    with pytest.raises(ValueError, match="no encoding klingon"):
        FileFormat(encoding="klingon")


@pytest.mark.parametrize(
    "text",
    [
        "Name, first;Amount\nMüller;1\nMeier, Jo;2,50\n",
        "A, B, C;D\n1;2\n3;4\n",
        "Nr;Betrag, netto\n1;1,50\n2;2\n",
    ],
)
def test_commas_in_a_header_divided_by_semicolons_do_not_mislead(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")
    assert [len(row) for row in _stage(tmp_path)] == [2, 2]  # type: ignore[arg-type]


def test_a_file_that_could_be_divided_in_two_ways_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Nr, Art;Betrag\n1;1,50\n2;2,50\n")
    message = _refused(tmp_path)
    assert 'could be divided by "," or ";"' in message
    assert _stage(tmp_path, _proposed(message)) == [("1", "1,50"), ("2", "2,50")]


def test_title_lines_are_proposed_to_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Report of ACME\n2026\nid,name\n1,x\n2,y\n")
    message = _refused(tmp_path)
    assert "Try format = { skip = 2 }" in message
    assert _stage(tmp_path, _proposed(message)) == [("1", "x"), ("2", "y")]


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,x\n2,y\n")
    connection = empty_database()
    FileSource(tmp_path, {}, FileFormat(header=False)).stage(connection, ["t"])
    found = connection.sql("from source.t")
    assert found.columns == ["column1", "column2"]
    assert found.fetchall() == [("1", "x"), ("2", "y")]


def test_a_first_line_of_values_is_refused_and_read_as_proposed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("7,2026-01-31,12.50,x\n8,2026-02-01,7.25,y\n")
    message = _refused(tmp_path)
    assert "t.csv, line 1, should have the names of columns, and looks like values" in message
    rows = [("7", "2026-01-31", "12.50", "x"), ("8", "2026-02-01", "7.25", "y")]
    assert _stage(tmp_path, _proposed(message)) == rows
    assert _stage(tmp_path, FileFormat(header=True)) == rows[1:]


def test_years_may_be_the_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,2024,2025,2026\n1,2,3,4\n")
    assert _stage(tmp_path) == [("1", "2", "3", "4")]


def test_one_table_may_be_written_differently(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("n\né\n".encode("latin-1"))
    (tmp_path / "b.csv").write_text("n\né\n", "utf-8")
    settings = SourceSettings(
        kind="files", path=str(tmp_path), formats={"A": FileFormat(encoding="latin-1")}
    )
    connection = empty_database()
    open_source(settings, tmp_path).stage(connection, ["a", "b"])
    assert connection.execute("from source.a union all from source.b").fetchall() == [("é",)] * 2


def test_lines_may_end_in_three_ways(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,n\n1,a\r\n2,b\r3,c\n")
    assert _stage(tmp_path) == [("1", "a"), ("2", "b"), ("3", "c")]


def test_files_that_are_not_read_are_mentioned(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id\n1\n")
    (tmp_path / "invoices.txt").write_text("id\n1\n")
    source = FileSource(tmp_path, {})
    assert source.unread() == ["invoices.txt"]
    with pytest.raises(SourceError, match=r"not read: invoices\.txt.*no table invoices"):
        source.stage(empty_database(), ["invoices"])


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    clock = VirtualClock()
    place = LocalFolder(tmp_path)
    written = []

    def wait(seconds: float) -> None:
        written.append(seconds)
        clock.seconds += seconds
        if len(written) < 10:
            _touch(file, clock.now().timestamp())

    file.write_text("id\n")
    _touch(file, clock.now().timestamp())
    wait_until_still(place, ["t.csv"], 1.0, clock, wait)
    assert sum(written) == pytest.approx(9 * 0.25 + 1.0)


def test_a_file_that_never_stands_still_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    clock = VirtualClock()

    def wait(seconds: float) -> None:
        clock.seconds += seconds
        _touch(file, clock.now().timestamp())

    file.write_text("id\n")
    _touch(file, clock.now().timestamp())
    with pytest.raises(SourceError, match=r"t\.csv is still being written"):
        wait_until_still(LocalFolder(tmp_path), ["t.csv"], 1.0, clock, wait)


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("id\n1\n")
    states = iter([(1, 5, 0), (1, 7, 0)])
    monkeypatch.setattr(LocalFolder, "state", lambda self, name: next(states))
    assert "t.csv was written while it was read" in _refused(tmp_path)


def test_a_mark_says_that_an_export_is_complete(tmp_path: Path) -> None:
    file, mark = tmp_path / "t.csv", tmp_path / "t.csv.done"
    file.write_text("id\n1\n")
    source = FileSource(tmp_path, {}, done="{file}.done")
    with pytest.raises(SourceError, match=r"no t\.csv\.done yet"):
        source.stage(empty_database(), ["t"])
    mark.write_text("")
    assert source.stage(empty_database(), ["t"]) == {"t": 1}
    assert source.unread() == []
    _touch(mark, file.stat().st_mtime - 10)
    with pytest.raises(SourceError, match=r"younger than t\.csv\.done"):
        source.stage(empty_database(), ["t"])


def test_files_may_be_at_any_address() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/exports/t.csv", b"id,name\n007,x\n")
    system.pipe("/exports/daily/i-1.jsonl", b'{"id": 1}\n')
    system.pipe("/exports/daily/i-2.jsonl", b'{"id": 2}\n')
    settings = SourceSettings(
        kind="files", path="memory://exports", tables={"i": "daily/i-*.jsonl"}
    )
    connection = empty_database()
    source = open_source(settings, Path())
    assert source.tables() == {"t", "i"}
    assert source.stage(connection, ["t", "i"]) == {"t": 1, "i": 2}
    assert connection.execute("from source.t").fetchall() == [("007", "x")]
    assert connection.execute("from source.i order by id").fetchall() == [(1,), (2,)]
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


def test_an_address_that_can_not_be_read_is_one_clear_sentence() -> None:
    with pytest.raises(SourceError, match=r"no folder memory://nowhere: check source\.path"):
        FileSource(RemoteFolder("memory://nowhere", {}), {}).tables()
    with pytest.raises(SourceError, match="warp://x can't be opened"):
        RemoteFolder("warp://x", {})
    with pytest.raises(SourceError) as caught:
        RemoteFolder("warp://bob:s3cret-s3cret@x/y", {"token": "tok-12345678"})
    assert "s3cret" not in str(caught.value)


def _touch(path: Path, moment: float) -> None:
    os.utime(path, (moment, moment))
