"""What models can't reach: files, networks, other databases, the engine's own settings."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.model.errors import ModelError
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source, readable_folders

_CUSTOMERS = "select 'c' as external_id, {name} as name from {table}"
_REACHING = [
    "read_text('/etc/passwd')",
    "read_blob('/etc/hostname')",
    "read_csv('/etc/passwd', header = false, delim = ':')",
    "glob('/etc/*')",
    "'/etc/passwd.csv'",
    "'https://example.com/x.parquet'",
    "read_csv('http://127.0.0.1:9/x.csv')",
    "read_parquet('s3://bucket/x.parquet')",
    "read_text('{folder}/data/../secret.txt')",
    "read_text('{folder}/secret.txt')",
    "read_text('{folder}/data/link')",
    "query('select * from read_text(''{folder}/secret.txt'')')",
    "json_execute_serialized_sql(json_serialize_sql('from read_text(''{folder}/secret.txt'')'))",
]


def _build(folder: Path, sql: str) -> None:
    models = folder / "models"
    models.mkdir(exist_ok=True)
    (models / "customers.sql").write_text(sql)
    (folder / "data").mkdir(exist_ok=True)
    with Book(folder / "own" / "cache.duckdb", readable=[folder / "data"]) as book:
        with book.staging() as connection:
            connection.execute("create or replace table source.clients as select 'N' as name")
        book.build(load_models(models, ["clients"]))


@pytest.mark.parametrize("table", _REACHING)
def test_a_model_that_reaches_out_is_one_clear_error(tmp_path: Path, table: str) -> None:
    (tmp_path / "secret.txt").write_text("root")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret.txt")
    sql = _CUSTOMERS.format(name="'N'", table=table.format(folder=tmp_path))
    with pytest.raises(ModelError, match=r"^customers\.sql") as caught:
        _build(tmp_path, sql)
    assert "nothing else on this machine or in the network" in str(caught.value)
    assert "root" not in str(caught.value).replace(str(tmp_path), "").partition("\n")[0]


@pytest.mark.parametrize(
    "sql",
    [
        "attach '{folder}/x.duckdb' as x",
        "install httpfs",
        "load httpfs",
        "copy (select 1) to '{folder}/data/x.csv'",
        "copy (select 1) to '/tmp/x.csv'",
        "set enable_external_access = true",
        "export database '{folder}/x'",
        "create table source.x as select 1",
        "select 'c' as external_id, 'N' as name; copy (select 1) to '{folder}/data/x.csv'",
    ],
)
def test_a_model_is_one_select(tmp_path: Path, sql: str) -> None:
    with pytest.raises(ModelError, match="must be one SELECT statement and nothing else"):
        _build(tmp_path, sql.format(folder=tmp_path))
    assert not list((tmp_path / "data").iterdir() if (tmp_path / "data").exists() else [])


@pytest.mark.parametrize(
    "sql",
    [
        "attach '{folder}/x.duckdb' as x",
        "install httpfs",
        "load httpfs",
        "copy (select 1) to '{folder}/x.csv'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set allowed_configs = ['enable_external_access']",
        "set lock_configuration = false",
        "reset enable_external_access",
        "set temp_directory = '/etc'",
    ],
)
def test_the_engine_itself_refuses_what_no_model_may(tmp_path: Path, sql: str) -> None:
    with Book(tmp_path / "cache.duckdb") as book, pytest.raises(duckdb.Error):
        book.connection.cursor().execute(sql.format(folder=tmp_path))


_ENDLESS = {"summary"}
"""The engine itself comes to no end with these."""


def test_no_function_of_the_engine_shows_a_file_makes_one_or_changes_a_setting(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret.txt").write_text("a,b\nhunter2,1\n")
    (tmp_path / "data").mkdir()
    target, made = tmp_path / "secret.txt", tmp_path / "made"
    with Book(tmp_path / "own" / "cache.duckdb", readable=[tmp_path / "data"]) as book:
        cursor = book.connection.cursor()
        names = cursor.execute(
            "select distinct function_name, function_type in ('scalar', 'macro') "
            "from duckdb_functions() where function_type not in ('aggregate', 'window') "
            "and regexp_full_match(function_name, '[a-z_0-9]+')"
        ).fetchall()
        settings = cursor.execute("from duckdb_settings() order by name").fetchall()
        there = set(tmp_path.rglob("*"))
        for name, scalar in names:
            for given in (f"'{target}'", f"'{target}', '{made}'", f"['{target}']", ""):
                if name in _ENDLESS:
                    continue
                call = f"{name}({given})"
                try:
                    rows = cursor.execute(f"{'select' if scalar else 'from'} {call}").fetchmany(9)
                except (duckdb.Error, RuntimeError) as error:
                    rows = [str(error)]
                assert "hunter2" not in str(rows), call
        assert cursor.execute("from duckdb_settings() order by name").fetchall() == settings
        assert cursor.execute("from duckdb_secrets()").fetchall() == []
    assert set(tmp_path.rglob("*")) <= there


def test_files_of_the_sources_folder_are_read_and_what_outgrows_memory_spills(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "names.csv").write_text("name\nAnna\n")
    _build(tmp_path, _CUSTOMERS.format(name="name", table=f"'{tmp_path}/data/names.csv'"))
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        book.connection.execute("set memory_limit = '30MB'")
        # The sort needs three times of that.
        rows = book.connection.execute(
            "select count(*) from (select repeat(hash(range)::varchar, 4) as m "
            "from range(1_000_000) order by m offset 1)"
        ).fetchall()
    assert rows == [(999_999,)]


def test_a_csv_that_has_to_be_mended_first_is_staged_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "clients.csv").write_bytes(b"id,name\r\n1,Anna\n2,Ben\r\n")
    settings = SourceSettings(kind="files", path="data/../data", tables={"ids": "../data/cl*.csv"})
    readable = readable_folders(settings, tmp_path)
    source = open_source(settings, tmp_path)
    book = Book(tmp_path / "own" / "cache.duckdb", readable=readable)
    with book, book.staging() as connection:
        assert source.stage(connection, ["clients", "ids"]) == {"clients": 2, "ids": 2}
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["cache.duckdb"]


def test_a_model_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "customers.sql").write_bytes(b"select\n'Caf\xe9' as name")
    with pytest.raises(ModelError, match=r"customers\.sql, line 2 is not UTF-8"):
        load_models(tmp_path / "models", [])


def test_an_open_book_keeps_no_threads_of_its_own(tmp_path: Path) -> None:
    """With many organisations there would be thousands."""
    settings = "current_setting('threads')::int, current_setting('async_threads')::int"
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        assert book.connection.execute(f"select {settings}").fetchall() == [(1, 0)]
