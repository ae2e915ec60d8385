"""PostgreSQL's three ways to hint: triggers, a temporary slot, counters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from watching import Hints, subject, watching

from headrace.hints.choice import choose, described
from headrace.hints.counters import CountersWay
from headrace.hints.file_events import FileEvents
from headrace.hints.following import Following
from headrace.hints.notify import NotifyWay, trigger_sql
from headrace.hints.slot import SlotWay
from headrace.hints.way import HintsLost, Subject
from headrace.model.clock import SYSTEM_CLOCK
from postgres import fresh_database, running_server

_SCHEMA = """
create table clients (id int primary key, name text);
create table unread (id int);
create view shown as select * from clients;
"""


class Billing:
    """A database with the roles of three kinds of readers."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(_SCHEMA)

    def run(self, statement: str) -> None:
        self.connection.execute(statement)

    def run_and_leave(self, statement: str) -> None:
        """Run it in a session that ends: one that stays may report its statistics 10 s later."""
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute(statement)

    def subject(self, user: str = "postgres", table: str = "clients") -> Subject:
        url = self.url.replace("postgres@", f"{user}@")
        return subject(self.folder / user / table, table, kind="sql", url=url)


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Billing]:
    settings = {"listen_addresses": "127.0.0.1", "wal_level": "logical", "fsync": "off"}
    try:
        # The system's own server may be too old for a slot.
        with running_server(settings, packaged=True) as server, fresh_database(server) as url:
            made = Billing(url, tmp_path_factory.mktemp("billing"))
            made.run("create role reader login")
            made.run("grant select on all tables in schema public to reader")
            yield made
            made.connection.close()
    except FileNotFoundError as error:
        pytest.skip(str(error))


async def hears(hints: Hints, change: Callable[[], None]) -> None:
    before = hints.count
    change()
    await hints.more_than(before)


def test_a_trigger_tells_of_each_commit_and_of_no_other_table(billing: Billing) -> None:
    async def run() -> None:
        way = NotifyWay(billing.subject(table="shown"))
        objection = await way.objection()
        assert "no trigger on public.clients: `headrace hints trigger shop`" in objection
        billing.run(await trigger_sql(billing.subject(table="shown")))
        billing.run(await trigger_sql(billing.subject(table="shown")))
        assert await way.objection() == ""
        async with watching(way) as hints:
            await hears(hints, lambda: billing.run("insert into clients values (1, 'a'), (2, 'b')"))
            seen = hints.count
            billing.run("insert into unread values (1)")
            billing.run("notify headrace, 'public.unread'")
            await hears(hints, lambda: billing.run("truncate clients"))
            assert hints.count == seen + 1
        billing.run("drop function headrace_hint cascade")

    asyncio.run(run())


def test_a_slot_tells_of_each_commit_and_leaves_nothing_behind(billing: Billing) -> None:
    async def run() -> None:
        way = SlotWay(billing.subject(table="shown"))
        assert await way.objection() == ""
        async with watching(way) as hints:
            await hears(hints, lambda: billing.run("insert into clients values (3, 'c')"))
            await hears(hints, lambda: billing.run("delete from clients"))

    asyncio.run(run())
    rows = "select count(*) from pg_replication_slots where not active"
    assert billing.connection.execute(rows).fetchone() == (0,)


def test_counters_tell_a_role_that_may_only_read(billing: Billing) -> None:
    async def run() -> None:
        way = CountersWay(billing.subject("reader"), SYSTEM_CLOCK)
        assert await way.objection() == ""
        async with watching(way) as hints:
            await hears(hints, lambda: billing.run_and_leave("insert into clients values (4, 'd')"))

    asyncio.run(run())


def test_the_best_way_is_taken_and_why_no_better_one_is_said(billing: Billing) -> None:
    async def run() -> None:
        for user, taken in (("postgres", "slot"), ("reader", "counters")):
            choice = await choose(billing.subject(user), "auto", False, SYSTEM_CLOCK, FileEvents())
            assert choice.way is not None and choice.way.name == taken
        said = described(choice, "auto")
        assert said.startswith("counters (within about 2 s); not notify: no trigger on")
        assert 'not slot: the role may not replicate: alter role "reader" replication' in said
        wished = await choose(billing.subject(), "notify", False, SYSTEM_CLOCK, FileEvents())
        assert wished.way is None and wished.objections[0][0] == "notify"
        none = await choose(billing.subject(), "files", False, SYSTEM_CLOCK, FileEvents())
        assert "this kind of source has no such hints" in described(none, "files")

    asyncio.run(run())


def test_lost_hints_come_back_with_a_hint(billing: Billing) -> None:
    async def run() -> None:
        following = Following(billing.subject("reader"), "auto", SYSTEM_CLOCK, FileEvents())
        hints = Hints()
        task = asyncio.create_task(following.run(hints))
        await hints.more_than(0)
        assert following.way == "counters"
        seen = hints.count
        billing.run(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'headrace hints'"
        )
        await hints.more_than(seen)
        await hears(hints, lambda: billing.run_and_leave("insert into clients values (5, 'e')"))
        task.cancel()

    asyncio.run(run())


def test_a_server_that_is_down_is_an_objection_without_its_password(tmp_path: Path) -> None:
    async def run() -> None:
        gone = subject(tmp_path, kind="sql", url="postgresql://me:geheim42@127.0.0.1:1/x")
        choice = await choose(gone, "auto", False, SYSTEM_CLOCK, FileEvents())
        assert choice.way is None
        assert len(choice.objections) == 3
        assert "geheim42" not in described(choice, "auto")
        with pytest.raises(HintsLost, match=r"127\.0\.0\.1:1/x"):
            await CountersWay(gone, SYSTEM_CLOCK).objection()

    asyncio.run(run())
