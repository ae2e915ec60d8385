"""PostgreSQL as a source: every type arrives, one snapshot, nothing written, no secret told."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.postgres import PostgresSource


@pytest.fixture
def billing(postgres_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield connection


def _stage(
    billing: psycopg.Connection, name: str = "t", query: str = "", schema: str = ""
) -> duckdb.DuckDBPyConnection:
    connection = empty_database()
    _source(billing, schema, {name: query} if query else {}).stage(connection, [name])
    return connection


def _source(
    billing: psycopg.Connection, schema: str = "", queries: dict[str, str] | None = None
) -> PostgresSource:
    info = billing.info
    url = f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}"
    return PostgresSource(url, schema, queries or {})


TYPES = [
    ("1::int2", "SMALLINT", 1),
    ("99999999999999999::int8", "BIGINT", 99999999999999999),
    ("1.5::float8", "DOUBLE", 1.5),
    ("12.50::numeric", "DECIMAL(38,10)", Decimal("12.5")),
    ("1.10::numeric(12,2)", "DECIMAL(12,2)", Decimal("1.10")),
    ("1e-20::numeric", "VARCHAR", "0.00000000000000000001"),
    ("1e30::numeric", "VARCHAR", "1" + "0" * 30),
    ("'NaN'::numeric", "DECIMAL(38,10)", None),
    ("'NaN'::numeric(12,2)", "DECIMAL(12,2)", None),
    ("5::amount", "DECIMAL(12,2)", Decimal("5.00")),
    ("'12.34'::money", "DECIMAL(38,10)", Decimal("12.34")),
    ("true", "BOOLEAN", True),
    ("'x'::text", "VARCHAR", "x"),
    ("'ab'::char(4)", "VARCHAR", "ab"),
    ("'\\x00ff'::bytea", "BLOB", b"\x00\xff"),
    ("date '2026-01-31'", "DATE", datetime.date(2026, 1, 31)),
    ("'infinity'::date", "DATE", None),
    ("timestamp '2026-01-31 10:00'", "TIMESTAMP", datetime.datetime(2026, 1, 31, 10)),
    ("timestamptz '2026-01-31 10:00+02'", "TIMESTAMP", datetime.datetime(2026, 1, 31, 8)),
    ("'-infinity'::timestamptz", "TIMESTAMP", None),
    ("time '10:00'", "VARCHAR", "10:00:00"),
    ("interval '1 day'", "VARCHAR", "1 day"),
    ("""'{"a": 1}'::json""", "VARCHAR", '{"a": 1}'),
    ("""'{"a":1}'::jsonb""", "VARCHAR", '{"a": 1}'),
    ("array[1, 2]", "VARCHAR", "[1, 2]"),
    ("array[1.5, null]", "VARCHAR", "[1.5, null]"),
    ("'sad'::mood", "VARCHAR", "sad"),
    (
        "'0b6ccb7e-7a5b-4a37-8a0e-2f9d3b1c5e11'::uuid",
        "VARCHAR",
        "0b6ccb7e-7a5b-4a37-8a0e-2f9d3b1c5e11",
    ),
    ("row(1, 'x')::pair", "VARCHAR", '{"a": 1, "b": "x"}'),
    ("'10.0.0.1'::inet", "VARCHAR", "10.0.0.1/32"),
    ("int4range(1, 3)", "VARCHAR", "[1,3)"),
    ("b'101'", "VARCHAR", "101"),
    ("point(1, 2)", "VARCHAR", "(1,2)"),
    ("7::oid", "VARCHAR", "7"),
    ("'n'::name", "VARCHAR", "n"),
]


def test_every_type_arrives_in_a_table_and_in_a_query(billing: psycopg.Connection) -> None:
    billing.execute("create type mood as enum ('glad', 'sad')")
    billing.execute("create domain amount as numeric(12, 2) check (value > 0)")
    billing.execute("create type pair as (a int, b text)")
    columns = ", ".join(f"{expression} as c{place}" for place, (expression, *_) in enumerate(TYPES))
    billing.execute(f"create table t as select {columns}".encode())
    found = _stage(billing).sql("from source.t")
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    assert list(arrived) == [(kind, value) for _, kind, value in TYPES]
    # A query's columns have no declared precision: numeric values decide.
    found = _stage(billing, "q", "select * from t").sql("from source.q")
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    unbound = {"DECIMAL(12,2)": "DECIMAL(38,10)"}
    whole = {Decimal("5.00"): ("BIGINT", 5)}
    assert list(arrived) == [
        whole.get(value, (unbound.get(kind, kind), value)) for _, kind, value in TYPES
    ]


@pytest.mark.parametrize(
    ("precision", "scale"), [(1, 0), (1, 1), (12, 2), (18, 0), (18, 9), (18, 18), (19, 2), (38, 10)]
)
def test_bounded_numbers_arrive_to_the_last_digit(
    billing: psycopg.Connection, precision: int, scale: int
) -> None:
    # From text: arithmetic would round to 28 digits.
    most, least = Decimal(f"{'9' * precision}e-{scale}"), Decimal(f"1e-{scale}")
    billing.execute(f"create table t (n int, c numeric({precision}, {scale}))".encode())
    values = [most, most.copy_negate(), least, least.copy_negate(), Decimal(f"0e-{scale}"), None]
    for n, value in enumerate(values):
        billing.execute("insert into t values (%s, %s)", (n, value))
    billing.execute("insert into t values (99, 'NaN')")
    found = _stage(billing).sql("select c from source.t order by n")
    assert str(found.types[0]) == f"DECIMAL({precision},{scale})"
    assert [row[0] for row in found.fetchall()] == [*values, None]


def test_whole_numbers_of_an_unbounded_numeric_have_no_decimals(
    billing: psycopg.Connection,
) -> None:
    billing.execute("create table t (id numeric, huge numeric, amount numeric, ratio numeric)")
    billing.execute(
        "insert into t values (1.0000000000, 1e30, 1.50, 1e-20), (2, 1e29, 'NaN', 3.0000)"
    )
    found = _stage(billing).sql("from source.t order by id")
    assert list(map(str, found.types)) == ["BIGINT", "VARCHAR", "DECIMAL(38,10)", "VARCHAR"]
    first, second = found.fetchall()
    assert first == (1, "1" + "0" * 30, Decimal("1.5"), "0.00000000000000000001")
    assert second == (2, "1" + "0" * 29, None, "3")


def test_an_empty_table_has_its_columns(billing: psycopg.Connection) -> None:
    billing.execute("create table t (a numeric, b text[], c date)")
    found = _stage(billing).sql("from source.t")
    assert [str(kind) for kind in found.types] == ["DECIMAL(38,10)", "VARCHAR", "DATE"]


def test_names_views_partitions_and_dropped_columns(billing: psycopg.Connection) -> None:
    billing.execute('create table "Odd ""T" ("group by" int, gone int, "Ünï" text)')
    billing.execute("""insert into "Odd ""T" values (1, 2, 'x')""")
    billing.execute('alter table "Odd ""T" drop column gone')
    billing.execute('create view seen as select * from "Odd ""T"')
    billing.execute("create table parted (d date) partition by range (d)")
    billing.execute("create materialized view kept as select 1 as one")
    assert _source(billing).tables() == {'odd "t', "seen", "parted", "kept"}
    assert _stage(billing, 'odd "t').execute('from source."odd ""t"').fetchall() == [(1, "x")]
    assert _stage(billing, "seen").execute("from source.seen").fetchall() == [(1, "x")]


def test_a_schema_of_its_own(billing: psycopg.Connection) -> None:
    billing.execute('create schema "Sales"')
    billing.execute('create table "Sales".t (c int)')
    billing.execute('insert into "Sales".t values (7)')
    billing.execute("create table t (c int)")
    assert _stage(billing, schema="Sales").execute("from source.t").fetchall() == [(7,)]
    found = _stage(billing, "q", "select c + 1 as c from t", "Sales")
    assert found.execute("from source.q").fetchall() == [(8,)]
    with pytest.raises(SourceError, match="no schema missing"):
        _source(billing, "missing").tables()


def test_nothing_can_be_written(billing: psycopg.Connection) -> None:
    billing.execute("create table t (c int)")
    billing.execute("insert into t values (1)")
    billing.execute(
        "create function spoil() returns int language sql as 'delete from t returning c'"
    )
    with pytest.raises(SourceError, match="read-only transaction"):
        _stage(billing, "q", "select spoil() as c")
    assert billing.execute("select count(*) from t").fetchone() == (1,)


def test_all_tables_show_one_moment(billing: psycopg.Connection) -> None:
    billing.execute("create table a (c int)")
    billing.execute("create table b (c int)")

    class Names(list[str]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for name in super().__iter__():
                yield name
                billing.execute("insert into a values (1)")
                billing.execute("insert into b values (1)")

    connection = empty_database()
    _source(billing).stage(connection, Names(["a", "b"]))
    counts = "select (select count(*) from source.a), (select count(*) from source.b)"
    assert connection.execute(counts).fetchall() == [(0, 0)]


def test_a_connection_that_drops_is_one_clear_sentence(billing: psycopg.Connection) -> None:
    suicide = "select pg_terminate_backend(pg_backend_pid())::int as c"
    with pytest.raises(SourceError, match=r"table q: .*terminat") as caught:
        _stage(billing, "q", suicide)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:s3cr%40t@127.0.0.1:1/x",
        "postgresql://bob:s3cr%40t@127.0.0.1:port/x",
        "postgresql://127.0.0.1:1/x?user=bob&password=s3cr%40t",
        "postgresql://bob:s3cr%40t@127.0.0.1:1/x?connect_timeout=soon",
    ],
)
def test_errors_never_tell_a_password(url: str) -> None:
    with pytest.raises(SourceError, match=r"PostgreSQL 127\.0\.0\.1") as caught:
        PostgresSource(url, "", {}).tables()
    assert "s3cr" not in str(caught.value)


def test_a_wrong_database_and_an_unknown_table(billing: psycopg.Connection) -> None:
    info = billing.info
    nowhere = PostgresSource(f"postgresql://{info.user}@{info.host}:{info.port}/nowhere", "", {})
    with pytest.raises(SourceError, match='database "nowhere" does not exist'):
        nowhere.tables()
    billing.execute("create table account_move (c int)")
    with pytest.raises(SourceError, match="Did you mean account_move"):
        _stage(billing, "account_moves")


def test_a_broken_query_names_its_table(billing: psycopg.Connection) -> None:
    with pytest.raises(SourceError, match=r"table q: .*nothing_here"):
        _stage(billing, "q", "select * from nothing_here")


def test_a_table_outside_the_search_path_has_its_schema_before_it(
    billing: psycopg.Connection,
) -> None:
    billing.execute("create schema sales")
    billing.execute('create table sales."Bills" (c int)')
    billing.execute('insert into sales."Bills" values (7)')
    billing.execute("create table t (c int)")
    assert _source(billing).tables() == {"t", "sales.bills"}
    found = _stage(billing, "sales.bills").execute('from source."sales.bills"').fetchall()
    assert found == [(7,)]
    with pytest.raises(SourceError, match=r"no table bills\. Did you mean sales\.bills"):
        _stage(billing, "bills")


@pytest.fixture
def reader(billing: psycopg.Connection) -> Iterator[str]:
    """The address of a user without rights."""
    name = f"reader_{billing.info.dbname}"
    billing.execute(f"create role {name} login".encode())
    try:
        yield f"postgresql://{name}@{billing.info.host}:{billing.info.port}/{billing.info.dbname}"
    finally:
        billing.execute(f"drop owned by {name}".encode())
        billing.execute(f"drop role {name}".encode())


def test_a_missing_grant_is_named(billing: psycopg.Connection, reader: str) -> None:
    billing.execute("create table invoices (c int)")
    billing.execute("create schema sales")
    billing.execute("create table sales.bills (c int)")
    name = Address(reader).user
    with pytest.raises(SourceError) as caught:
        PostgresSource(reader, "", {}).stage(empty_database(), ["invoices"])
    assert "permission denied for table invoices" in str(caught.value)
    assert str(caught.value).endswith(f"Allow it: grant select on invoices to {name}.")
    with pytest.raises(SourceError, match=f"grant usage on schema sales to {name}"):
        PostgresSource(reader, "", {"q": "select * from sales.bills"}).stage(
            empty_database(), ["q"]
        )


def test_a_limit_for_the_time_of_a_statement_is_explained(
    billing: psycopg.Connection, reader: str
) -> None:
    billing.execute(f"alter role {Address(reader).user} set statement_timeout = '50ms'".encode())
    with pytest.raises(SourceError, match="set statement_timeout = 0"):
        PostgresSource(reader, "", {"q": "select 1 as c from pg_sleep(5)"}).stage(
            empty_database(), ["q"]
        )


def test_a_replica_that_ends_the_reading_is_asked_once_more(
    billing: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing.execute("create table t as select 1 as c")
    source = _source(billing)
    stage, asked = source._stage, []

    def conflicting(connection: duckdb.DuckDBPyConnection, names: list[str]) -> dict[str, int]:
        asked.append(names)
        if len(asked) == 1:
            raise SourceError("canceling statement due to conflict with recovery")
        return stage(connection, names)

    monkeypatch.setattr(source, "_stage", conflicting)
    assert source.stage(empty_database(), ["t"]) == {"t": 1}
    assert len(asked) == 2


def test_a_pooler_in_transaction_mode_is_fine(billing: psycopg.Connection) -> None:
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer here: install it")
    info = billing.info
    billing.execute("create schema sales")
    billing.execute(
        "create table sales.bills as select n, 'é' as name from generate_series(1, 50000) n"
    )
    port = _free_port()
    # Not pytest's folder, which is root's alone.
    place = Path(tempfile.mkdtemp(prefix="headrace-bouncer-"))
    place.chmod(0o777)  # it refuses to run as root
    (place / "ini").write_text(
        f"[databases]\n{info.dbname} = host={info.host} port={info.port} user={info.user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        "pool_mode = transaction\nunix_socket_dir =\ndefault_pool_size = 2\n"
    )
    (place / "ini").chmod(0o644)  # a command that ran in this process may have set the umask
    who = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    pooler = subprocess.Popen([program, "-q", str(place / "ini")], **who)  # type: ignore[call-overload]
    try:
        url = f"postgresql://{info.user}@127.0.0.1:{port}/{info.dbname}"
        _wait_for(port)
        for _ in range(3):
            connection = empty_database()
            assert PostgresSource(url, "sales", {"q": "select count(*) as n from bills"}).stage(
                connection, ["bills", "q"]
            ) == {"bills": 50000, "q": 1}
    finally:
        pooler.terminate()
        pooler.wait()
        shutil.rmtree(place)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def test_types_that_are_created_between_two_readings(billing: psycopg.Connection) -> None:
    billing.execute("create table t (id int); insert into t values (1)")
    assert _stage(billing).execute("from source.t").fetchall() == [(1,)]
    billing.execute(
        "create type mood as enum ('glad', 'sad'); alter table t add mood mood, add moods mood[]; "
        "update t set mood = 'sad', moods = '{glad,sad}'"
    )
    for query in ("", "select * from t"):
        read = _stage(billing, query=query).execute("from source.t").fetchall()
        assert read == [(1, "sad", '["glad", "sad"]')]
