"""The tables of the schema `plan` are as `tables.py` declares them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from desk import HubDesk
from shop import Shop

import headrace
from headrace.sync.planning.tables import BY_NAME, PLANNED, TEMPORARY, Table
from headrace.sync.remote.tables import COLLECTED, EXPLAINED, KINDS, REASONS
from headrace.sync.session import Organisation

SOMETIMES = {"plan.moved", "plan.around"}
"""Made only where amounts change, or where the API has refused something."""
GRAPH = {
    *("plan.nodes", "plan.edges", "plan.reached"),
    *("plan.steps", "plan.step_waits"),
}
"""Not made where there is nothing to send."""
SKIPPED = COLLECTED | REASONS | KINDS | EXPLAINED
"""Tables of the comparison with the API."""
PACKAGE = Path(headrace.__file__).parent


def _made(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """The columns of every table of the schema, and of the temporary ones that are declared."""
    temporary = [table.name for table in TEMPORARY]
    found: dict[str, tuple[str, ...]] = {}
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'plan' or table_name in (select unnest($1::varchar[])) "
        "or schema_name = 'book' and starts_with(table_name, 'examined_') "
        "order by schema_name, table_name, column_index",
        [temporary],
    ).fetchall():
        name = table if schema == "main" else f"{schema}.{table}"
        found[name] = (*found.get(name, ()), f"{column} {kind.lower()}")
    return found


def _check(organisation: Organisation, *absent: str) -> None:
    """All tables that are made have the declared columns, and only `absent` ones are missing."""
    made = _made(organisation.book.connection)
    assert made == {name: BY_NAME[name].columns for name in made}
    assert {table.name for table in PLANNED} - made.keys() <= set(absent)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    shop.payment("P", "C", 1000, {"I": 600})
    return shop


def test_a_plan_makes_the_declared_tables(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.plan()
        _check(organisation, *SOMETIMES)
        asyncio.run(organisation.apply(plan, "apply"))
        _check(organisation, *SOMETIMES)
        assert {table.name for table in TEMPORARY} <= _made(organisation.book.connection).keys()


def test_a_plan_without_changes_makes_the_declared_tables(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        assert organisation.plan().empty
        _check(organisation, *SOMETIMES, *GRAPH)


def test_updates_deletions_and_refusals_make_the_declared_tables(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    shop.run("update allocations set amount = 400")
    shop.run("update invoices set gross_amount = 1500, net_amount = 1500")
    shop.invoice("J", "C", 500)
    refusal = {"kind": "status", "status": 400, "on": "POST /invoices"}
    with desk.open() as organisation, desk.hub.faults(refusal, organisation=desk.name):
        asyncio.run(organisation.prepare())
        plan = organisation.plan()
        _check(organisation, "plan.around")
        assert asyncio.run(organisation.apply(plan, "apply")).rejected
        organisation.compare()
        organisation.plan()
        _check(organisation)


def _compared(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    made = _made(connection)
    return {name: made[name] for name in SKIPPED}


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {name: len(connection.execute(f"from {name}").fetchall()) for name in SKIPPED}


def test_where_nothing_differs_the_comparison_with_the_api_leaves_these_tables_empty(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        organisation.plan()
        assert asyncio.run(organisation.remote.reconcile()).balanced
        connection = organisation.book.connection
        assert _compared(connection) == SKIPPED
        assert not any(_rows(connection).values())


def test_tables_that_the_comparison_with_the_api_may_skip_are_as_their_queries_make_them(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more='claims = "off"')
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    desk = new_desk(shop.folder)
    desk.apply()
    for amount in (400, 300):
        desk.hub.collect("C", amount, organisation=desk.name, validatedAt="2026-05-05")
    shop.payment("P", "C", 400, day="2026-05-05")
    desk.apply()
    shop.run("create table control (customer_external_id, currency, balance)")
    shop.run("insert into control values ('C', 'EUR', 1)")
    shop.run("create table settlements (external_id, invoice_external_id, kind, amount, booked_at)")
    shop.run("insert into settlements values ('S', 'I', 'write_off', 5, '2026-05-05')")
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        organisation.plan()
        asyncio.run(organisation.remote.reconcile())
        connection = organisation.book.connection
        assert _compared(connection) == SKIPPED
        assert all(_rows(connection).values()), _rows(connection)
        for table in (
            *("plan.api_collected", "plan.api_links", "plan.differing", "plan.api_kinds"),
            *("book.fixes", "book.settled"),
        ):
            connection.execute(f"delete from {table}")
        connection.execute("update plan.with_control set given = false, totals_given = false")
        for name in ("doubles", "set_apart", "reasons", "kinds", "compared", "totals", "explained"):
            sql = PACKAGE / "sync" / "remote" / "sql" / f"{name}.sql"
            given = {"days": 14} if name == "doubles" else None
            connection.execute(sql.read_text("utf-8"), given)
        assert not any(_rows(connection).values())


@pytest.mark.parametrize("table", BY_NAME.values(), ids=lambda table: table.name)
def test_the_declared_makers_and_readers_name_the_table(table: Table) -> None:
    word = table.name.removeprefix("plan.").removeprefix("book.")
    for path in (table.made_by, *table.read_by):
        file = PACKAGE / (path if path.startswith("book/") else f"sync/{path}")
        assert word in file.read_text("utf-8"), f"{path} does not mention {table.name}"
    assert len({*table.read_by}) == len(table.read_by) > 0
