"""Parts of a plan that are read from the engine: its shift and its scope."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from plan_tables import insert, rows

from headrace.model.errors import ConfigurationError
from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.scope import Scope, cut, narrow
from headrace.sync.planning.shift import OpenShift, Shift, ShiftMeter

TABLES = """
create schema if not exists book; create schema if not exists plan;
create schema if not exists staging;
create table book.withheld (entity varchar, external_id varchar, reason varchar);
create table staging.acknowledged (entity varchar, external_id varchar, key bigint);
create table book.allocations (row bigint);
create table book.flawed_links (row bigint);
create table book.contacts (external_id varchar);
create table book.link_marks (row bigint, to_kind varchar, target ubigint, amount bigint);
create table book.links (from_entity varchar, from_external_id varchar,
    to_entity varchar, to_external_id varchar, amount bigint);
create table book.invoices (external_id varchar, currency varchar, gross_amount bigint);
create table book.customers (external_id varchar, name varchar);
create table book.known (entity varchar, external_id varchar, customer varchar, number varchar,
    currency varchar, amount bigint);
create table book.roots (external_id varchar, root varchar);
create table book.own_contacts (id varchar, customer_external_id varchar);
create table book.examined_records (entity varchar, external_id varchar, customer varchar);
create table plan.changes (entity varchar, external_id varchar, action varchar);
create table plan.gone (entity varchar, external_id varchar, customer varchar);
create table plan.operations (number bigint, entity varchar, external_id varchar, action varchar,
    customer varchar, phase integer, currency varchar);
create table plan.waits (number bigint, on_number bigint);
create table plan.given_back (entity varchar, external_id varchar, to_entity varchar,
    to_external_id varchar);
create table plan.late_links as from plan.given_back;
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def db(opened: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for schema in ("book", "plan", "staging"):
        opened.execute(f"drop schema if exists {schema} cascade")
    opened.execute(TABLES)
    return opened


# shift ---------------------------------------------------------------------------------------


def invoice(amount: int, currency: str = "EUR") -> Linkage:
    return Linkage("C", "", currency, amount)


def paid(currency: str = "EUR", amount: int = 100, **links: int) -> Linkage:
    found: dict[Key, int] = {("invoice", to): n for to, n in links.items()}
    return Linkage("C", "", currency, amount, found)


def test_a_plan_without_changes_shifts_nothing(db: duckdb.DuckDBPyConnection) -> None:
    insert(db, "book.allocations", [1], [2], [3])
    insert(db, "book.flawed_links", [2])
    insert(db, "book.contacts", ["k"], ["l"])
    insert(db, "book.withheld", ["invoice", "A", ""], ["invoice", "B", ""], ["payment", "P", ""])
    insert(db, "staging.acknowledged", ["invoice", "A", 0], ["payment", "P", 0])
    db.execute("update staging.acknowledged set key = (hash(entity, external_id) >> 1)::bigint")
    insert(db, "book.link_marks", [1, "invoice", 7, 5], [2, "invoice", 7, 5], [3, "payment", 9, 5])
    assert ShiftMeter(db).read(imported=True) == Shift(
        withheld={"invoice": 1, "payment": 1},
        links=3,
        flawed_links=1,
        contacts=2,
        imported=True,
    )


def test_amounts_and_currencies_that_change_are_counted_by_entity(
    db: duckdb.DuckDBPyConnection,
) -> None:
    meter = ShiftMeter(db)
    for n, (old, new) in enumerate(
        [
            (invoice(5), invoice(6)),
            (invoice(5), invoice(5, "USD")),
            (invoice(5), invoice(7, "USD")),
            (invoice(5), invoice(5)),
        ]
    ):
        meter.update(("invoice", str(n)), b"{}", b"{}", old, new)
    meter.update(("payment", "P"), b"{}", b"{}", paid(), paid(amount=9))
    shift = meter.read(imported=False)
    assert shift.amounts == {"invoice": 2, "payment": 1}
    assert shift.currencies == {"invoice": 2}
    assert not shift.imported


def test_contacts_that_a_customer_loses_are_counted(db: duckdb.DuckDBPyConnection) -> None:
    meter = ShiftMeter(db)
    before = b'{"contacts": [{"email": "a@x"}, {"email": "b@x"}], "name": "A"}'
    for _ in range(2):
        meter.update(
            ("customer", "C"), before, b'{"contacts": [{"email": "a@x"}]}', paid(), paid("USD")
        )
    shift = meter.read(imported=False)
    assert (shift.contacts_removed, shift.currencies, shift.open) == (2, {}, [])


def acknowledge(db: duckdb.DuckDBPyConnection, *names: str) -> None:
    for name in names:
        db.execute(
            "insert into staging.acknowledged select 'invoice', $1, (hash('invoice', $1) >> 1)",
            [name],
        )


def test_what_is_open_moves_with_invoices_and_with_what_settles_them(
    db: duckdb.DuckDBPyConnection,
) -> None:
    insert(db, "book.invoices", ["A", "EUR", 120], ["B", "EUR", 50], ["D", "USD", 7])
    insert(db, "book.invoices", ["E", None, 7], ["F", "EUR", None], ["G", "EUR", 9_000])
    acknowledge(db, "A", "B", "D", "E", "F")
    db.execute("insert into book.link_marks select 1, 'invoice', hash('invoice', 'A'), 30")
    db.execute("insert into book.link_marks select 2, 'invoice', hash('invoice', 'B'), 20")
    insert(db, "book.flawed_links", [2])
    meter = ShiftMeter(db)
    meter.update(("invoice", "A"), b"{}", b"{}", invoice(100), invoice(120))
    meter.update(("payment", "P"), b"{}", b"{}", paid(A=40), paid(A=30))
    meter.delete(("invoice", "X"), invoice(11))
    meter.update(
        ("refund", "R"),
        b"{}",
        b"{}",
        Linkage("C", "", "EUR", 5, {("payment", "P"): 5}),
        Linkage("C", "", "EUR", 5),
    )
    now = 120 - 30 + 50
    change = 20 + 10 - 11
    assert meter.read(imported=False).open == [OpenShift("EUR", 3, now - change, change)]


def test_every_document_that_moves_what_is_open_is_counted_once(
    db: duckdb.DuckDBPyConnection,
) -> None:
    insert(db, "book.invoices", ["A", "EUR", 100])
    meter = ShiftMeter(db)
    for name in "XY":
        meter.delete(("invoice", name), invoice(10))
        meter.update(("payment", name), b"{}", b"{}", paid(A=7), paid(A=4))
    shift = meter.read(imported=False)
    assert shift.open == [OpenShift("EUR", 4, 20 - 6, 6 - 20)]
    assert shift.reopened == 1
    meter.update(("payment", "Z"), b"{}", b"{}", paid(), paid(A=6))
    assert meter.read(imported=False).reopened == 0


def test_what_moves_to_another_currency_moves_both(db: duckdb.DuckDBPyConnection) -> None:
    insert(db, "book.invoices", ["A", "USD", 120])
    acknowledge(db, "A")
    meter = ShiftMeter(db)
    meter.update(("invoice", "A"), b"{}", b"{}", invoice(100), invoice(120, "USD"))
    meter.update(("payment", "P"), b"{}", b"{}", paid(A=40), paid("USD", A=40))
    meter.update(("invoice", "B"), b"{}", b"{}", invoice(3, "CHF"), invoice(3, "CHF"))
    assert meter.read(imported=False).open == [
        OpenShift("EUR", 2, 60, -60),
        OpenShift("USD", 2, 120 - 80, 80),
    ]


def test_an_invoice_is_reopened_when_it_loses_more_than_new_settlements_bring(
    db: duckdb.DuckDBPyConnection,
) -> None:
    insert(db, "book.invoices", *([name, "EUR", 100] for name in "ABCDE"))
    insert(db, "plan.changes", ["payment", "N", "create"], ["payment", "U", "update"])
    insert(
        db,
        "book.links",
        ["payment", "N", "invoice", "B", 40],
        ["payment", "N", "invoice", "C", 39],
        ["payment", "U", "invoice", "D", 40],
        ["refund", "N", "payment", "A", 40],
    )
    db.execute("insert into book.link_marks select 1, 'invoice', hash('invoice', 'B'), 40")
    meter = ShiftMeter(db)
    meter.update(("payment", "P"), b"{}", b"{}", paid(A=40, B=40, C=40, D=40, E=1), paid(E=2))
    meter.delete(("payment", "Q"), paid(X=40))
    shift = meter.read(imported=False)
    assert shift.reopened == 3
    assert shift.settled == 5  # A, B, C and D, and X, which is gone


# scope ---------------------------------------------------------------------------------------


@pytest.fixture
def changed(db: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    insert(
        db,
        "plan.changes",
        *(
            [entity, name, action]
            for entity, name, action in (
                ("customer", "C1", "update"),
                ("customer", "C2", "update"),
                ("customer", "C3", "create"),
                ("contact", "C1/k", "create"),
                ("invoice", "I1", "create"),
                ("invoice_pdf", "I1", "create"),
                ("invoice", "I2", "create"),
                ("payment", "P1", "delete"),
                ("payment", "fix:I1", "delete"),
            )
        ),
    )
    insert(db, "book.customers", ["C1", "Ann"], ["C2", "Bob"], ["C3", "Cyd"])
    insert(db, "book.roots", ["C1", "C2"])
    insert(db, "book.own_contacts", ["C1/k", "C1"])
    insert(
        db,
        "book.examined_records",
        *(
            [k, n, c]
            for k, n, c in (
                ("customer", "C1", "C1"),
                ("customer", "C2", "C2"),
                ("customer", "C3", "C3"),
                ("invoice", "I1", "C1"),
                ("invoice", "I2", "C2"),
            )
        ),
    )
    insert(db, "plan.gone", ["payment", "P1", "C1"], ["payment", "fix:I1", "C1"])
    return db


def taken(db: duckdb.DuckDBPyConnection) -> set[str]:
    return {f"{e} {x}" for e, x in rows(db, "select entity, external_id from plan.changes")}


ALL = {
    "customer C1", "customer C2", "customer C3", "contact C1/k", "invoice I1", "invoice_pdf I1",
    "invoice I2", "payment P1", "payment fix:I1",
}  # fmt: skip


def test_everything_is_taken_unless_something_is_said(changed: duckdb.DuckDBPyConnection) -> None:
    narrow(changed, Scope(), {})
    assert taken(changed) == ALL
    assert rows(changed, "from plan.left_out") == rows(changed, "from plan.departed") == []


def test_what_left_the_source_stays_where_a_rule_says_so(
    changed: duckdb.DuckDBPyConnection,
) -> None:
    narrow(changed, Scope(), {"payment": "report", "invoice": "delete"})
    assert taken(changed) == ALL - {"payment P1"}
    assert rows(changed, "from plan.departed") == [("payment", "P1", "report")]


def test_only_the_chosen_entities_are_taken_pdfs_with_their_documents(
    changed: duckdb.DuckDBPyConnection,
) -> None:
    narrow(changed, Scope(only=("invoice", "customer")), {})
    assert taken(changed) == ALL - {"payment P1", "payment fix:I1"}
    assert ("payment", "P1", "delete") in rows(changed, "from plan.left_out")


def test_only_the_chosen_customer_is_taken_with_its_parent(
    changed: duckdb.DuckDBPyConnection,
) -> None:
    narrow(changed, Scope(customer="C1"), {})
    assert taken(changed) == ALL - {"customer C3", "invoice I2"}


def test_a_customer_that_neither_side_has_is_refused(changed: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigurationError, match="There is no customer C9"):
        narrow(changed, Scope(customer="C9"), {})
    insert(changed, "staging.acknowledged", ["customer", "C9", 1])
    narrow(changed, Scope(customer="C9"), {})
    assert taken(changed) == set()


def planned(db: duckdb.DuckDBPyConnection, *operations: tuple[str, int]) -> None:
    """(customer, phase) of each, numbered from 1."""
    insert(
        db,
        "plan.operations",
        *(
            [number, "invoice", f"I{number}", "create", customer, phase, "EUR"]
            for number, (customer, phase) in enumerate(operations, 1)
        ),
    )


def left(db: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in rows(db, "select number from plan.operations order by number")]


def test_the_first_operations_are_kept_less_those_that_wait_for_others(
    db: duckdb.DuckDBPyConnection,
) -> None:
    planned(db, ("A", 1), ("A", 1), ("B", 1), ("B", 1), ("C", 1), ("D", 1))
    insert(db, "plan.waits", [2, 3], [3, 6], [1, 5])
    cut(db, Scope())
    assert left(db) == [1, 2, 3, 4, 5, 6]
    cut(db, Scope(limit=5))
    # 6 is cut, 3 waits for it, 4 follows 3, and 2 waits for 3.
    assert left(db) == [1, 5]
    lanes = rows(db, "from plan.lanes")
    assert lanes == [("A", 1, 1, 1), ("C", 1, 5, 5)]


def test_a_limit_beyond_the_plan_cuts_nothing(db: duckdb.DuckDBPyConnection) -> None:
    planned(db, ("A", 1), ("A", 2))
    cut(db, Scope(limit=2))
    assert left(db) == [1, 2]
    assert len(rows(db, "from plan.lanes")) == 2
