"""PostgreSQL: writers in parallel, lost connections, and each difference of the dialect."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from test_engines import count, insert
from wire import Wire, wire

from headrace.model.errors import ConfigurationError, ServiceUnavailable
from headrace.store.connection import Connection
from headrace.store.engine.place import Place, find_place
from headrace.store.engine.postgres import PostgresStore, transactions
from headrace.store.engine.postgres_connection import DatabaseError, PostgresConnection
from headrace.store.engine.postgres_dialect import numbered, schema_for_postgres
from headrace.store.engine.postgres_statistics import collect


@pytest.fixture
def line(postgres_database: str) -> Iterator[Wire]:
    with wire(postgres_database) as made:
        yield made


@pytest.fixture
def store(line: Wire) -> Iterator[PostgresStore]:
    opened = PostgresStore(line.url)
    yield opened
    opened.close()


@pytest.fixture
def db(postgres_database: str) -> Iterator[PostgresConnection]:
    connection = PostgresConnection(postgres_database)
    yield connection
    connection.close()


def stored(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT name FROM meta").fetchall()
    return {row[0] for row in found} - {"schema"}


def test_writes_run_in_parallel_for_different_organisations_only(postgres_database: str) -> None:
    """Two hubs on one database; each write of an organisation waits for the one before it."""
    stores = [PostgresStore(postgres_database) for _ in range(2)]
    under_way: set[int] = set()
    most, lock = [0], threading.Lock()
    both = threading.Event()

    def slow(db: Connection, organisation: int) -> None:
        count(db)  # whatever is read is read after those before
        with lock:
            assert organisation not in under_way, "two writers of one organisation"
            under_way.add(organisation)
            most[0] = max(most[0], len(under_way))
            if len(under_way) == 2:
                both.set()
        both.wait(5)
        time.sleep(0.005)
        with lock:
            under_way.discard(organisation)

    async def write_all() -> None:
        await asyncio.gather(
            *(store.write(seq, slow, seq) for store in stores for seq in (1, 2) for _ in range(10))
        )

    asyncio.run(write_all())
    assert most[0] == 2
    for store in stores:
        store.close()


def test_a_connection_lost_while_idle_is_replaced_silently(
    line: Wire, store: PostgresStore
) -> None:
    async def use() -> list[Any]:
        await store.write(1, insert, "before")
        found = [await store.read(count), await store.scan(count)]
        await asyncio.to_thread(line.cut)
        await store.write(1, insert, "after")
        return [*found, await store.read(count), await store.scan(count)]

    assert asyncio.run(use()) == [1, 1, 2, 2]


def test_a_server_that_is_down_is_503_until_it_returns(
    line: Wire, store: PostgresStore, postgres_database: str
) -> None:
    async def attempt(*pending: Any) -> list[Any]:
        return await asyncio.gather(*pending, return_exceptions=True)

    async def use() -> tuple[list[Any], list[Any]]:
        await store.write(1, insert, "before")
        await asyncio.to_thread(line.down)
        failed = await attempt(store.write(1, insert, "lost"), store.read(count), store.scan(count))
        line.up()
        return failed, await attempt(store.write(1, insert, "after"), store.read(count))

    failed, after = asyncio.run(use())
    for error in failed:
        assert isinstance(error, ServiceUnavailable)
        assert "can't be reached" in str(error)
        assert str(error).endswith("nothing was stored, send the request again later.")
    assert after[0] == "after"
    assert stored(postgres_database) == {"before", "after"}


@pytest.mark.parametrize("deliver", [False, True])
def test_the_outcome_of_a_lost_commit_is_reported_as_unknown(
    line: Wire, store: PostgresStore, postgres_database: str, deliver: bool
) -> None:
    async def use() -> Any:
        line.cut_at(b"COMMIT", deliver=deliver)
        (result,) = await asyncio.gather(store.write(1, insert, "one"), return_exceptions=True)
        return result

    result = asyncio.run(use())
    assert isinstance(result, ServiceUnavailable)
    assert "it may be stored or not, send it again later" in str(result)
    expected = {"one"} if deliver else set()
    deadline = time.monotonic() + 10
    # The server may still be at the commit when the client is told.
    while stored(postgres_database) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stored(postgres_database) == expected


def test_a_write_interrupted_before_its_commit_is_run_once_more(
    line: Wire, store: PostgresStore, postgres_database: str
) -> None:
    runs: list[int] = []

    def cut_once(db: Connection) -> str:
        runs.append(1)
        insert(db, "one")
        if len(runs) == 1:
            line.cut()
        return str(count(db))

    async def use() -> str:
        return await store.write(1, cut_once)

    assert asyncio.run(use()) == "1"
    assert len(runs) == 2
    assert stored(postgres_database) == {"one"}


def test_connections_that_the_server_ends_are_replaced(
    store: PostgresStore, postgres_database: str
) -> None:
    """An administrator or a restarting server ends connections in this way."""

    def terminate() -> None:
        with psycopg.connect(postgres_database) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'headrace' AND datname = current_database()"
            )

    async def use() -> int:
        for n in range(3):
            await store.write(1, insert, f"w{n}")
            assert await store.read(count) == n + 1
            await asyncio.to_thread(terminate)
        return await store.read(count)

    assert asyncio.run(use()) == 3


def test_a_read_only_database_is_503(store: PostgresStore, postgres_database: str) -> None:
    name = postgres_database.rpartition("/")[2]
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    async def use() -> Any:
        found = await asyncio.gather(store.write(1, insert, "one"), return_exceptions=True)
        return found[0]

    result = asyncio.run(use())
    assert isinstance(result, ServiceUnavailable), result
    assert "read-only transaction" in str(result)


def test_a_database_that_cannot_be_opened_is_named() -> None:
    for url, sentence in (
        ("postgresql://127.0.0.1:1/nothing", "can't be reached"),
        ("postgresql://127.0.0.1/x?nonsense=1", "URL can't be read"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            PostgresStore(url)
        assert sentence in str(caught.value)


def test_a_url_may_come_from_the_environment_or_a_file(tmp_path: Any) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://a:b@c/d\n")
    expected = Place(url="postgresql://a:b@c/d")
    assert find_place(None, "env:URL", {"URL": "postgresql://a:b@c/d"}) == expected
    assert find_place(None, f"file:{secret}", {}) == expected
    assert find_place(None, "postgresql://a:b@c/d", {}) == expected
    assert "a:b" not in str(expected)
    for text, sentence in (
        ("env:URL", "environment variable URL, which is not set"),
        (f"file:{tmp_path}/none", "can't be read: No such file"),
        ("mysql://x", "--database takes postgresql://"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            find_place(None, text, {})
        assert sentence in str(caught.value)


# where the dialects differ ----------------------------------------------------------------------


def test_placeholders_are_numbered_and_those_in_text_are_not() -> None:
    assert numbered("SELECT ?, 'a?''?', ? -- why?\nFROM t") == "SELECT $1, 'a?''?', $2 \nFROM t"


def test_the_schema_is_translated() -> None:
    assert schema_for_postgres("CREATE TABLE t (seq INTEGER PRIMARY KEY, name TEXT NOT NULL)") == (
        "CREATE TABLE t (seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        'name TEXT COLLATE "C" NOT NULL)'
    )


def test_row_numbers_increase(db: PostgresConnection) -> None:
    db.execute(schema_for_postgres("CREATE TABLE t (seq INTEGER PRIMARY KEY, name TEXT)"))
    seqs = [
        db.execute("INSERT INTO t (name) VALUES (?) RETURNING seq", (n,)).fetchone()[0]
        for n in ("a", "b", "c")
    ]
    assert seqs == [1, 2, 3]


def test_text_sorts_by_its_bytes(db: PostgresConnection) -> None:
    db.execute(schema_for_postgres("CREATE TABLE t (name TEXT)"))
    for name in ("b", "B", "a", "_", "é", "Z"):
        db.execute("INSERT INTO t (name) VALUES (?)", (name,))
    rows = db.execute("SELECT name FROM t ORDER BY name").fetchall()
    assert [row[0] for row in rows] == ["B", "Z", "_", "a", "b", "é"]


def test_sums_are_integers(db: PostgresConnection) -> None:
    row = db.execute(
        "SELECT sum(x), sum(x) FILTER (WHERE x < 0), count(*) FROM (VALUES (CAST(? AS BIGINT)), "
        "(9223372036854775807)) v (x)",
        (9223372036854775807,),
    ).fetchone()
    assert row == (2 * 9223372036854775807, None, 2)
    assert type(row[0]) is int


def test_nul_is_refused(db: PostgresConnection) -> None:
    with pytest.raises(ValueError, match="NUL"):
        db.execute("SELECT CAST(? AS TEXT)", ("a\0b",))


# the connection ---------------------------------------------------------------------------------


def test_rows_are_read_one_by_one_or_all(db: PostgresConnection) -> None:
    cursor = db.execute("SELECT n FROM generate_series(1, 5) n ORDER BY n")
    assert cursor.fetchone() == (1,)
    assert cursor.fetchall() == [(2,), (3,), (4,), (5,)]
    assert cursor.fetchone() is None
    assert list(db.execute("SELECT n FROM generate_series(1, 2) n")) == [(1,), (2,)]
    db.execute("CREATE TEMPORARY TABLE t (a BIGINT)")
    assert db.execute("INSERT INTO t VALUES (1), (2)").rowcount == 2


def test_an_error_is_raised_where_the_next_answer_is_asked_for(db: PostgresConnection) -> None:
    db.execute("CREATE TEMPORARY TABLE t (a BIGINT PRIMARY KEY)")
    db.execute("BEGIN")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute("SAVEPOINT s")
    db.execute("INSERT INTO t VALUES (1)")
    later = db.execute("SELECT 42 AS never_prepared")
    with pytest.raises(DatabaseError) as caught:
        later.fetchall()
    assert caught.value.sqlstate == "23505"
    assert not caught.value.passing
    db.execute("ROLLBACK TO s")
    assert db.execute("SELECT 42 AS never_prepared").fetchone() == (42,)
    assert db.in_transaction
    db.execute("COMMIT")
    db.settle()
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_many_statements_can_be_queued(db: PostgresConnection) -> None:
    db.execute("CREATE TEMPORARY TABLE t (a BIGINT, b TEXT)")
    for n in range(5_000):
        db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 500))
    assert db.execute("SELECT count(*) FROM t").fetchone() == (5_000,)


def test_statistics_are_collected_when_tables_have_grown(
    store: PostgresStore, postgres_database: str
) -> None:
    """Without statistics, the query plans of a new database scan all rows of an organisation."""

    async def use(numbers: range) -> None:
        for n in numbers:
            await store.write(1, insert, f"{n}" + "x" * 200)

    def counted() -> float:
        store._statistics.close()
        with psycopg.connect(postgres_database) as connection:
            query = "SELECT reltuples FROM pg_class WHERE relname = 'meta'"
            row = connection.execute(query).fetchone()
        assert row is not None
        return float(row[0])

    # Where an analysis comes late, the table has not doubled at the next, and the third counts.
    for first in (0, 300, 600):
        asyncio.run(use(range(first, first + 300)))
        if counted() > 90:
            break
    assert counted() > 90
    with transactions(postgres_database) as transact:
        transact(collect)
        assert transact(collect) == [], "nothing has doubled since"
