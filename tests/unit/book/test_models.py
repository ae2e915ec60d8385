"""Models: read, refused with the file and the remedy, run into canonical tables."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.book.engine.engine import planned_for_models
from headrace.book.models.models import load_models, tables_read
from headrace.model.errors import ModelError
from headrace.sources.files.folder import FileSource

CUSTOMERS = "select id as external_id, name from clients"


def run(folder: Path, **models: str) -> Book:
    (folder / "models").mkdir()
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    book = Book(folder / "cache.duckdb")
    with book.staging() as connection:
        connection.execute(
            "create table source.clients as select 1 as id, ' Upflow SAS ' as name, 'x' as note; "
            "create table source.bills as select 7 as id, 1 as client, 'EUR' as currency, "
            "'12.50' as total, timestamptz '2026-01-01 10:00:00+02' as stamp, "
            "date '2026-02-01' as due"
        )
    book.build(load_models(folder / "models", ["clients", "bills"]))
    return book


def test_ids_become_text_and_dates_become_utc(tmp_path: Path) -> None:
    book = run(
        tmp_path,
        customers=CUSTOMERS,
        invoices="select id as external_id, client as customer_external_id, 'N7' as custom_id, "
        "stamp as issued_at, due as due_date, currency, minor(total, currency) as gross_amount, "
        "minor(total, currency) as net_amount from bills;",
    )
    assert book.connection.execute("from book.customers select external_id, name").fetchall() == [
        ("1", "Upflow SAS")
    ]
    rows = book.connection.execute(
        "from book.invoices select external_id, customer_external_id, gross_amount, "
        "strftime(issued_at, '%Y-%m-%d %H:%M'), strftime(due_date, '%Y-%m-%d %H:%M')"
    ).fetchall()
    assert rows == [("7", "1", 1250, "2026-01-01 08:00", "2026-02-01 00:00")]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({}, "No model makes the table customers"),
        ({"customers": "select id as external_id from clients"}, "lacks the column name"),
        (
            {"customers": "select id as external_id, name, note as vat_nr from clients"},
            "did you mean vat_number",
        ),
        ({"customers": CUSTOMERS, "invoces": "select 1"}, "did you mean invoices"),
        ({"customers": "selec 1"}, "customers.sql, line 1: Parser Error: syntax error"),
        ({"customers": f"{CUSTOMERS}; drop table clients"}, "one SELECT statement"),
        ({"customers": "drop table clients"}, "one SELECT statement"),
        (
            {"customers": "select nme as external_id, name from clients"},
            "customers.sql, line 1: Binder Error",
        ),
        (
            {"customers": "select cast(name as integer) as external_id, name from clients"},
            "minor() and try_cast() keep one bad value",
        ),
    ],
)
def test_a_model_that_can_not_run_is_named(
    tmp_path: Path, models: dict[str, str], said: str
) -> None:
    with pytest.raises(ModelError) as error:
        run(tmp_path, **models)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("customers", "lines"),
    [
        (
            "-- All clients.\n\nselect\n    id as external_id,\n    nme as name\nfrom clients\n",
            [
                'customers.sql, line 5: Binder Error: Referenced column "nme" not found in FROM '
                "clause!",
                '  Candidate bindings: "name", "note"',
                "        nme as name",
                "        ^^^",
                "  clients has: id, name, note",
            ],
        ),
        (
            "select id as external_id,\n  lowr(name) as name from clients",
            [
                "customers.sql, line 2: Catalog Error: Scalar Function with name lowr does not "
                "exist!",
                '  Did you mean "lower"?',
                "      lowr(name) as name from clients",
                "      ^^^^^^^^^^",
                "  clients has: id, name, note",
            ],
        ),
        (
            "select id as external_id,, name from clients",
            [
                'customers.sql, line 1: Parser Error: syntax error at or near ","',
                "    select id as external_id,, name from clients",
                "                             ^",
            ],
        ),
        (
            "/* é */ with clients as (\n select * from clients\n)\nselect id as external_id, nme "
            "as name from clients",
            [
                'customers.sql, line 4: Binder Error: Referenced column "nme" not found in FROM '
                "clause!",
                '  Candidate bindings: "name", "note"',
                "    select id as external_id, nme as name from clients",
                "                              ^^^",
                "  clients has: id, name, note",
            ],
        ),
        (
            "select id as external_id,\n cast(name as date) as name from clients",
            [
                "customers.sql, line 2: Conversion Error: invalid date field format: "
                '" Upflow SAS ", expected format is (YYYY-MM-DD) when casting from source column '
                "name",
                "     cast(name as date) as name from clients",
                "     ^^^^^^^^^^^^^^^^^^",
                "  minor() and try_cast() keep one bad value from stopping the model.",
            ],
        ),
        (
            "select id as external_id, name from clients where minor_units(1, 'EUR', 'strip') = 1",
            ["customers.sql: Invalid Input Error: minor_units knows the processors iso, stripe, "
             "adyen, and not strip",
             "  minor() and try_cast() keep one bad value from stopping the model."],
        ),
    ],
    ids=["column", "function", "syntax", "behind a table of its own name", "value", "processor"],
)  # fmt: skip
def test_an_error_of_the_sql_points_to_its_place_in_the_file(
    tmp_path: Path, customers: str, lines: list[str]
) -> None:
    with pytest.raises(ModelError) as error:
        run(tmp_path, customers=customers)
    assert str(error.value).splitlines() == lines


@pytest.mark.parametrize(
    "customers",
    [
        "with clients as (select * from clients) select id as external_id, name from clients",
        "with clients as (select * from source.clients) select id as external_id, name from "
        "clients",
        "with CLIENTS as materialized (select * from Clients) select id as external_id, name from "
        "clients",
        "with a as (select * from clients), clients as (select * from a union all select * from "
        "clients where false) select id as external_id, name from clients",
        "with bills as (select * from bills), clients as (select c.* from clients c join bills on "
        "bills.client = c.id) select id as external_id, name from clients",
        "\ufeffselect id as external_id, name from clients",
    ],
)
def test_a_common_table_expression_may_have_the_name_of_its_table(
    tmp_path: Path, customers: str
) -> None:
    book = run(tmp_path, customers=customers)
    assert book.connection.execute("select external_id, name from book.customers").fetchall() == [
        ("1", "Upflow SAS")
    ]


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("with c as (select * from c) select * from c", {"c"}),
        ("with c as (select * from source.c) select * from c", {"c"}),
        ("with recursive r as (select 1 as n union all select n from r) select * from r", set()),
        ("with a as (select * from b), b as (select * from b, a) select * from b", {"b"}),
        ("select (with d as (select * from d) select max(n) from d) from e", {"d", "e"}),
    ],
)
def test_a_name_counts_as_a_table_where_no_expression_has_it(sql: str, tables: set[str]) -> None:
    assert tables_read(sql) == tables


@pytest.mark.parametrize(
    "refunds",
    [
        "select id as external_id, client as customer_external_id, 'EUR' as currency, "
        "minor(total - coalesce(fee, 0), 'EUR') as amount, to_timestamp(day) as validated_at "
        "from refunds where status = 'done'",
        "select r.id as external_id, c.id as customer_external_id, r.currency, "
        "minor_units(sum(r.total), r.currency, 'stripe') as amount, max(r.day) as validated_at "
        "from clients c join refunds r on r.client = c.id group by r.id, c.id, r.currency",
        "with r as (select * from refunds) select r.data ->> 'id' as external_id, "
        "upper(r.client) as customer_external_id, 'EUR' as currency, 1 as amount, day as "
        "validated_at from (select data, client, day from refunds) as r",
    ],
)
def test_a_table_of_which_nothing_is_known_yet_stops_no_model(tmp_path: Path, refunds: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "customers.sql").write_text(CUSTOMERS)
    (tmp_path / "models" / "refunds.sql").write_text(refunds)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "refunds.jsonl").write_text("\n")
    (tmp_path / "data" / "clients.jsonl").write_text('{"id": 1, "name": "A"}')
    source = FileSource(tmp_path / "data", {})
    with Book(tmp_path / "cache.duckdb", readable=[tmp_path]) as book:
        for _ in range(2):
            with book.staging() as connection:
                source.stage(connection, ["clients", "refunds"])
            book.build(load_models(tmp_path / "models", ["clients", "refunds"]))
            book.check()
            book.run_again()
            assert book.counts() == {"customers": 1, "refunds": 0}
            assert book.problems() == []


def test_an_export_that_became_empty_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "refunds.json"
    with Book(tmp_path / "book" / "cache.duckdb", readable=[tmp_path]) as book:
        for text in ('[{"id": 1, "part": 1.5}]', "[]", ""):
            path.write_text(text)
            with book.staging() as connection:
                FileSource(tmp_path, {}).stage(connection, ["refunds"])
        found = book.connection.execute("from staging.source.refunds")
        assert [(column[0], str(column[1])) for column in found.description or ()] == [
            ("id", "BIGINT"),
            ("part", "DOUBLE"),
        ]


def test_the_tables_that_a_model_names() -> None:
    sql = (
        "with x as (select * from Foo f join other.baz using (id)) "
        "select 1 from x, invoices where a in (select z from q) union all select 1 from (from t2)"
    )
    assert tables_read(sql) == {"foo", "other.baz", "invoices", "q", "t2"}


def test_without_a_models_folder_the_source_is_taken_as_it_stands(tmp_path: Path) -> None:
    models = load_models(tmp_path / "models", ["customers", "invoices", "unrelated"])
    assert [model.table.name for model in models] == ["customers", "invoices"]


def test_several_threads_may_look_at_models_at_once() -> None:
    def look(number: int) -> set[frozenset[str]]:
        return {tables_read(f"select {number} from t{number}") for _ in range(100)}

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(look, range(8)))
    assert found == [{frozenset([f"t{number}"])} for number in range(8)]


_SPARED = "current_setting('disabled_optimizers')"


def _planned_without(text: str | None) -> set[str]:
    return set((text or "").split(",")) - {""}


def test_models_are_planned_with_all_that_bounds_their_time_whatever_the_size(
    tmp_path: Path,
) -> None:
    """A tiny book's own statements go without nearly all steps of planning, which would let a model
    that joins in an odd order become slow."""
    model = f"select 'c' as external_id, {_SPARED} as name from clients"
    models = tmp_path / "models"
    models.mkdir()
    (models / "customers.sql").write_text(model)
    bounding = {"join_order", "filter_pushdown", "filter_pullup", "deliminator", "in_clause"}
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        with book.staging() as connection:
            connection.execute("create or replace table source.clients as select 'N' as name")
        for rows in (1, 1_000_000, 1):
            book.allot(rows)
            book.build(load_models(models, ["clients"]))
            name, own = book.connection.execute(
                f"select name, {_SPARED} from book.customers"
            ).fetchall()[0]
            spared, by_models = _planned_without(own), _planned_without(name)
            assert not by_models & bounding
            if rows == 1:
                assert by_models < spared and "join_order" in spared
                assert "filter_pushdown" not in spared
            else:
                assert not by_models and not spared


def test_reading_a_source_is_planned_alike_after_rounds_of_any_size(tmp_path: Path) -> None:
    """How many rows will be read is not known before."""
    seen = []
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        for rows in (1, 1_000_000, 1):
            with book.staging() as connection:
                seen += connection.execute(f"select {_SPARED}").fetchall()
            book.allot(rows)
    assert len(set(seen)) == 1
    assert not _planned_without(seen[0][0]) & {"filter_pushdown", "unused_columns"}


def test_after_reading_the_limits_are_those_allotted_before_or_those_of_few_rows(
    tmp_path: Path,
) -> None:
    with Book(tmp_path / "own" / "cache.duckdb") as book:

        def limits() -> tuple[object, ...]:
            sql = f"select {_SPARED}, current_setting('threads'), current_setting('memory_limit')"
            return book.connection.execute(sql).fetchall()[0]

        with book.staging():
            reading = limits()
        of_few = limits()
        for rows in (1, 5_000_000):
            book.allot(rows)
            before = limits()
            assert before[0] != reading[0] and (before == of_few) == (rows == 1)
            with book.staging():
                assert limits()[0] == reading[0]
            assert limits() == before, rows


def test_the_log_of_a_small_file_that_stays_open_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "own" / "cache.duckdb.wal"
    sizes = []
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        for _ in range(20):
            with book.staging() as connection:
                connection.execute(
                    "create or replace table source.clients as "
                    "select i as id, md5(i::varchar) || md5((-i)::varchar) as name "
                    "from range(10_000) as t(i)"
                )
            book.allot(10_000)
            sizes.append(log.stat().st_size if log.exists() else 0)
    assert max(sizes) > 500_000, "the file was written at each reading"
    assert max(sizes) < 8_000_000 and sizes != sorted(sizes)
    assert not log.exists()


def test_large_tables_are_written_to_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own" / "cache.duckdb"
    with Book(path) as book:
        with book.staging() as connection:
            connection.execute(
                "create table source.clients as select i as id from range(20_000) as t(i)"
            )
        book.allot(20_000)
        log = path.with_name("cache.duckdb.wal")
        assert not log.exists() or log.stat().st_size == 0


def test_a_model_that_joins_in_an_odd_order_makes_no_needless_pairs(tmp_path: Path) -> None:
    """`a` and `c` have nothing in common but `b`, which comes last."""
    sql = "explain select count(*) from a, c, b where a.id = b.id and b.other = c.other"
    tables = ["staging.source.a", "staging.source.b", "staging.source.c"]
    with Book(tmp_path / "own" / "cache.duckdb") as book:
        with book.staging() as connection:
            for name in tables:
                connection.execute(f"create table {name} as select 1 as id, 2 as other")
        book.allot(3)
        with book.sources() as sources:
            own = str(sources.execute(sql).fetchall())
            with planned_for_models(book.connection):
                planned = str(sources.execute(sql).fetchall())
    assert "Cross Product" in own
    assert "Cross Product" not in planned and "Hash Join" in planned


@pytest.mark.parametrize(("name", "found"), [("random()::varchar", ["customer"]), ("'A'", [])])
def test_a_model_that_draws_lots_is_found_over_a_single_row(
    tmp_path: Path, name: str, found: list[str]
) -> None:
    (tmp_path / "customers.sql").write_text(f"select id as external_id, {name} as name from one")
    with Book(tmp_path / "cache.duckdb") as book:
        with book.staging() as connection:
            connection.execute("create table source.one as select 1 as id")
        book.build(load_models(tmp_path, ["one"]))
        book.check()
        book.run_again()
        assert [problem.entity for problem in book.problems()] == found
