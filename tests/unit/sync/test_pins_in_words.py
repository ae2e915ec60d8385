"""What stays as the API has it while rows are in error, in small worlds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import duckdb
import msgspec
import pytest
from worlds import World, key, parts, world

from headrace.model.entity import LINKS
from headrace.sync.journal import Acknowledged, Key
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.neighbourhood import Neighbourhood
from headrace.sync.planning.parent_pins import ParentPins, _ends
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
        self.connection.execute(BOOK.joinpath("roots.sql").read_text("utf-8"))

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


# `error` are records in error, `flaws` links in error and what is wrong with them, `parents`
# customers whose parent is in error, `unkept` records whose payload the journal did not keep.
WORLDS = """
api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency
waits: I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100; P2:C1 20 USD I1=20
flaws: P1>I1 currency
waits: I1
pinned: P1>I1=80
refused: P2>I1

api: C1; I1:C1 100; P1:C1 100
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency

api: C1; I1:C1 100
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 currency

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 50; P1:C1 100 I1=40
error: P1
waits: I1, P1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100 I1=40; P2:C1 60 I1=60
error: P1
waits: P1
pinned: P1>I1=80
refused: P2>I1

api: C1; I1:C1 100; I2:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 100; P1:C1 100 I2=80; P2:C1 60 I1=60
error: P1
waits: P1
pinned: P1>I1=80
refused: P1>I2, P2>I1

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; P1:C1 100
flaws: P1>I1 no target
waits: I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100
flaws: P1>I1 no source
waits: P1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 currency
unkept: P1
waits: P1

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100; P1:C1 100
flaws: P1>I1 shape

api: C1; C2; I1:C1 100; P1:C1 100 I1=80
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: P1
waits: I1, P1
pinned: P1>I1=80

api: C1; C2; I1:C1 100; P1:C1 100 I1=80
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: I1
waits: I1, P1
pinned: P1>I1=80

api: C1; C2; I1:C1 100; P1:C1 100
rows: C1; C2; I1:C2 100; P1:C2 100 I1=80
error: I1
waits: I1
refused: P1>I1

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C2 100
flaws: P1>I1 family
waits: C2
pinned: P1>I1=80

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2<C3; C3; I1:C1 100; P1:C2 100
flaws: P1>I1 family
waits: C2
pinned: P1>I1=80
families: C2<C3

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C1 100 I1=80
error: C2
waits: C2

api: C1; I1:C1 100
rows: C1; I1:C1 100; Pfix1:C1 100 I1=100
error: I1
waits: I1

api: C1; I1:C1 100; P1:C1 50 I1=50
rows: C1; I1:C1 100; P1:C1 50 I1=20; Pfix1:C1 80 I1=80
flaws: P1>I1 over
waits: Pfix1
pinned: P1>I1=50
refused: Pfix1>I1

api: C1; I1:C1 100
rows: C1; I1:C1 100 USD; P1:C1 50 USD I1=50
error: I1
waits: I1
refused: P1>I1

api: C1
rows: C1; I1:C1 100; P1:C1 50 I1=50
error: I1

api: C1; P1:C1 100; R1:C1 40 P1=40
rows: C1; P1:C1 100 I1=100; R1:C1 40; I1:C1 100
flaws: R1>P1 over
pinned: R1>P1=40
refused: P1>I1

api: C1; C2<C1
rows: C1; C2
parents: C2
regrouped: C2
families: C2<C1

api: C1; C2<C1
rows: C1; C2
parents: C2
unkept: C2
regrouped: C2
unsaid: C2

api: C2<C1; C1
rows: C2
parents: C2
waits: C1
regrouped: C2
families: C2<C1

api: C2<C1; C1
rows: C1<C2; C2
parents: C2
regrouped: C2
families: C1<C2

api: C2
rows: C1; C2<C1
error: C1
regrouped: C2

api: C1; C2
rows: C1; C2<C1
error: C1
waits: C1
families: C2<C1

api: C1; C2<C1; I1:C2 100; P1:C2 100 I1=50
rows: C1<C3; C3; I1:C1 100; P1:C1 100
error: P1
waits: C1, C2, I1, P1
pinned: P1>I1=50

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; P1:C1 100
error: P1
waits: P1, I1
pinned: P1>I1=80

api: C1; I1:C1 100; P1:C1 100 I1=80
rows: C1; I1:C1 100 USD; P1:C1 100
flaws: P1>I1 currency
unkept: I1
waits: I1
pinned: P1>I1=80

api: C1; C2<C1; I1:C1 100; P1:C2 100 I1=80
rows: C1; C2; I1:C1 100; P1:C2 100
flaws: P1>I1 family
unkept: C2
waits: C2
pinned: P1>I1=80

api: C1; C3; C2<C1; I1:C2 100; I2:C2 100; P1:C3 100; P2:C3 100
rows: C1; C3; C2<C3; I1:C2 100; I2:C2 100; P1:C3 100 I1=50; P2:C3 100 I2=50
error: C2
waits: C2
refused: P1>I1, P2>I2
families: C2<C3

api: C3; C2; I1:C2 100; P1:C3 100
rows: C3; C2<C3; I1:C2 100; P1:C3 100 I1=50
error: C2
waits: C2
refused: P1>I1
families: C2<C3

api: C1; C3; C2<C1; I1:C2 100; P1:C1 100
rows: C1<C3; C3; I9:C3 50; P1:C1 100 I9=50
error: I1
waits: I1
refused: P1>I9

api: C1; C2<C1; I1:C2 100
rows: C1<C3; C3; C2
error: I1
waits: I1
families: C1<C3

api: C1; C2; C3<C1; I1:C1 100; P1:C3 100 I1=10
rows: C1; C2; C3<C2; I1:C1 100; P1:C3 100
error: C3
flaws: P1>I1 family
waits: C3
pinned: P1>I1=10
families: C3<C2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 50; P1:C1 100 I2=50
flaws: P1>I1 over
pinned: P1>I1=80
refused: P1>I2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80
rows: C1; I1:C1 100; I2:C1 50; P1:C1 60 I2=50
flaws: P1>I1 over
waits: P1
pinned: P1>I1=80
refused: P1>I2

api: C1; I1:C1 100; I2:C1 50; P1:C1 100 I1=80 I2=10
rows: C1; I1:C1 100; I2:C1 50; P1:C1 100 I2=50
flaws: P1>I1 over
pinned: P1>I1=80, P1>I2=10

api: C1; N1:C1 100; I1:C1 100
rows: C1; N1:C1 100 USD I1=30; I1:C1 100 USD; P1:C1 70 USD I1=70
error: N1
waits: N1
refused: N1>I1

api: C1; C2; I1:C1 100; P1:C1 100 I1=50; P2:C1 50 I1=50
rows: C1; C2; I1:C2 100; P1:C1 100; P2:C2 50 I1=50
flaws: P1>I1 family
waits: I1, P2
pinned: P1>I1=50, P2>I1=50
"""


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


REASONS = [
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; I1:C1 100 USD; P1:C1 100; "
        "P2:C1 20 USD I1=20\nflaws: P1>I1 currency",
        {
            "I1": "the API holds the link payment P1 → invoice I1, whose rows don't agree",
            "P1>I1": "it stays as the API has it",
            "P2>I1": "its ends will not agree at the API yet",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; P1:C1 100\nflaws: P1>I1 no target",
        {
            "I1": "left the source, where payment P1 still settles it",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; N1:C1 100; R1:C1 100 N1=80\nrows: C1; N1:C1 100\nflaws: R1>N1 no source",
        {
            "R1": "left the source, where its link to credit note N1 remains",
            "R1>N1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9 I1=8\nrows: C1; I1:C1 100; P1:C1 9\nflaws: P1>I1 over\n"
        "unkept: P1",
        {"P1": "what the API holds of it was not kept, and one of its links is in error"},
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; I1:C1 50; P1:C1 100 I1=40\nerror: P1",
        {
            "P1": "in error",
            "I1": "the API holds more links of it than its amount allows now",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9 I1=8\nrows: C1; I1:C1 9; P1:C1 9; P2:C1 7 I1=7\n"
        "flaws: P1>I1 over",
        {
            "P1>I1": "it stays as the API has it",
            "P2>I1": "with what the API holds it would pass invoice I1",
        },
    ),
    (
        "api: C1; I1:C1 100; P1:C1 9\nrows: C1; I1:C1 9; P1:C1 9 I1=9\nerror: P1",
        {"P1": "in error", "P1>I1": "its payment P1 waits"},
    ),
    (
        "api: C1; I1:C1 100; P1:C1 100 I1=80\nrows: C1; P1:C1 100\nerror: P1",
        {
            "P1": "in error",
            "I1": "left the source, where a link of it is in error: invoice I1",
            "P1>I1": "it stays as the API has it",
        },
    ),
    (
        "api: C2<C1; C1\nrows: C2\nparents: C2",
        {"C1": "left the source, where a child's parent is in error"},
    ),
]


@pytest.mark.parametrize(("text", "told"), REASONS)
def test_each_wait_has_its_reason(rows: Rows, text: str, told: dict[str, str]) -> None:
    assert reasons(rows, text) == told


def test_a_family_that_closes_a_circle_has_no_end() -> None:
    assert not _ends("a", "x", {"a": "b", "b": "a"})
    assert not _ends("a", "x", {"a": "x"})
    assert _ends("a", "x", {"a": "b"})
    assert _ends("a", "x", {"x": "a"})
