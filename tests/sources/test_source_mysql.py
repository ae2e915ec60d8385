"""MySQL and MariaDB as a source: every odd value arrives exactly, one snapshot, nothing written."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.databases import mysql_session
from headrace.sources.databases.mysql import MysqlSource
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite
from mariadb import run_mariadb, running_mariadb


def _stage(
    url: str, name: str = "t", query: str = "", schema: str = ""
) -> duckdb.DuckDBPyConnection:
    connection = empty_database()
    MysqlSource(url, schema, {name: query} if query else {}).stage(connection, [name])
    return connection


UUID = "0b6ccb7e-7a5b-4a37-8a0e-2f9d3b1c5e11"
ODD = [
    ("int", "-1", "BIGINT", -1),
    ("tinyint(1)", "1", "BIGINT", 1),
    ("bigint unsigned", "18446744073709551615", "HUGEINT", 2**64 - 1),
    ("bigint", "-9223372036854775808", "BIGINT", -(2**63)),
    ("int(10) unsigned zerofill", "7", "BIGINT", 7),
    ("year", "2026", "BIGINT", 2026),
    ("bit(1)", "1", "BIGINT", 1),
    ("bit(64)", "18446744073709551615", "HUGEINT", 2**64 - 1),
    ("decimal(12,2)", "-1.10", "DECIMAL(12,2)", Decimal("-1.10")),
    ("decimal(5,2) unsigned", "999.99", "DECIMAL(5,2)", Decimal("999.99")),
    (
        "decimal(30,10)",
        "12345678901234567890.1234567891",
        "DECIMAL(30,10)",
        Decimal("12345678901234567890.1234567891"),
    ),
    ("decimal(65,5)", "1" * 60 + ".10000", "VARCHAR", "1" * 60 + ".10000"),
    ("float", "123456.78125", "FLOAT", 123456.78125),
    ("double", "0.30000000000000004", "DOUBLE", 0.1 + 0.2),
    ("date", "'2026-01-31'", "DATE", datetime.date(2026, 1, 31)),
    ("date", "'0000-00-00'", "VARCHAR", "0000-00-00"),
    ("date", "'2026-02-00'", "VARCHAR", "2026-02-00"),
    ("date", "'2026-00-10'", "VARCHAR", "2026-00-10"),
    ("date", "'2026-02-31'", "VARCHAR", "2026-02-31"),
    ("date", "'9999-12-31'", "DATE", datetime.date(9999, 12, 31)),
    (
        "datetime(6)",
        "'2026-01-31 10:00:00.000001'",
        "TIMESTAMP",
        datetime.datetime(2026, 1, 31, 10, 0, 0, 1),
    ),
    ("datetime", "'0000-00-00 00:00:00'", "VARCHAR", "0000-00-00 00:00:00"),
    ("time(3)", "'-838:59:59.5'", "VARCHAR", "-838:59:59.500"),
    ("time", "'100:00:01'", "VARCHAR", "100:00:01"),
    ("json", """'{"a": 1.10}'""", "VARCHAR", '{"a": 1.10}'),
    ("enum('x','y')", "'y'", "VARCHAR", "y"),
    ("set('a','b')", "'a,b'", "VARCHAR", "a,b"),
    ("blob", "x'00ff'", "BLOB", b"\x00\xff"),
    ("varbinary(3)", "x'ff00'", "BLOB", b"\xff\x00"),
    ("varchar(20) character set latin1", "'é€ÿ'", "VARCHAR", "é€ÿ"),
    ("varchar(20) character set utf8mb4", "'😀 é'", "VARCHAR", "😀 é"),
    ("varchar(20) character set ucs2", "'ß'", "VARCHAR", "ß"),
    ("varchar(20) collate utf8mb4_bin", "'é'", "VARCHAR", "é"),
    ("varchar(20)", "'a\\0b'", "VARCHAR", "a\0b"),
    ("varchar(20)", "''", "VARCHAR", ""),
    ("varchar(20)", "null", "VARCHAR", None),
    ("date", "null", "DATE", None),
    ("bigint unsigned", "null", "HUGEINT", None),
    ("char(5)", "'0100'", "VARCHAR", "0100"),
    ("uuid", f"'{UUID}'", "VARCHAR", UUID),
    ("inet6", "'::1'", "VARCHAR", "::1"),
]  # fmt: skip
"""Type, value as SQL, and what models see."""


def test_every_odd_value_arrives_exactly_in_a_table_and_in_a_query(mariadb_database: str) -> None:
    columns = ", ".join(f"c{place} {kind} null" for place, (kind, *_) in enumerate(ODD))
    values = ", ".join(value for _, value, *_ in ODD)
    run_mariadb(mariadb_database, f"create table t ({columns})", f"insert into t values ({values})")
    for name, query in (("t", ""), ("q", "select * from t;")):
        found = _stage(mariadb_database, name, query).sql(f"from source.{name}")
        arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
        assert list(arrived) == [(kind, value) for *_, kind, value in ODD]


def test_a_timestamp_is_in_utc_whatever_the_servers_zone(mariadb_database: str) -> None:
    run_mariadb(
        mariadb_database,
        "create table t (at timestamp)",
        "set time_zone = '+05:30'",
        "insert into t values ('2026-01-31 10:00:00')",
    )
    found = _stage(mariadb_database).execute("from source.t").fetchall()
    assert found == [(datetime.datetime(2026, 1, 31, 4, 30),)]


def test_one_odd_day_makes_its_column_text_and_no_other(mariadb_database: str) -> None:
    run_mariadb(
        mariadb_database,
        "create table t (id int, due date, paid date)",
        "insert into t values (1, '2026-01-31', '2026-01-31'), (2, '0000-00-00', null)",
    )
    found = _stage(mariadb_database).sql("from source.t order by id")
    assert list(map(str, found.types)) == ["BIGINT", "VARCHAR", "DATE"]
    assert found.fetchall() == [
        (1, "2026-01-31", datetime.date(2026, 1, 31)),
        (2, "0000-00-00", None),
    ]


def test_an_empty_table_has_its_columns(mariadb_database: str) -> None:
    run_mariadb(mariadb_database, "create table t (a decimal(10, 2), b blob, c date, d text)")
    found = _stage(mariadb_database).sql("from source.t")
    assert list(map(str, found.types)) == ["DECIMAL(10,2)", "BLOB", "DATE", "VARCHAR"]
    assert found.fetchall() == []


def test_many_batches_arrive_completely(mariadb_database: str) -> None:
    run_mariadb(
        mariadb_database,
        "create table t (id bigint, note varchar(300))",
        "insert into t select seq, repeat('x', seq % 300) from seq_1_to_70000",
    )
    found = _stage(mariadb_database).execute(
        "select count(*), count(distinct id), sum(length(note)) from source.t"
    )
    assert found.fetchall() == [(70000, 70000, sum(n % 300 for n in range(1, 70001)))]


def test_a_table_of_another_database_has_its_name_before_it(mariadb_database: str) -> None:
    other = f"{mariadb_database.rpartition('/')[2]}_b"
    run_mariadb(
        mariadb_database,
        "create table t (c int)",
        f"create database {other}",
        f"create table {other}.Bills (c int)",
        f"insert into {other}.Bills values (7)",
    )
    try:
        name = f"{other}.bills"
        assert {"t", name} <= MysqlSource(mariadb_database, "", {}).tables()
        rows = _stage(mariadb_database, name).execute(f'from source."{name}"').fetchall()
        assert rows == [(7,)]
        assert _stage(mariadb_database, "bills", schema=other).sql("from source.bills").fetchall()
        with pytest.raises(SourceError, match=f"Did you mean {name}"):
            _stage(mariadb_database, "bills")
    finally:
        run_mariadb(mariadb_database, f"drop database {other}")


def test_nothing_can_be_written(mariadb_database: str) -> None:
    run_mariadb(mariadb_database, "create table t (c int)", "insert into t values (1)")
    run_mariadb(
        mariadb_database,
        "create function spoil() returns int begin delete from t; return 1; end",
    )
    with pytest.raises(SourceError, match="READ ONLY transaction"):
        _stage(mariadb_database, "q", "select spoil() as c")
    assert run_mariadb(mariadb_database, "select count(*) from t") == [("1",)]


def test_all_tables_show_one_moment(mariadb_database: str) -> None:
    run_mariadb(mariadb_database, "create table a (c int)", "create table b (c int)")

    class Names(list[str]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for name in super().__iter__():
                yield name
                run_mariadb(
                    mariadb_database, "insert into a values (1)", "insert into b values (1)"
                )

    connection = empty_database()
    MysqlSource(mariadb_database, "", {}).stage(connection, Names(["a", "b"]))
    counts = "select (select count(*) from source.a), (select count(*) from source.b)"
    assert connection.execute(counts).fetchall() == [(0, 0)]


@pytest.mark.parametrize("password", ["p@ss/w:o?r#d%41 [é]", "r", "*'\"\\&="])
def test_a_password_may_have_any_character(mariadb_database: str, password: str) -> None:
    user = f"u{abs(hash(password)) % 10**6}"
    escaped = password.replace("\\", "\\\\").replace("'", "''")
    run_mariadb(
        mariadb_database,
        f"create user {user}@'127.0.0.1' identified by '{escaped}'",
        f"grant select on `{mariadb_database.rpartition('/')[2]}`.* to {user}@'127.0.0.1'",
        "create table t (c int)",
    )
    try:
        url = mariadb_database.replace("root@", f"{user}:{quote(password, safe='')}@")
        assert MysqlSource(url, "", {}).tables() == {"t"}
        wrong = mariadb_database.replace("root@", f"{user}:{quote(password + '!', safe='')}@")
        with pytest.raises(SourceError, match="Access denied for user") as caught:
            MysqlSource(wrong, "", {}).tables()
        assert "Access denied for user" in str(caught.value)
        assert password == "r" or password not in str(caught.value)
    finally:
        run_mariadb(mariadb_database, f"drop user {user}@'127.0.0.1'")


def test_a_missing_grant_is_named(mariadb_database: str) -> None:
    name = mariadb_database.rpartition("/")[2]
    run_mariadb(
        mariadb_database,
        "create table open (c int)",
        "create table closed (c int)",
        "create user reader@'127.0.0.1' identified by 'x'",
        f"grant select on `{name}`.open to reader@'127.0.0.1'",
    )
    try:
        url = mariadb_database.replace("root@", "reader:x@")
        with pytest.raises(
            SourceError,
            match=r"SELECT command denied.*grant select on .*closed to 'reader'@'localhost'\.",
        ):
            _stage(url, "q", "select * from closed")
    finally:
        run_mariadb(mariadb_database, "drop user reader@'127.0.0.1'")


def test_a_limit_for_the_time_of_a_statement_is_explained(mariadb_database: str) -> None:
    run_mariadb(mariadb_database, "create user slow@'127.0.0.1' with max_statement_time 0.05")
    run_mariadb(mariadb_database, "grant all on *.* to slow@'127.0.0.1'")
    try:
        url = mariadb_database.replace("root@", "slow@")
        with pytest.raises(SourceError, match="raise max_statement_time"):
            _stage(
                url, "q", "select sum(a.seq * b.seq) as c from seq_1_to_100000 a, seq_1_to_9999 b"
            )
    finally:
        run_mariadb(mariadb_database, "drop user slow@'127.0.0.1'")


def test_a_connection_that_drops_while_rows_arrive_is_one_clear_sentence(
    mariadb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = mysql_session.MysqlSession._batches

    def dropping(
        session: mysql_session.MysqlSession, sql: str
    ) -> Iterator[list[tuple[object, ...]]]:
        read = batches(session, sql)
        yield next(read)
        found = run_mariadb(
            mariadb_database,
            "select id from information_schema.processlist"
            " where info like '%seq_1_to_900000%' and id <> connection_id()",
        )
        run_mariadb(mariadb_database, f"kill {found[0][0]}")
        yield from read

    monkeypatch.setattr(mysql_session.MysqlSession, "_batches", dropping)
    with pytest.raises(SourceError, match=r"table q: .*run it again") as caught:
        _stage(mariadb_database, "q", "select seq, repeat('x', 99) as c from seq_1_to_900000")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_clear_sentence() -> None:
    with pytest.raises(SourceError, match=r"MySQL 127\.0\.0\.1:1/b: ") as caught:
        MysqlSource("mysql://bob:s3cret@127.0.0.1:1/b", "", {}).tables()
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_connection_can_be_encrypted_and_its_certificate_verified() -> None:
    certificate = Path(__file__).parents[1] / "sync" / "self_signed.pem"
    cipher = "select variable_value as v from information_schema.session_status"
    queries = {
        "q": f"{cipher} where variable_name = 'ssl_cipher'",
        "n": "select seq from seq_1_to_90000",
    }
    try:
        started = running_mariadb(f"--ssl-cert={certificate}", f"--ssl-key={certificate}")
        with started as url:
            for mode in ("ssl_mode=required", f"ssl_ca={certificate}"):
                connection = empty_database()
                source = MysqlSource(f"{url}/mysql?{mode}", "", queries)
                assert source.stage(connection, ["q", "n"]) == {"q": 1, "n": 90000}
                assert connection.execute("select v from source.q").fetchall() != [("",)]
            with pytest.raises(SourceError, match="certificate verify failed"):
                MysqlSource(f"{url}/mysql?ssl_mode=verify_ca", "", {}).tables()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def test_the_acceptance_suite_holds(mariadb_database: str) -> None:
    run_mariadb(
        mariadb_database,
        "create table t (id bigint unsigned, note text, day date, content blob)",
        "insert into t values (1, 'é', '0000-00-00', x'00'), (2, null, null, null)",
    )
    settings = SourceSettings(kind="sql", url=mariadb_database)
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()
