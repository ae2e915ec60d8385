"""Singer taps as a source: any program that speaks the protocol, with its state kept."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from odd_json import ODD, arrived, odd_record
from one_engine import empty_database

from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source
from headrace.sources.taps.singer import SingerSource, TapOptions
from headrace.testkit.source_suite import SourceSuite, source_suite

TAP = """
import argparse, json, os, sys
p = argparse.ArgumentParser()
for name in ("--config", "--catalog", "--state"):
    p.add_argument(name)
p.add_argument("--discover", action="store_true")
a = p.parse_args()
config = json.load(open(a.config))
schema = {"properties": {"id": {"type": "integer"}, "total": {"type": ["null", "number"]},
          "note": {"type": ["null", "string"]}, "lines": {"type": "array"}}}
streams = [{"tap_stream_id": n, "schema": schema, "metadata": []} for n in ("Invoices", "refunds")]
if a.discover:
    print(json.dumps({"streams": streams}, indent=2))
    sys.exit()
if config.get("broken"):
    sys.exit("invalid key " + config["api_key"])
say = lambda m: print(json.dumps(m), flush=True)
since = json.load(open(a.state))["since"] if a.state else 0
print("INFO starting")
for stream in json.load(open(a.catalog))["streams"]:
    if not stream["schema"]["selected"]:
        continue
    say({"type": "SCHEMA", "stream": stream["tap_stream_id"], "schema": schema,
         "key_properties": ["id"]})
    if stream["tap_stream_id"] == "Invoices":
        rows = json.load(open(config["rows"]))
        for row in rows:
            if row["at"] >= since:
                say({"type": "RECORD", "stream": "Invoices", "record": row})
        say({"type": "STATE", "value": {"since": max(r["at"] for r in rows)}})
if os.path.exists(config["rows"] + ".dies"):
    sys.exit(1)
"""


@pytest.fixture
def tap(tmp_path: Path) -> Path:
    (tmp_path / "tap.py").write_text(TAP)
    _rows(tmp_path, [{"id": 1, "at": 1, "total": 1.5}, {"id": 2, "at": 2, "total": None}])
    return tmp_path


def _rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "rows.json").write_text(json.dumps(rows))


def _source(folder: Path, config: dict[str, Any] | None = None, **options: Any) -> SingerSource:
    config = {"rows": str(folder / "rows.json"), "api_key": "sk_live_12345678"} | (config or {})
    command = [sys.executable, str(folder / "tap.py")]
    return SingerSource(folder, "", {"command": command, "config": config} | options)


def _kept(folder: Path) -> Path:
    """The only folder with what is kept."""
    (found,) = (one for one in (folder / "tap-state").iterdir() if one.is_dir())
    return found


def _stage(source: SingerSource, name: str = "invoices") -> Any:
    connection = empty_database()
    source.stage(connection, [name])
    return connection.sql(f"from source.{name}")


def test_streams_are_tables(tap: Path) -> None:
    assert _source(tap).tables() == {"invoices", "refunds"}
    found = _stage(_source(tap)).select("id, total").order("id")
    assert found.fetchall() == [(1, 1.5), (2, None)]


def test_columns_without_values_have_the_schemas_types(tap: Path) -> None:
    _rows(tap, [{"id": 1, "at": 1, "total": None}])
    found = _stage(_source(tap))
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    assert kinds == {
        "id": "BIGINT",
        "at": "BIGINT",
        "total": "DOUBLE",
        "note": "VARCHAR",
        "lines": "JSON",
    }
    found = _stage(_source(tap), "refunds")
    assert found.fetchall() == []
    assert set(found.columns) == {"id", "total", "note", "lines"}


def test_a_tap_goes_on_where_it_stopped_and_the_last_record_of_a_key_counts(tap: Path) -> None:
    source = _source(tap, state="tap-state")
    assert _stage(source).select("id, total").order("id").fetchall() == [(1, 1.5), (2, None)]
    # The tap gives what is new since its state: 1 was deleted or is old, 2 changed, 3 is new.
    _rows(tap, [{"id": 2, "at": 3, "total": 7}, {"id": 3, "at": 4, "total": 8}])
    found = _stage(_source(tap, state="tap-state")).select("id, total").order("id").fetchall()
    assert found == [(1, 1.5), (2, 7), (3, 8)]
    # The sweep reads everything again and detects deletions.
    os.utime(_kept(tap) / "begun", (0, 0))
    found = _stage(_source(tap, state="tap-state")).select("id, total").order("id").fetchall()
    assert found == [(2, 7), (3, 8)]


def test_accounts_that_share_a_folder_do_not_share_records(tap: Path) -> None:
    other = tap / "other"
    other.mkdir()
    _rows(other, [{"id": 8, "at": 1, "total": 3}, {"id": 9, "at": 2, "total": 4}])
    configs: list[tuple[dict[str, str], list[int]]] = [
        ({}, [1, 2]),
        ({"rows": str(other / "rows.json")}, [8, 9]),
    ]
    for _ in range(2):
        for config, ids in configs:
            source = _source(tap, config, state="tap-state", sweep=30)
            found = _stage(source).select("id").order("id").fetchall()
            assert found == [(id,) for id in ids]
    folders = [one for one in (tap / "tap-state").iterdir() if one.is_dir()]
    assert len(folders) == 2
    for folder in folders:
        os.utime(folder / "begun", (0, 0))
    _stage(_source(tap, state="tap-state"))
    assert _kept(tap) in folders, "what was not read for a week is forgotten"


def test_two_that_read_one_account_take_turns(tap: Path) -> None:
    _stage(_source(tap, state="tap-state"))
    lock = next((tap / "tap-state").glob("*.lock"))
    with lock.open() as held, ThreadPoolExecutor(1) as threads:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threads.submit(lambda: _stage(_source(tap, state="tap-state")).fetchall())
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert len(waiting.result(60)) == 2


def test_rounds_do_not_put_off_the_next_sweep(tap: Path) -> None:
    _stage(_source(tap, state="tap-state"))
    half_a_day_ago = time.time() - 12 * 3600
    os.utime(_kept(tap) / "begun", (half_a_day_ago, half_a_day_ago))
    _stage(_source(tap, state="tap-state"))
    assert (_kept(tap) / "begun").stat().st_mtime == pytest.approx(half_a_day_ago, abs=1)


@pytest.mark.parametrize("kept", range(5))
def test_a_round_that_is_killed_while_it_keeps_its_files_loses_nothing(
    tap: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    _stage(_source(tap, state="tap-state"))
    _rows(tap, [{"id": 2, "at": 3, "total": 7}, {"id": 3, "at": 4, "total": 8}])
    replaced: list[str] = []

    def replace(self: Path, target: Path) -> Path:
        if len(replaced) == kept:
            raise KeyboardInterrupt
        replaced.append(target.name)
        return Path(shutil.move(self, target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        if kept < 4:
            with pytest.raises(KeyboardInterrupt):
                _stage(_source(tap, state="tap-state"))
        else:
            _stage(_source(tap, state="tap-state"))
            assert len(replaced) == 4
    # One record has changed again in the meantime, and both are read again where the state is old.
    _rows(tap, [{"id": 2, "at": 5, "total": 9}, {"id": 3, "at": 4, "total": 8}])
    found = _stage(_source(tap, state="tap-state")).select("id, total").order("id").fetchall()
    assert found == [(1, 1.5), (2, 9), (3, 8)]


def test_a_tap_that_fails_loses_nothing_that_was_kept(tap: Path) -> None:
    _stage(_source(tap, state="tap-state"))
    before = (_kept(tap) / "state.json").read_bytes()
    _rows(tap, [{"id": 3, "at": 4, "total": 8}])
    dies = tap / "rows.json.dies"
    dies.touch()
    with pytest.raises(SourceError, match="ended with code 1"):
        _stage(_source(tap, state="tap-state"))
    dies.unlink()
    assert (_kept(tap) / "state.json").read_bytes() == before
    found = _stage(_source(tap, state="tap-state")).select("id").order("id").fetchall()
    assert found == [(1,), (2,), (3,)]


def test_a_taps_last_words_are_told_without_its_secrets(tap: Path) -> None:
    with pytest.raises(SourceError, match=r"invalid key \*\*\*"):
        _stage(_source(tap, {"broken": True}))
    with pytest.raises(SourceError, match="no-such-tap can't be run"):
        SingerSource(tap, "", {"command": "no-such-tap"}).tables()
    with pytest.raises(ConfigurationError, match="needs options"):
        SingerSource(tap, "", {})


def test_messages_may_come_from_a_file(tmp_path: Path) -> None:
    lines = [
        {
            "type": "SCHEMA",
            "stream": "t",
            "schema": {"properties": {"id": {}}},
            "key_properties": ["id"],
        },
        {"type": "RECORD", "stream": "t", "record": {"id": 1, "v": "old"}},
        {"type": "RECORD", "stream": "t", "record": {"id": 1, "v": "new"}},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\nnoise\n"
    text += (
        '{"type": "RECORD", "stream": "t", "record": {"id": 2, "v": "x", "n": 1234567890123456.78}}'
    )
    (tmp_path / "said.jsonl").write_text(text)
    settings = SourceSettings(kind="singer", path="said.jsonl")
    connection = empty_database()
    open_source(settings, tmp_path).stage(connection, ["t"])
    found = connection.execute("select id, v, n from source.t order by id").fetchall()
    assert found == [(1, "new", None), (2, "x", "1234567890123456.78")]
    suite = source_suite(lambda: open_source(settings, tmp_path))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


def test_a_tap_may_have_a_config_of_its_own_to_write_into(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(json.dumps({"token": "first"}))
    (tmp_path / "tap.py").write_text(
        "import json, sys\n"
        "place = sys.argv[sys.argv.index('--config') + 1]\n"
        "token = json.load(open(place))['token']\n"
        "json.dump({'token': 'next'}, open(place, 'w'))\n"
        "schema = {'type': 'object', 'properties': {'id': {'type': 'string'}}}\n"
        "stream = {'stream': 't', 'tap_stream_id': 't', 'schema': schema, 'metadata': []}\n"
        "if '--discover' in sys.argv:\n    print(json.dumps({'streams': [stream]}))\n"
        "    sys.exit()\n"
        "for more in ({'type': 'SCHEMA', 'schema': schema, 'key_properties': ['id']},\n"
        "             {'type': 'RECORD', 'record': {'id': token}}):\n"
        "    print(json.dumps({'stream': 't'} | more))\n"
    )
    book = empty_database()
    command = [sys.executable, str(tmp_path / "tap.py")]
    for _ in range(2):
        source = SingerSource(tmp_path, "", {"command": command, "config": "own.json"})
        source.stage(book, ["t"])
    assert book.execute("select id from source.t").fetchall() == [("next",)]
    assert json.loads((tmp_path / "own.json").read_text()) == {"token": "next"}


def _odd_messages() -> str:
    schema = '{"type": "SCHEMA", "stream": "t", "schema": {}, "key_properties": ["id"]}'
    return f'{schema}\n{{"type": "RECORD", "stream": "t", "record": {odd_record()}}}\n'


def test_every_odd_value_arrives_exact_or_as_its_text(tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").write_text(_odd_messages(), "utf-8")
    found = _stage(SingerSource(tmp_path, "said.jsonl", {}), "t")
    assert arrived(found) == [(kind, value) for _, kind, value in ODD]


_SCHEMA = '{"type": "SCHEMA", "stream": "t", "schema": {}, "key_properties": ["id"]}'


def _said(folder: Path, *messages: str) -> Any:
    text = "\n".join((_SCHEMA, *messages))
    (folder / "said.jsonl").write_text(text, "utf-8")
    return _stage(SingerSource(folder, "said.jsonl", {}), "t")


def _record(text: str) -> str:
    return f'{{"type": "RECORD", "stream": "t", "record": {text}}}'


def test_records_that_strict_json_refuses_arrive(tmp_path: Path) -> None:
    values = ("1", "NaN", "-Infinity", r'"\ud83d"', '"a\tb"')
    lines = (_record(f'{{"id": {n}, "v": {value}}}') for n, value in enumerate(values))
    found = _said(tmp_path, *lines).order("id").fetchall()
    assert [value for _, value in found] == ["1", "NaN", "-Infinity", "\ufffd", "a\tb"]


@pytest.mark.parametrize("line", [_record('{"id": 01}'), _record('{"id": 2}')[:-2]])
def test_a_message_that_cannot_be_read_is_no_record_less(tmp_path: Path, line: str) -> None:
    with pytest.raises(SourceError, match=r"said\.jsonl: line 3 of its messages is not JSON"):
        _said(tmp_path, _record('{"id": 1}'), line, _record('{"id": 3}'))
    with pytest.raises(SourceError, match=r"line 2 of its messages is not JSON"):
        _said(tmp_path, line)


def test_what_else_a_tap_says_is_left_out(tmp_path: Path) -> None:
    found = _said(tmp_path, "INFO {", "{'a': 1}", "{", "{reading}", "", _record('{"id": 1}'))
    assert found.fetchall() == [(1,)]


@pytest.mark.parametrize("kind", ["RECORD", "SCHEMA"])
def test_a_message_without_a_stream_is_named(tap: Path, kind: str) -> None:
    with (tap / "tap.py").open("a") as program:
        program.write(f"say({{'type': '{kind}', 'record': {{}}}})\n")
    with pytest.raises(SourceError, match=f"A {kind} message names no stream"):
        _stage(_source(tap))


def test_a_stream_may_have_a_long_name(tmp_path: Path) -> None:
    long = "n" * 300
    schema = {"type": "SCHEMA", "stream": long, "schema": {"properties": {"": {}, "a": {}}}}
    (tmp_path / "said.jsonl").write_text(json.dumps(schema))
    assert _stage(SingerSource(tmp_path, "said.jsonl", {}), long).columns == ["a"]


@pytest.mark.parametrize("message", ['{"type": "RECORD", "stream": "t"}', _record("[1]")])
def test_a_message_without_a_record_is_named(tmp_path: Path, message: str) -> None:
    with pytest.raises(SourceError, match="Stream t: a RECORD message has no record"):
        _said(tmp_path, message)


@pytest.mark.parametrize("schema", ["null", "[]", '{"properties": null}', '{"properties": []}',
    '{"properties": {"a": true, "id": {"type": 7}, "b": {"type": [null]}}}'])  # fmt: skip
def test_a_schema_may_be_odd(tmp_path: Path, schema: str) -> None:
    odd = f'{{"type": "SCHEMA", "stream": "t", "schema": {schema}, "key_properties": null}}'
    found = _said(tmp_path, odd, _record('{"id": 1}'), _record('{"id": 1}'))
    assert found.select("id").fetchall() == [(1,), (1,)]


def test_records_that_lack_a_part_of_their_key_are_no_versions_of_each_other(
    tmp_path: Path,
) -> None:
    records = ('{"v": 1}', '{"v": 2}', '{"id": null, "v": 3}', '{"id": 1, "v": 4}')
    found = _said(tmp_path, *map(_record, (*records, '{"id": 1, "v": 5}')))
    assert sorted(found.select("v").fetchall()) == [(1,), (2,), (3,), (5,)]
    found = _said(tmp_path, *map(_record, records[:2]))
    assert sorted(found.select("v").fetchall()) == [(1,), (2,)]


def test_a_tap_that_fails_within_a_line_says_why(tap: Path) -> None:
    with (tap / "tap.py").open("a") as program:
        program.write('sys.stdout.write(\'{"type": "REC\')\nsys.stdout.flush()\n')
    with pytest.raises(SourceError, match=r"line \d of its messages is not JSON"):
        _stage(_source(tap))
    with (tap / "tap.py").open("a") as program:
        program.write("sys.exit('the key was revoked')\n")
    with pytest.raises(SourceError, match="the key was revoked"):
        _stage(_source(tap))


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ("{", "Expecting property name"),
        ("[]", "it has no list of streams"),
        ("{}", "it has no list of streams"),
        ('{"streams": null}', "it has no list of streams"),
        ('{"streams": [{"tap_stream_id": "t"}, {"stream": "u"}]}', "its stream 2 has no name"),
        ('{"streams": [7]}', "its stream 1 has no name"),
    ],
)
def test_what_is_no_catalog_is_named(tap: Path, catalog: str, words: str) -> None:
    (tap / "catalog.json").write_text(catalog)
    with pytest.raises(SourceError, match=f"catalog.json is no catalog: {words}"):
        _stage(_source(tap, catalog="catalog.json"))
    with pytest.raises(SourceError, match="none is no catalog: No such file"):
        _stage(_source(tap, catalog="none"))


@pytest.mark.parametrize(
    "metadata", ["null", "7", "[7, {}]", '[{"breadcrumb": [], "metadata": 1}]']
)
def test_what_else_a_catalog_says_may_be_odd(tap: Path, metadata: str) -> None:
    stream = f'{{"tap_stream_id": "Invoices", "schema": 3, "metadata": {metadata}}}'
    (tap / "catalog.json").write_text(f'{{"streams": [{stream}]}}')
    assert len(_stage(_source(tap, catalog="catalog.json")).fetchall()) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stat": "x"}, "there is no option stat; there is command, config, catalog, state, sweep"),
        ({"state": 5}, r"options\.state with kind"),
        ({"sweep": "soon"}, "sweep: 'soon' is not an interval"),
        ({"sweep": -1}, "sweep: it is after 0 hours or more"),
        ({"command": 5}, r"options\.command with kind"),
        ({"command": [["tap"]]}, r"options\.command\[0\] with kind"),
        ({"command": ""}, "needs options"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SingerSource(tmp_path, "", {"command": ["tap"], "config": {}} | options)


def test_a_sweep_is_hours_or_an_interval(tap: Path) -> None:
    for sweep, hours in ((30, 30), (0.5, 0.5), ("2d", 48), ("90m", 1.5)):
        assert TapOptions(sweep=sweep).sweep_s == hours * 3600


def test_a_round_discovers_once_and_keeps_one_schema_of_each_stream(tap: Path) -> None:
    text = (tap / "tap.py").read_text()
    noted = f"open({str(tap / 'starts')!r}, 'a').write(str(a.discover))\nconfig ="
    (tap / "tap.py").write_text(text.replace("config =", noted, 1))
    for _ in range(3):
        source = _source(tap, state="tap-state")
        assert source.tables() == {"invoices", "refunds"}
        _stage(source)
    assert (tap / "starts").read_text() == 3 * "TrueFalse"
    kept = (_kept(tap) / "schemas.jsonl").read_text().splitlines()
    assert [json.loads(line)["stream"] for line in kept] == ["Invoices"]


def test_messages_may_come_on_standard_input(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(
        '[organisation.it]\ntarget = { url = "http://127.0.0.1:1/v1", key = "env:K", '
        'secret = "env:K" }\n[organisation.it.source]\nkind = "singer"\npath = "-"\n'
    )
    command = [sys.executable, "-m", "headrace", "preview", "t", "--json"]
    done = subprocess.run(
        [*command, "--project", str(tmp_path)],
        input=_odd_messages(),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "1234567890123456.78" in done.stdout
    assert "Müller" in done.stdout
