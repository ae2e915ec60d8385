"""What stays as the API has it while rows are in error, in small worlds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import duckdb
import msgspec
import pytest
from pinned_worlds import REASONS, WORLDS
from worlds import World, key, parts, world

from headrace.model.entity import LINKS
from headrace.sync.journal import Acknowledged, Key
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.neighbourhood import Neighbourhood
from headrace.sync.planning.parent_pins import ParentPins, _has_no_cycle
from headrace.sync.planning.pins import Pins

BOOK = resources.files("headrace.book")
LISTS = {field.refers: (field.wire, field.reference) for field in LINKS.values()}


def payload(linkage: Linkage) -> bytes:
    """A payload with that linkage."""
    body: dict[str, Any] = {
        "customer": {"externalId": linkage.customer},
        "currency": linkage.currency,
        "amount": linkage.amount,
    }
    if linkage.parent:
        body["parent"] = {"externalId": linkage.parent}
    for (entity, external_id), amount in linkage.links.items():
        wire, reference = LISTS[entity]
        body.setdefault(wire, []).append(
            {"amountLinked": amount, reference: {"externalId": external_id}}
        )
    return msgspec.json.encode(body)


class Api:
    """The journal of these records; without the payloads of some."""

    def __init__(self, records: World, unkept: set[Key]) -> None:
        self._records = records
        self._unkept = unkept

    def acknowledged(self, keys: list[Key]) -> dict[Key, Acknowledged]:
        return {
            one: Acknowledged(
                b"",
                None if one in self._unkept else payload(self._records[one]),
                self._records[one].customer,
            )
            for one in keys
            if one in self._records
        }


TABLES = """
create schema book;
create table book.withheld (entity varchar, external_id varchar, reason varchar);
create table book.allocations (from_entity varchar, from_external_id varchar,
    to_entity varchar, to_external_id varchar, amount bigint);
create table book.links as from book.allocations;
create table book.placed (entity varchar, external_id varchar, customer varchar,
    currency varchar, amount bigint, origin varchar);
create table book.parents (external_id varchar, parent varchar);
create table book.flawed_parents (external_id varchar);
"""


class Rows:
    """The book's tables, with these rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute(TABLES)
        connection.execute(BOOK.joinpath("empty.sql").read_text("utf-8"))
        self._tables = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'book'"
            ).fetchall()
        ]

    def clear(self) -> None:
        self.connection.execute("; ".join(f"delete from book.{name}" for name in self._tables))

    def climb(self) -> None:
        self.connection.execute(BOOK.joinpath("derivation/roots.sql").read_text("utf-8"))

    def insert(self, table: str, *rows: Sequence[object]) -> None:
        if rows:
            marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
            values = [value for row in rows for value in row]
            self.connection.execute(f"insert into book.{table} values {marks}", values)

    def fill(self, rows: World) -> None:
        self.insert(
            "placed",
            *(
                (
                    *one,
                    to.customer,
                    to.currency or None,
                    to.amount or None,
                    "fix" if one[1].startswith("Pfix") else one[0],
                )
                for one, to in rows.items()
            ),
        )
        self.insert("parents", *((one[1], to.parent) for one, to in rows.items() if to.parent))
        self.insert(
            "links",
            *(
                (*one, *target, amount)
                for one, to in rows.items()
                for target, amount in to.links.items()
            ),
        )
        self.climb()


@pytest.fixture(scope="module")
def opened() -> Iterator[Rows]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield Rows(connection)


@pytest.fixture
def rows(opened: Rows) -> Rows:
    opened.clear()
    return opened


def pair(text: str) -> tuple[Key, Key]:
    owner, _, target = text.partition(">")
    return key(owner), key(target)


def settled(rows: Rows, given: dict[str, str]) -> dict[str, set[str]]:
    """As the planner does it; what is pinned, what waits, what is refused, without reasons."""
    api = world(*parts(given.get("api", ""), ";"))
    rows.fill(world(*parts(given.get("rows", ""), ";")))
    rows.insert(
        "withheld", *((*key(name), "in error") for name in parts(given.get("error", ""), ","))
    )
    flaws = [text.split(" ", 1) for text in parts(given.get("flaws", ""), ",")]
    ends = [pair(both) for both, _ in flaws]
    rows.insert("allocations", *((*owner, *target, 1) for owner, target in ends))
    # By the rows that the allocations have, which are not numbered from 0 for ever.
    numbers = rows.connection.execute("select rowid from book.allocations order by 1").fetchall()
    rows.insert(
        "flawed_links",
        *((n, flaw, None, None, None) for (n,), (_, flaw) in zip(numbers, flaws, strict=True)),
    )
    rows.insert("flawed_parents", *((name,) for name in parts(given.get("parents", ""), ",")))
    unkept = {key(name) for name in parts(given.get("unkept", ""), ",")}
    around = Neighbourhood(rows.connection, Api(api, unkept))  # type: ignore[arg-type]
    parents = ParentPins(rows, around)  # type: ignore[arg-type]
    regrouped = parents.settle()
    pins = Pins(rows.connection, around)
    pins.settle(regrouped, parents.needed)
    while blocked := parents.make_way(pins.waiting):
        pins.regroup(blocked)
    pins.write()

    def read(sql: str) -> set[str]:
        return {row[0] for row in rows.connection.execute(sql).fetchall()}

    link = "from_external_id || '>' || to_external_id"
    kept = "it stays as the API has it"
    found = {
        "waits": {one[1] for one in pins.waiting},
        "withheld": read("select external_id from book.withheld"),
        "pinned": read(f"select {link} || '=' || amount from book.pinned_links"),
        "refused": read(f"select {link} from book.waiting_links where reason <> '{kept}'"),
        "regrouped": regrouped,
        "families": read("select external_id || '<' || root from book.roots"),
        "unsaid": read("select external_id from book.unsaid_parents"),
    }
    assert found.pop("withheld") >= found["waits"]
    assert {text.partition("=")[0] for text in found["pinned"]} == read(
        f"select {link} from book.waiting_links where reason = '{kept}'"
    )
    assert all(pins.linkage(one) == around.acknowledged.get(one) for one in pins.waiting)
    return {name: values for name, values in found.items() if values}


@pytest.mark.parametrize("text", parts(WORLDS, "\n\n"))
def test_what_the_api_holds_stays_and_the_rest_agrees_with_it(rows: Rows, text: str) -> None:
    given = dict(line.split(": ", 1) for line in text.splitlines())
    told = {
        name: set(parts(given[name], ","))
        for name in ("waits", "pinned", "refused", "regrouped", "families", "unsaid")
        if name in given
    }
    assert settled(rows, given) == told


def reasons(rows: Rows, text: str) -> dict[str, str]:
    settled(rows, dict(line.split(": ", 1) for line in parts(text, "\n")))
    found = rows.connection.execute(
        "select external_id, reason from book.withheld union all "
        "select from_external_id || '>' || to_external_id, reason from book.waiting_links"
    ).fetchall()
    return dict(found)


@pytest.mark.parametrize(("text", "told"), REASONS)
def test_each_wait_has_its_reason(rows: Rows, text: str, told: dict[str, str]) -> None:
    assert reasons(rows, text) == told


def test_a_family_that_closes_a_circle_has_no_end() -> None:
    assert not _has_no_cycle("a", "x", {"a": "b", "b": "a"})
    assert not _has_no_cycle("a", "x", {"a": "x"})
    assert _has_no_cycle("a", "x", {"a": "b"})
    assert _has_no_cycle("a", "x", {"x": "a"})


def test_a_neighbourhood_knows_what_was_loaded_of_it(rows: Rows) -> None:
    rows.fill(world("C1", "C2", "C3", "I1:C1 100", "I2:C2 70", "P1:C2 50 I1=50", "P2:C2 9 I2=9"))
    api = world("P1:C2 50 N1=20", "I2:C3 70", "C1")
    around = Neighbourhood(rows.connection, Api(api, {key("C3")}))  # type: ignore[arg-type]
    around.load([key("P1")])
    around.load([key("I1"), key("P2"), key("I2"), key("C3")])
    assert around.linked(key("P1")) == {key("I1"), key("N1")}
    assert around.linked(key("I1")) == {key("P1")}
    # Links of one customer alone lead to no other; the other customer is the API's or the row's.
    assert around.rows.keys().isdisjoint({key("C1"), key("C2")})
    around.load_customers([key("P1"), key("P2")])
    assert around.rows.keys() >= {key("C1"), key("C2")}
    assert around.is_acknowledged(key("C1")) and not around.is_acknowledged(key("C2"))
    moving = {name for name in ("P1", "I1", "I2", "P2", "C3") if around.moves(key(name))}
    assert moving == {"I2"}
    assert not around.is_synthetic(key("P1"))
