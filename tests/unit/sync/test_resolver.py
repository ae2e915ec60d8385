"""Which requests wait for which where changes conflict: small worlds before and after."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from conflict_worlds import WORLDS
from worlds import World, key, parts, world

from headrace.sync.ordering.order_graph import LINK, RELEASE
from headrace.sync.ordering.resolver import divided, resolve

STEPS = {RELEASE: "release ", LINK: "link "}


TABLES = """
    create schema book; create schema plan;
    create table book.roots (external_id varchar, root varchar);
    create table book.links (from_entity varchar, from_external_id varchar,
        to_entity varchar, to_external_id varchar, amount bigint);
    create table book.placed (entity varchar, external_id varchar, customer varchar,
        currency varchar, amount bigint, origin varchar);
    create table plan.nodes (entity varchar, external_id varchar, action varchar);
    create table plan.acknowledged_documents
        (entity varchar, external_id varchar, customer varchar);
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def db(opened: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    opened.execute("drop schema if exists book cascade; drop schema if exists plan cascade")
    opened.execute(TABLES)
    return opened


def fill(db: duckdb.DuckDBPyConnection, before: World, after: World, unsent: World) -> None:
    """The book's and the plan's tables, as the planner makes them."""
    tables: dict[str, list[tuple[object, ...]]] = {
        "book.roots": [(k[1], to.parent) for k, to in after.items() if to.parent],
        "book.links": [
            (*k, *target, amount) for k, to in after.items() for target, amount in to.links.items()
        ],
        "book.placed": [
            (*k, to.customer, None, None, "customer")
            if k[0] == "customer"
            else (*k, to.customer, to.currency, to.amount, k[0])
            for k, to in after.items()
        ],
        "plan.nodes": [
            (*k, "delete" if k not in after else "update" if k in before else "create")
            for k in sorted({*before, *after})
            if before.get(k) != after.get(k) and k not in unsent
        ],
        "plan.acknowledged_documents": [
            (*k, to.customer)
            for k, to in before.items()
            if k[0] != "customer" and key(to.customer) not in after
        ],
    }
    for name, rows in tables.items():
        if rows:
            marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
            db.execute(
                f"insert into {name} values {marks}", [value for row in rows for value in row]
            )


Found = tuple[list[str], set[str]]


def ordered(
    db: duckdb.DuckDBPyConnection, before: World, after: World, unsent: World | None = None
) -> Found:
    """The requests in their order, and the waits, each as `then after first`."""
    fill(db, before, after, unsent or {})
    moved = {
        k: (linkage, after.get(k))
        for k, linkage in before.items()
        if linkage != after.get(k) and k not in (unsent or {})
    }
    resolve(db, moved, unsent or {})
    steps = db.execute("select step, external_id from plan.steps order by rank").fetchall()
    waits = db.execute(
        "select step, external_id, on_step, on_external_id from plan.step_waits"
    ).fetchall()
    return (
        [STEPS.get(step, "") + name for step, name in steps],
        {
            f"{STEPS.get(step, '')}{name} after {STEPS.get(on, '')}{other}"
            for step, name, on, other in waits
        },
    )


@pytest.mark.parametrize("text", parts(WORLDS, "\n\n"))
def test_requests_wait_for_what_makes_them_acceptable_and_for_nothing_else(
    db: duckdb.DuckDBPyConnection, text: str
) -> None:
    given = dict(line.split(": ", 1) for line in text.splitlines())
    before, after, unsent = (
        world(*parts(given.get(name, ""), ";")) for name in ("before", "after", "unsent")
    )
    sent, waits = (parts(given.get(name, ""), ",") for name in ("sent", "waits"))
    assert ordered(db, before, after, unsent) == (sent, set(waits))


def test_what_is_given_back_and_what_comes_later_is_kept_with_the_plan(
    db: duckdb.DuckDBPyConnection,
) -> None:
    before = world("C1", "C2", "I1:C1 100", "P1:C1 100 I1=80")
    ordered(db, before, world("C1", "C2", "I1:C2 100", "P1:C2 100 I1=80"))
    splits = divided(db)
    assert (splits.given_back, splits.late) == ({key("P1"): [key("I1")]}, {})
    owner = db.execute("select external_id, customer from plan.steps where step = 0").fetchall()
    assert owner == [("P1", "C1")]
    assert db.execute("select count(customer) from plan.steps where step > 0").fetchone() == (0,)


def test_a_link_that_comes_later_is_kept_with_the_plan(db: duckdb.DuckDBPyConnection) -> None:
    before = world("C1", "C2<C1", "C0", "N1:C1 500", "R1:C2 500")
    ordered(db, before, world("C1<C0", "C0", "N1:C1 500", "R1:C0 500 N1=500"))
    splits = divided(db)
    assert (splits.given_back, splits.late) == ({}, {key("R1"): [key("N1")]})
