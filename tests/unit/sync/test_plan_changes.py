"""A plan's changes in words, and the names in them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import msgspec
import pytest
from plan_tables import Journal, Payloads, bill, insert, payment, record, rows

from headrace.model.customer import Customer
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.sync.journal import Asked, Key
from headrace.sync.ordering.links import Linkage, linkage_of
from headrace.sync.planning.changes import Changes
from headrace.sync.planning.names import Name, Names
from headrace.sync.planning.plan import Change, Withheld
from headrace.sync.planning.tables import columns_of, make_empty

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


def operations(db: duckdb.DuckDBPyConnection, *given: tuple[str, str, str]) -> None:
    insert(
        db,
        "plan.operations",
        *(
            [number, entity, name, action, "C", 1, None if action == "delete" else "EUR"]
            for number, (action, entity, name) in enumerate(given, 1)
        ),
    )


def words(
    db: duckdb.DuckDBPyConnection, payloads: Payloads, journal: Journal, limit: int | None = None
) -> list[Change]:
    reader = Changes(db, payloads, journal)  # type: ignore[arg-type]
    return list(reader.read(limit))


@pytest.fixture
def told(db: duckdb.DuckDBPyConnection) -> tuple[list[Change], Payloads]:
    """Six changes of all kinds, and what was fetched for them."""
    insert(db, "book.customers", ["C", "Ann"])
    insert(
        db,
        "book.known",
        ["invoice", "A", "C", "N-A", "EUR", 7],
        ["invoice", "B", "D", "N-B", "EUR", 9],
        ["payment", "P1", "C", "R-1", "EUR", 100],
        ["customer", "C", "C", None, None, None],
    )
    operations(
        db,
        ("update", "customer", "C"),
        ("create", "invoice", "A"),
        ("update", "payment", "P1"),
        ("delete", "invoice", "G"),
        ("update", "invoice", "B"),
        ("create", "invoice_pdf", "A"),
    )
    payloads = Payloads(
        C=record(Customer, {"externalId": "C", "name": "Ann"}),
        A=record(Invoice, bill("A", 7)),
        B=record(Invoice, bill("B", 9)),
        P1=record(Payment, payment("P1", A=7, B=1)),
    )
    asked = {("invoice", "A"): Asked("invoice", "A", "create", "C", asked_at=0.0)}
    journal = Journal(
        asked,
        P1=payment("P1", B=3),
        A=bill("A", 3),  # a record of that name was there before
        G=bill("G", 5, customId="N-G", customer={"externalId": "C"}),
        B=None,
    )
    return words(db, payloads, journal), payloads


def test_what_is_created_or_changed_is_told_with_its_fields_names_and_money(
    told: tuple[list[Change], Payloads],
) -> None:
    found, _ = told
    assert [change.external_id for change in found] == ["C", "A", "P1", "G", "B", "A"]
    customer, new, paid, *_ = found
    assert (customer.fields, customer.customer_name) == ([("externalId", "", "C")], "Ann")
    assert new == Change(
        "invoice",
        "A",
        "create",
        [("currency", "", "EUR"), ("externalId", "", "A"), ("grossAmount", "", "7")],
        "C",
        "EUR",
        "Ann",
        "N-A",
        7,
        {},
        "1970-01-01T00:00:00.000Z",
    )
    assert paid.fields == [
        ("linkedInvoices[A].amountLinked", "", "7"),
        ("linkedInvoices[A].invoice.externalId", "", "A"),
        ("linkedInvoices[B].amountLinked", "3", "1"),
    ]
    assert paid.amount == -5  # of 100, 97 were open, and 92 are now
    assert paid.targets == {"linkedInvoices[A]": "N-A", "linkedInvoices[B]": "N-B"}
    assert (paid.number, paid.customer_name, paid.asked_at) == ("R-1", "Ann", "")


def test_what_goes_or_was_not_kept_is_told_as_far_as_it_is_known(
    told: tuple[list[Change], Payloads],
) -> None:
    found, payloads = told
    gone, unkept, pdf = found[3:]
    assert gone.fields == [
        ("currency", "EUR", ""),
        ("customId", "N-G", ""),
        ("customer.externalId", "C", ""),
        ("externalId", "G", ""),
        ("grossAmount", "5", ""),
    ]
    assert (gone.currency, gone.number, gone.amount) == ("EUR", "N-G", 5)
    assert (unkept.fields, unkept.amount, unkept.customer) == ([], None, "C")
    assert (pdf.fields, pdf.number) == ([], "N-A")
    assert ("invoice", ("A", "B")) in payloads.fetched
    assert all(entity != "invoice_pdf" for entity, _ in payloads.fetched)
    assert all("G" not in names for _, names in payloads.fetched)


def test_no_more_changes_are_told_than_asked_for(
    db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations(db, *(("delete", "invoice", f"I{n}") for n in range(130)))
    assert len(words(db, Payloads(), Journal({}))) == 130
    db.execute("delete from plan.operations where number > 5")
    monkeypatch.setattr("headrace.sync.planning.changes._CHUNK", 2)
    for limit, told in ((None, 5), (3, 3), (0, 0), (9, 5)):
        found = words(db, Payloads(), Journal({}), limit)
        assert [change.external_id for change in found] == [f"I{n}" for n in range(told)]


def test_a_release_tells_what_is_given_back(db: duckdb.DuckDBPyConnection) -> None:
    operations(db, ("release", "payment", "P1"), ("update", "payment", "P1"))
    db.execute("update plan.operations set currency = 'USD' where action = 'release'")
    insert(db, "book.known", ["payment", "P1", "C", "R", "CHF", 100])
    new = record(Payment, payment("P1", B=100))
    found = words(db, Payloads(P1=new), Journal({}, P1=payment("P1", A=100)))
    assert found[0].fields == [
        ("linkedInvoices[A].amountLinked", "100", ""),
        ("linkedInvoices[A].invoice.externalId", "A", ""),
    ]
    assert found[0].currency == "EUR"
    assert [name for name, _, _ in found[1].fields] == [
        "linkedInvoices[A].amountLinked",
        "linkedInvoices[A].invoice.externalId",
        "linkedInvoices[B].amountLinked",
        "linkedInvoices[B].invoice.externalId",
    ]


def test_a_link_that_is_given_back_and_comes_again_is_told_both_times(
    db: duckdb.DuckDBPyConnection,
) -> None:
    operations(db, ("release", "payment", "P1"))
    insert(db, "plan.given_back", ["payment", "P1", "invoice", "A"])
    same = payment("P1", A=100)
    found = words(db, Payloads(P1=record(Payment, same)), Journal({}, P1=same))
    assert found[0].fields[0] == ("linkedInvoices[A].amountLinked", "100", "")


def test_late_links_are_told_with_the_request_that_brings_them(
    db: duckdb.DuckDBPyConnection,
) -> None:
    operations(db, ("update", "payment", "P1"), ("link", "payment", "P1"))
    insert(db, "plan.late_links", ["payment", "P1", "invoice", "B"])
    new = {**payment("P1", B=40), "amount": 90}
    journal = Journal({}, P1=payment("P1", B=5))
    first, second = words(db, Payloads(P1=record(Payment, new)), journal)
    assert first.fields == [("amount", "100", "90")]
    assert second.fields == [("linkedInvoices[B].amountLinked", "5", "40")]
    insert(db, "plan.given_back", ["payment", "P1", "invoice", "B"])
    first, second = words(db, Payloads(P1=record(Payment, new)), journal)
    assert ("linkedInvoices[B].amountLinked", "5", "") in first.fields
    assert ("linkedInvoices[B].amountLinked", "", "40") in second.fields


def test_names_come_from_the_book_and_of_what_left_it_from_the_journal(
    db: duckdb.DuckDBPyConnection,
) -> None:
    insert(db, "book.customers", ["C", "Ann B."])
    insert(db, "book.known", ["invoice", "A", "C", "N-A", "EUR", 7])
    names = Names(db, Journal({}, G=bill("G", 5, customId="N-G")))  # type: ignore[arg-type]
    keys: list[Key] = [
        ("invoice", "A"),
        ("invoice_pdf", "A"),
        ("invoice", "G"),
        ("invoice", "X"),
        ("link", "payment P → invoice A"),
    ]
    assert names.of(keys) == {
        ("invoice", "A"): Name("C", "Ann B.", "N-A", "EUR", 7),
        ("invoice_pdf", "A"): Name("C", "Ann B.", "N-A", "EUR", 7),
        ("invoice", "G"): Name("C", "Ann", "N-G", "EUR", 5),
        ("invoice", "X"): Name(),
        ("link", "payment P → invoice A"): Name("", "", "N-A"),
    }
    assert names.named([Withheld("invoice", "A", "why")]) == [
        Withheld("invoice", "A", "why", "C", "Ann B.", "N-A", "EUR", 7)
    ]


def test_tables_are_made_anew_without_rows(db: duckdb.DuckDBPyConnection) -> None:
    assert columns_of("plan.waits") == ("number bigint", "on_number bigint")
    insert(db, "plan.waits", [1, 2])
    make_empty(db, "plan.waits", "plan.lanes")
    assert rows(db, "from plan.waits") == rows(db, "from plan.lanes") == []
    assert [row[0] for row in rows(db, "describe plan.lanes")] == [
        "customer",
        "phase",
        "first",
        "last",
    ]


def test_a_payload_is_read_as_its_linkage() -> None:
    body = msgspec.json.encode(payment("P1", A=7))
    assert linkage_of(body) == Linkage("", "", "EUR", 100, {("invoice", "A"): 7})
