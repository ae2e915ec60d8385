"""Several sources in one organisation, its own models, shared views and parameters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from headrace.book.book import Book
from headrace.book.queries.sql_tree import read_select
from headrace.model.errors import ConfigurationError, ModelError, SourceError
from headrace.model.project_file import parse_project
from headrace.sources.registry import open_source, readable_folders
from headrace.testkit.source_suite import SourceSuite, source_suite
from project_books import aged

PROJECT = """
[organisation.acme]
parameters = { subsidiary = "FR", year = 2026 }
target = { key = "env:K", secret = "env:S" }
[organisation.acme.source]
kind = "sql"
url = "sqlite:///erp.db"
[organisation.acme.source.bank]
kind = "files"
path = "bank"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "erp.db")) as database:
        database.execute("create table payments (id, name)")
        database.execute("insert into payments values (1, 'erp')")
        database.commit()
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "payments.csv").write_text("id,name\n007,bank\n")
    (tmp_path / "bank" / "refunds.json").write_text('[{"id": 1, "by": "x"}]')
    aged(tmp_path / "bank")
    return tmp_path


def _settings(text: str = PROJECT):  # type: ignore[no-untyped-def]
    return parse_project(text.encode(), "headrace.toml").organisation["acme"]


def test_tables_have_the_names_of_their_sources(folder: Path) -> None:
    source = open_source(_settings().source, folder)
    assert source.tables() == {"payments", "bank.payments", "bank.refunds"}
    connection = duckdb.connect()
    assert source.stage(connection, ["payments", "bank.payments"]) == {
        "payments": 1,
        "bank.payments": 1,
    }
    assert connection.execute("from source.payments").fetchall() == [(1, "erp")]
    assert connection.execute('from source."bank.payments"').fetchall() == [("007", "bank")]
    with pytest.raises(SourceError, match="has no table refunds"):
        source.stage(connection, ["refunds"])
    assert readable_folders(_settings().source, folder) == [folder / "bank"]


def test_named_sources_need_no_main_one(folder: Path) -> None:
    text = PROJECT.replace(
        '[organisation.acme.source]\nkind = "sql"', "[organisation.acme.source.erp]\nkind = 'sql'"
    )
    source = open_source(_settings(text).source, folder)
    assert source.tables() == {"erp.payments", "bank.payments", "bank.refunds"}
    with pytest.raises(SourceError, match=r"no table payments.*Did you mean bank\.payments"):
        source.stage(duckdb.connect(), ["payments"])


def test_an_empty_file_of_a_named_source_keeps_its_columns(folder: Path) -> None:
    connection = duckdb.connect()
    source = open_source(_settings().source, folder)
    source.stage(connection, ["bank.refunds"])
    (folder / "bank" / "refunds.json").write_text("[]")
    assert source.stage(connection, ["bank.refunds"]) == {"bank.refunds": 0}
    assert connection.sql('from source."bank.refunds"').columns == ["id", "by"]


def test_the_acceptance_suite_holds(folder: Path) -> None:
    suite = source_suite(lambda: open_source(_settings().source, folder))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


def test_a_source_that_is_no_source_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no key tabels, did you mean tables"):
        _settings(PROJECT + "[organisation.acme.source.tabels]\nx = 'y'\n")
    with pytest.raises(ConfigurationError, match="kind is needed"):
        _settings(
            PROJECT.replace('kind = "sql"', "").partition("[organisation.acme.source.bank]")[0]
        )


@pytest.mark.parametrize(
    ("sql", "read", "written"),
    [
        ("select id from bank.payments", {"bank.payments"}, 'from "bank.payments" as "payments"'),
        ("select p.id from bank . Payments p", {"bank.payments"}, 'from "bank.payments" p'),
        ('from "Bank"."Open items"', {"bank.open items"}, 'from "bank.open items" as "Open items"'),
        ("select 1\nfrom a join é.b using (id)", {"a", "é.b"}, 'join "é.b" as "b" using (id)'),
        ("from source.bills", {"bills"}, "from source.bills"),
    ],
)
def test_models_read_a_table_by_its_source_and_name(sql: str, read: set[str], written: str) -> None:
    reading = read_select(sql)
    assert reading.tables == read
    assert written in reading.sql
    assert reading.sql.count("\n") == sql.count("\n")
    assert read_select(reading.sql).tables == read


@pytest.fixture
def book(folder: Path) -> Iterator[Book]:
    readable = readable_folders(_settings().source, folder)
    with Book(folder / "data" / "cache.duckdb", folder, readable=readable) as opened:
        opened.set_parameters(_settings().parameters)
        with opened.staging() as connection:
            open_source(_settings().source, folder).stage(connection, ["payments", "bank.payments"])
        yield opened


def _customers(book: Book, folder: Path, own: str = "acme") -> list[tuple[object, ...]]:
    models = book.load(folder / "models", {"payments", "bank.payments"}, own)
    book.build(models)
    book.check()
    book.run_again()
    return book.connection.execute(
        "select external_id, name from book.customers order by all"
    ).fetchall()


def _model(folder: Path, name: str, sql: str) -> None:
    path = folder / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sql, "utf-8")


def test_a_model_joins_tables_of_two_sources(book: Book, folder: Path) -> None:
    _model(
        folder,
        "customers.sql",
        "select payments.id as external_id, name from bank.payments "
        "union all select id, name from payments",
    )
    assert _customers(book, folder) == [("007", "bank"), ("1", "erp")]


def test_an_organisations_own_model_replaces_the_projects(book: Book, folder: Path) -> None:
    _model(folder, "customers.sql", "select id as external_id, name from payments")
    _model(folder, "acme/customers.sql", "select id as external_id, 'own' as name from payments")
    assert _customers(book, folder) == [("1", "own")]
    assert _customers(book, folder, "other") == [("1", "erp")]


def test_models_read_parameters_and_an_unknown_one_is_an_error(book: Book, folder: Path) -> None:
    _model(
        folder,
        "customers.sql",
        "select getvariable('year') as external_id, "
        "getvariable('subsidiary') as name from payments",
    )
    assert _customers(book, folder) == [("2026", "FR")]
    _model(
        folder, "customers.sql", "select id as external_id, getvariable('x') as name from payments"
    )
    with pytest.raises(ModelError, match="no parameter x"):
        _customers(book, folder)


def test_shared_views_are_read_by_name_also_through_others(book: Book, folder: Path) -> None:
    _model(folder, "shared/people.sql", "-- all\nselect id,\n  name from payments;")
    # Its own name means the source's table.
    _model(folder, "shared/payments.sql", "select id, upper(name) as name from payments")
    _model(
        folder,
        "customers.sql",
        "-- ours\nwith x as (select * from people)\nselect id as external_id, name from x",
    )
    assert _customers(book, folder) == [("1", "ERP")]
    _model(folder, "customers.sql", "/* ours */ select id as external_id, name from People")
    assert _customers(book, folder) == [("1", "ERP")]


def test_an_error_in_a_model_with_a_shared_view_names_its_own_line(
    book: Book, folder: Path
) -> None:
    _model(folder, "shared/people.sql", "select id,\n\n name from payments")
    _model(folder, "customers.sql", "select id as external_id,\n  nothing as name\nfrom people")
    with pytest.raises(ModelError, match=r"customers\.sql, line 2"):
        _customers(book, folder)


def test_shared_views_in_a_circle_are_named(book: Book, folder: Path) -> None:
    _model(folder, "shared/a.sql", "select * from b")
    _model(folder, "shared/b.sql", "select * from a")
    _model(folder, "customers.sql", "select id as external_id, name from a")
    with pytest.raises(ModelError, match="in a circle: a, b, a"):
        _customers(book, folder)
