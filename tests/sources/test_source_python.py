"""A user's generators as a source: every value arrives exactly, and errors name their line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.model.source_settings import Incremental, SourceSettings
from headrace.sources.moved import stage_moved
from headrace.sources.programs.python_source import PythonSource
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite
from virtual_time import VirtualClock

ID = "0b6ccb7e-7a5b-4a37-8a0e-2f9d3b1c5e11"
ODD = [
    ("2**64 - 1", "VARCHAR", str(2**64 - 1)),
    ("2**100", "VARCHAR", str(2**100)),
    ("7", "BIGINT", 7),
    ("0.1 + 0.2", "DOUBLE", 0.1 + 0.2),
    ("float('nan')", "VARCHAR", "nan"),
    ("Decimal('12345678901234567890.1234567891')", "VARCHAR", "12345678901234567890.1234567891"),
    ("Decimal('1.10')", "VARCHAR", "1.10"),
    ("date(2026, 1, 31)", "VARCHAR", "2026-01-31"),
    ("datetime(2026, 1, 31, 10, tzinfo=timezone.utc)", "VARCHAR", "2026-01-31T10:00:00+00:00"),
    ("timedelta(hours=100)", "VARCHAR", "4 days, 4:00:00"),
    ("b'\\x00\\xff'", "VARCHAR", "\\x00ff"),
    ("'a\\0b'", "VARCHAR", "a\0b"),
    ("'😀 é'", "VARCHAR", "😀 é"),
    ("'cut \\ud83d'", "VARCHAR", "cut \ufffd"),
    ("['\\ud83d', {'\\ude00': 1}]", "JSON", '["\ufffd",{"\ufffd":1}]'),
    ("True", "BOOLEAN", True),
    ("None", "VARCHAR", None),
    ("[Decimal('1.10'), None]", "JSON", '["1.10",null]'),
    ("{'a': {'b': date(2026, 1, 31)}}", "JSON", '{"a":{"b":"2026-01-31"}}'),
    (f"UUID('{ID}')", "VARCHAR", ID),
]  # fmt: skip
HEAD = """
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
"""


def _stage(folder: Path, text: str, name: str = "t", **options: Any) -> Any:
    (folder / "billing.py").write_text(text, "utf-8")
    connection = empty_database()
    PythonSource(folder / "billing.py", options).stage(connection, [name])
    return connection.sql(f"from source.{name}")


def test_every_odd_value_arrives_exactly(tmp_path: Path) -> None:
    record = ", ".join(f"'c{n}': {value}" for n, (value, *_) in enumerate(ODD))
    found = _stage(tmp_path, f"{HEAD}\ndef t():\n    yield {{{record}}}\n")
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    assert list(arrived) == [(kind, value) for _, kind, value in ODD]


def test_functions_are_tables_and_take_options(tmp_path: Path) -> None:
    text = (
        "from helper import PAGE\nprint('hello')\n"
        "def Invoices(options):\n    yield {'id': options['first'] + PAGE}\n"
        "def refunds():\n    return []\ndef _own(): ...\ndef two(a, b): ...\n"
    )
    (tmp_path / "helper.py").write_text("PAGE = 10\n")
    assert _stage(tmp_path, text, "invoices", first=1).fetchall() == [(11,)]
    assert _stage(tmp_path, text, "refunds").fetchall() == []
    assert PythonSource(tmp_path / "billing.py", {}).tables() == {"invoices", "refunds"}


def test_a_function_with_since_yields_only_what_is_new_until_the_sweep(tmp_path: Path) -> None:
    file, clock = tmp_path / "billing.py", VirtualClock()
    text = (
        "import json\n"
        "def bills(options, since):\n    print(since, file=open(options['log'], 'a'))\n"
        "    for one in json.load(open(options['rows'])):\n"
        "        if since is None or one['at'] >= since:\n            yield one\n"
        "def others(options):\n    yield {'n': 1}\n"
    )
    file.write_text(text)
    rows, log = tmp_path / "rows.json", tmp_path / "log"
    cursors = {"bills": Incremental(cursor="at", overlap="10s")}
    book = empty_database()

    def read(*found: tuple[int, int, str]) -> tuple[list[tuple[int, str]], str]:
        rows.write_text(json.dumps([{"id": i, "at": at, "name": n} for i, at, n in found]))
        log.write_text("")
        options = {"rows": str(rows), "log": str(log)}
        counts = PythonSource(file, options, cursors, clock).stage(book, ["bills", "others"])
        kept = book.execute("select id, name from source.bills order by id").fetchall()
        assert counts == {"bills": len(kept), "others": 1}
        return kept, log.read_text().strip()

    assert read((1, 100, "a"), (2, 200, "b")) == ([(1, "a"), (2, "b")], "None")
    assert read((1, 100, "a"), (2, 210, "c"), (3, 205, "d")) == (
        [(1, "a"), (2, "c"), (3, "d")],
        "190",
    )
    assert read((2, 220, "e")) == ([(1, "a"), (2, "e"), (3, "d")], "200")
    file.write_text(text + "# changed\n")
    assert read((2, 220, "e")) == ([(2, "e")], "None")
    clock.seconds += 86_400
    assert read((4, 1, "f")) == ([(4, "f")], "None")
    with pytest.raises(SourceError, match=r"billing\.py has no table bill"):
        cursors["bill"] = cursors["bills"]
        read()


@pytest.mark.parametrize(
    ("cursor", "words"),
    [
        (Incremental(cursor="nope"), "has a field nope: check cursor in .source.incremental.bills"),
        (Incremental(cursor="at", key="no"), "No record of bills has a field no: check key in"),
    ],
)
def test_a_cursor_or_key_that_no_record_has_is_named(
    tmp_path: Path, cursor: Incremental, words: str
) -> None:
    file = tmp_path / "billing.py"
    file.write_text("def bills(options, since):\n    yield {'id': 1, 'at': 5}\n    yield {}\n")
    book = empty_database()
    with pytest.raises(SourceError, match=words):
        PythonSource(file, {}, {"bills": cursor}).stage(book, ["bills"])
    PythonSource(file, {}, {"bills": Incremental(cursor="at")}).stage(book, ["bills"])
    assert len(book.execute("from source.bills").fetchall()) == 2


def test_a_record_from_the_future_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    file, given, clock = tmp_path / "billing.py", tmp_path / "rows.json", VirtualClock()
    file.write_text(
        "import json\n"
        "def bills(options, since):\n"
        "    for id, at in json.load(open(options['rows'])):\n"
        "        if since is None or at >= since:\n            yield {'id': id, 'at': at}\n"
    )
    cursors = {"bills": Incremental(cursor="at", overlap="1s")}
    book = empty_database()
    rows = [(1, "2026-11-19T10:00:00Z"), (2, "9999-12-31T00:00:00Z")]
    for minute in range(3):
        given.write_text(json.dumps(rows))
        PythonSource(file, {"rows": str(given)}, cursors, clock).stage(book, ["bills"])
        found = book.execute("select id from source.bills order by id").fetchall()
        assert found == [(id,) for id, _ in rows]
        rows.append((3 + minute, f"2026-11-20T00:{minute:02}:00Z"))
        clock.seconds += 60


def test_an_error_names_its_line_and_no_secret(tmp_path: Path) -> None:
    text = (
        "def t(options):\n    yield {'id': 1}\n    raise ValueError('key ' + options['api_key'])\n"
    )
    with pytest.raises(
        SourceError, match=r"ValueError: key \*\*\* \(billing\.py, line 3\)"
    ) as caught:
        _stage(tmp_path, text, api_key="sk_live_12345678")
    assert "sk_live" not in str(caught.value)
    with pytest.raises(SourceError, match=r"billing\.py, line 1 can't be read"):
        _stage(tmp_path, "def t(:\n")
    with pytest.raises(SourceError, match="it ended before all records were read"):
        _stage(tmp_path, "import os\ndef t():\n    yield {'a': 1}\n    os._exit(0)\n")
    with pytest.raises(SourceError, match=r"must be a mapping|record"):
        _stage(tmp_path, "def t():\n    yield 1\n")


def test_the_acceptance_suite_holds(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("def t():\n    yield {'id': 1, 'name': 'é'}\n", "utf-8")
    settings = SourceSettings(kind="python", path="b.py")
    suite = source_suite(lambda: open_source(settings, tmp_path))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


_MARKED = """
def bills(options):
    print("bills", file=open(options["log"], "a"))
    yield {"id": 1}

def clients(options):
    print("clients", file=open(options["log"], "a"))
    yield {"id": 2}

"""


def _marked(folder: Path, function: str) -> PythonSource:
    (folder / "billing.py").write_text(f"{_MARKED}{function}", "utf-8")
    return PythonSource(folder / "billing.py", {"log": str(folder / "log")})


def _read(source: PythonSource, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables that a round reads."""
    log = Path(source._options["log"])
    log.write_text("")
    names = ["bills", "clients"]
    staged = stage_moved(source, connection, names, version="1", now=1e9, sweep=1e9)
    assert staged.rows == {"bills": 1, "clients": 1}
    return log.read_text().split()


def test_nothing_is_read_while_the_files_own_mark_stays(tmp_path: Path) -> None:
    """It is no table, and a change of the code is a change too."""
    value = tmp_path / "value"
    function = f"def mark(options):\n    return open({str(value)!r}).read()\n"
    source, connection = _marked(tmp_path, function), empty_database()
    assert source.tables() == {"bills", "clients"}
    value.write_text("one")
    assert _read(source, connection) == ["bills", "clients"]
    before = source.mark(0.0)
    assert _read(source, connection) == []
    assert source.mark(1.0) == before is not None
    value.write_text("two")
    assert _read(source, connection) == ["bills", "clients"]
    assert _read(source, connection) == []
    assert source.mark(0.0) not in (before, None)
    again = _marked(tmp_path, f"{function}# changed\n")
    assert _read(again, connection) == ["bills", "clients"]


def test_a_mark_for_each_table_reads_those_that_moved_or_have_none(tmp_path: Path) -> None:
    value = tmp_path / "value"
    function = f"def mark():\n    return eval(open({str(value)!r}).read())\n"
    source, connection = _marked(tmp_path, function), empty_database()
    for text, read, certain in (
        ("{'Bills': 1, 'clients': [1, {'a': 2.5}]}", ["bills", "clients"], True),
        ("{'Bills': 1, 'clients': [1, {'a': 2.5}]}", [], True),
        ("{'Bills': 1, 'clients': [1, {'a': 2.25}]}", ["clients"], True),
        ("{'bills': 2, 'clients': None}", ["bills", "clients"], False),
        ("{'bills': 2}", ["clients"], False),
        ("None", ["bills", "clients"], False),
        ("{}", ["bills", "clients"], False),
        ("0", ["bills", "clients"], True),
        ("0", [], True),
        ("False", ["bills", "clients"], True),
        ("''", ["bills", "clients"], True),
    ):
        value.write_text(text)
        assert _read(source, connection) == read, text
        assert (source.mark(0.0) is not None) == certain, text


def test_a_mark_of_no_table_is_an_error(tmp_path: Path) -> None:
    """Else all tables would be read each time, without a word."""
    source = _marked(tmp_path, "def mark(options):\n    return {'client': 1, 'bills': 2}\n")
    with pytest.raises(SourceError, match=r"^mark returned .* has no table client\. Did you mean"):
        source.mark(0.0)


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        ("object()", "object"),
        ("(one for one in 'ab')", "generator"),
        ("[1, {'a': {1, 2}}]", "set"),
        ("{object(): 1}", "object"),
    ],
)
def test_a_mark_that_says_nothing_of_the_contents_is_refused(
    tmp_path: Path, returned: str, kind: str
) -> None:
    """The address of an object would be the same in every process."""
    source = _marked(tmp_path, f"def mark(options):\n    return {returned}\n")
    with pytest.raises(SourceError, match=f"mark returned a {kind}: return text"):
        source.mark(0.0)


def test_an_error_of_the_mark_names_its_line_and_is_no_change(tmp_path: Path) -> None:
    value = tmp_path / "value"
    function = f"def mark(options):\n    return 1 / int(open({str(value)!r}).read())\n"
    source, connection = _marked(tmp_path, function), empty_database()
    value.write_text("1")
    assert _read(source, connection) == ["bills", "clients"]
    value.write_text("0")
    with pytest.raises(SourceError, match=r"ZeroDivisionError: .*billing\.py, line 11"):
        source.mark(0.0)
    with pytest.raises(SourceError):
        _read(source, connection)
    value.write_text("1")
    # A reading that failed may have replaced anything.
    assert _read(source, connection) == ["bills", "clients"]
    assert _read(source, connection) == []
