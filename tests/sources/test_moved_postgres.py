"""PostgreSQL's tables that moved are found and brought up to date, whatever transactions did."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest
from one_engine import empty_database

from headrace.sources.databases.postgres import PostgresSource
from headrace.sources.moved import Staged, stage_moved
from postgres import fresh_database

_SCHEMA = """
create type state as enum ('open', 'paid');
create table bills (id int primary key, customer text, amount numeric(12, 2), state state);
create table notes (text text, free numeric);
create table parts (id int, part int, primary key (id, part)) partition by hash (id);
create table parts_0 partition of parts for values with (modulus 2, remainder 0);
create table parts_1 partition of parts for values with (modulus 2, remainder 1);
create view open_bills as select * from bills where state = 'open';
create view clocked as select id, now() as at from bills;
create table other (id int);
insert into bills select n, 'c' || n % 7, n, 'open' from generate_series(1, 200) n;
insert into notes select 'note ' || n, n from generate_series(1, 20) n;
insert into parts select n, n % 3 from generate_series(1, 30) n;
"""
_NAMES = ["bills", "notes", "parts", "open_bills", "sums"]
_QUERY = {"sums": "select customer, sum(amount) as total from bills group by customer"}


class Look:
    """A database, and what was staged of it time and again."""

    def __init__(self, url: str) -> None:
        self.database = psycopg.connect(url, autocommit=True)
        self.other = psycopg.connect(url)
        self.database.execute(_SCHEMA)
        self.source = PostgresSource(url, "", _QUERY)
        self.engine = empty_database()

    def stage(self, *names: str, whole: bool = False) -> Staged:
        """Bring the tables up to date."""
        return stage_moved(
            self.source,
            self.engine,
            names or _NAMES,
            version="1",
            now=0.0,
            sweep=1e9,
            whole=whole,
        )

    def read(self, *names: str) -> set[str]:
        """The tables that were read."""
        return set(self.stage(*names).read)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.database.execute(statement)

    def prove(self) -> None:
        """What is staged is what a whole reading stages."""
        found = self.stage()
        with empty_database() as engine:
            proof = stage_moved(
                self.source, engine, _NAMES, version="1", now=0.0, sweep=1e9, whole=True
            )
        assert found.contents == proof.contents
        assert found.rows == proof.rows


@pytest.fixture(scope="module")
def shared(postgres_server: str) -> Iterator[Look]:
    with fresh_database(postgres_server) as url:
        look = Look(url)
        yield look
        look.database.close()
        look.other.close()


@pytest.fixture
def look(shared: Look) -> Look:
    shared.stage()
    return shared


def test_nothing_is_read_when_nobody_wrote(look: Look) -> None:
    assert look.read() == set()


def test_only_the_table_that_moved_is_read_with_the_views_over_it(look: Look) -> None:
    look.run("insert into notes values ('new', 1)")
    assert look.read() == {"notes", "sums"}, "what a query reads is not known"
    look.run("update bills set amount = 1.5 where id = 3")
    assert look.read() == {"bills", "open_bills", "sums"}
    look.run("insert into other values (1)")
    assert look.read() == {"sums"}
    look.prove()


def test_an_undone_change_moves_nothing(look: Look) -> None:
    look.other.execute("delete from bills")
    look.other.rollback()
    assert "bills" not in look.read()


def test_a_change_that_commits_after_later_ones_is_found(look: Look) -> None:
    look.other.execute("update bills set customer = 'late' where id = 10")
    look.run("update bills set customer = 'early' where id = 11")
    assert "bills" in look.read()
    look.prove()
    look.other.commit()
    assert "bills" in look.read()
    look.prove()


@pytest.mark.parametrize(
    "statement",
    [
        "delete from bills where id = 20",
        "update bills set id = 1020 where id = 21",
        "truncate notes",
        "alter table bills add column more text default 'x'",
        "alter table bills drop column more",
        "alter table notes alter column free type numeric(14, 3)",
        "alter type state rename value 'paid' to 'settled'",
        "create or replace view open_bills as select * from bills where id < 50",
        "insert into notes values ('half', 0.5)",
        "delete from notes where free = 0.5",
        "delete from parts where id = 5",
        "delete from bills where id = 30; insert into bills values (30, 'x', 1, 'open')",
        "vacuum full bills",
        "cluster bills using bills_pkey",
    ],
)
def test_what_happens_to_a_table_is_followed(look: Look, statement: str) -> None:
    look.run(statement)
    look.prove()


def test_a_view_over_the_clock_is_read_each_time(look: Look) -> None:
    look.stage("clocked")
    assert look.read("clocked") == {"clocked"}


def test_of_a_large_table_only_new_rows_are_read(look: Look) -> None:
    before = look.stage("bills").rows["bills"]
    # A staged row that no reading would give again shows which rows were replaced.
    look.engine.execute("update source.bills set customer = 'as it was' where id = 40")
    look.run("update bills set customer = 'new' where id = 41", "delete from bills where id = 42")
    assert look.stage("bills").rows["bills"] == before - 1
    rows = look.engine.execute("select id, customer from source.bills where id in (40, 41, 42)")
    assert sorted(rows.fetchall()) == [(40, "as it was"), (41, "new")]
    look.stage(whole=True)
    look.prove()


def follow(look: Look, seed: int, steps: int) -> None:
    """Random transactions, some open for long or undone, and looks that must all be right."""
    chance = random.Random(seed)
    for _ in range(steps):
        for _ in range(chance.choice([0, 1, 1, 3])):
            connection = chance.choice([look.database, look.database, look.other])
            place = chance.randrange(1, 230)
            connection.execute("set lock_timeout = '20ms'")
            try:
                connection.execute(
                    chance.choice(
                        [
                            f"delete from bills where id between {place} and {place + 2}",
                            f"insert into bills values ({place}, 'n', {place}, 'open') "
                            "on conflict (id) do update set customer = bills.customer || '+'",
                            f"update bills set id = id + 1000 where id = {place}",
                            f"update bills set id = id - 1000 where id = {place + 1000}",
                            f"insert into notes values ('n', {place}.25)",
                            "delete from notes where free % 1 > 0",
                            f"delete from parts where id = {place}",
                            f"insert into parts values ({place}, 1) on conflict do nothing",
                            "savepoint s; insert into notes values ('s', 1); rollback to s"
                            if connection is look.other
                            else "select 1",
                        ]
                    )
                )
            except (psycopg.errors.LockNotAvailable, psycopg.errors.UniqueViolation):
                connection.rollback()
        if chance.random() < 0.3:
            look.other.commit()
        elif chance.random() < 0.2:
            look.other.rollback()
        if chance.random() < 0.6:
            look.prove()
        else:
            look.stage()
    look.other.rollback()
    look.prove()


def test_random_transactions_are_followed(look: Look) -> None:
    follow(look, 7, 15)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_many_random_transactions_are_followed(look: Look, seed: int) -> None:
    follow(look, 1000 + seed, 150)
