"""How the operations of a plan are built when their lane is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import msgspec
import pytest
from plan_tables import Journal, Payloads, bill, insert, payment, record

from headrace.book.payloads.payloads import Built, payload_hash
from headrace.model.contact import Contact
from headrace.model.customer import Customer
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.record import Record
from headrace.sync.delivery import loader as module
from headrace.sync.delivery.loader import Loader
from headrace.sync.journal import Asked, Key
from headrace.sync.operations.operation import UNKNOWN_LINK, Operation

TABLES = """
create schema if not exists book; create schema if not exists plan;
create table book.unsaid_parents (external_id varchar);
create table plan.operations (number bigint, entity varchar, external_id varchar, action varchar,
    customer varchar, fingerprint bigint);
create table plan.lanes (customer varchar, phase integer, first bigint, last bigint);
create table plan.waits (number bigint, on_number bigint);
create table plan.claims (entity varchar, external_id varchar, id varchar, keeps_links boolean,
    frees varchar[][]);
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
    for schema in ("book", "plan"):
        opened.execute(f"drop schema if exists {schema} cascade")
    opened.execute(TABLES)
    return opened


class Book:
    """The book of a loader, as far as it looks at it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, **columns: frozenset[str]) -> None:
        self.connection = connection
        self.columns = columns
        self.pdf_places = None


Given = tuple[str, str, str]
"""(action, entity, external id)."""


def plan(db: duckdb.DuckDBPyConnection, *given: Given, customer: str = "C") -> None:
    """One lane of these operations, numbered from 1."""
    for number, (action, entity, name) in enumerate(given, 1):
        insert(db, "plan.operations", [number, entity, name, action, customer, 10 * number])
    insert(db, "plan.lanes", [customer, 1, 1, len(given)])


def opened_loader(
    db: duckdb.DuckDBPyConnection,
    journal: Any = None,
    payloads: Payloads | None = None,
    **columns: frozenset[str],
) -> Loader:
    made = Loader(Book(db, **columns), journal or Journal({}))  # type: ignore[arg-type]
    made._payloads = payloads or Payloads()  # type: ignore[assignment]
    return made


def loaded(
    db: duckdb.DuckDBPyConnection,
    given: Sequence[Given],
    journal: Any = None,
    columns: dict[str, frozenset[str]] | None = None,
    **records: Record,
) -> list[Operation]:
    plan(db, *given)
    made = opened_loader(db, journal, Payloads(**records), **(columns or {}))
    (lane,) = made.next_lanes()
    made.load([lane])
    return list(lane.queue)


def body(operation: Operation) -> Any:
    return msgspec.json.decode(operation.body or b"")


def links(operation: Operation, name: str = "body") -> dict[str, int]:
    found = msgspec.json.decode(getattr(operation, name) or b"{}")["linkedInvoices"]
    return {link["invoice"]["externalId"]: link["amountLinked"] for link in found}


# lanes ---------------------------------------------------------------------------------------


def test_lanes_are_handed_out_in_order_phase_by_phase(db: duckdb.DuckDBPyConnection) -> None:
    for customer, phase, first, last in (("B", 1, 3, 4), ("A", 1, 1, 2), ("A", 2, 5, 9)):
        insert(db, "plan.lanes", [customer, phase, first, last])
    made = opened_loader(db)
    assert not made.ended
    first = made.next_lanes()
    assert [(one.customer, one.next, one.last, one.rank) for one in first] == [
        ("A", 1, 2, 0),
        ("B", 3, 4, 1),
    ]
    assert not made.ended
    (second,) = made.next_lanes()
    assert (second.customer, second.phase, second.rank) == ("A", 2, 2)
    assert made.next_lanes() == []
    assert made.ended


def test_slices_are_bounded_by_their_operations_of_which_a_long_lane_counts_in_part(
    db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLICE", 5)
    monkeypatch.setattr(module, "_PER_LANE", 3)
    first = 1
    for size in (3, 2, 1, 99, 1, 1, 2):
        insert(db, "plan.lanes", [f"C{first}", 1, first, first + size - 1])
        first += size
    made = opened_loader(db)
    assert [[one.next for one in made.next_lanes()] for _ in range(4)] == [
        [1, 4, 6],
        [7, 106, 107, 108],
        [],
        [],
    ]


def test_a_payload_that_planning_built_is_not_built_again(db: duckdb.DuckDBPyConnection) -> None:
    plan(db, ("update", "payment", "P1"), ("create", "payment", "P2"))
    one = Built(record(Payment, payment("P1", I1=5)), b'{"linkedInvoices":[],"built":1}', b"hash")
    payloads = Payloads(P2=record(Payment, payment("P2")))
    made = opened_loader(db, Journal({}, P1=payment("P1", I1=5)), payloads)
    made._built = {("payment", "P1"): one}
    (lane,) = made.next_lanes()
    made.load([lane])
    assert lane.queue[0].hash == one.hash
    assert b'"built":1' in (lane.queue[0].payload or b"")
    assert payloads.fetched == [("payment", ("P2",))]


def test_a_long_lane_is_loaded_in_pieces(
    db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PER_LANE", 2)
    plan(db, *(("delete", "invoice", f"I{n}") for n in range(1, 6)))
    records = {f"I{n}": bill(f"I{n}", n) for n in range(1, 6)}
    made = opened_loader(db, Journal({}, **records))
    (lane,) = made.next_lanes()
    pieces = []
    while lane.needs_operations:
        made.load([lane])
        pieces.append([one.number for one in lane.queue])
        lane.queue.clear()
    assert pieces == [[1, 2], [3, 4], [5]]
    assert lane.exhausted
    made.load([])


def test_several_lanes_are_loaded_at_once(db: duckdb.DuckDBPyConnection) -> None:
    for number in range(1, 7):
        insert(db, "plan.operations", [number, "invoice", f"I{number}", "create", "C", number])
    for customer, first, last in (("A", 1, 2), ("B", 5, 6)):
        insert(db, "plan.lanes", [customer, 1, first, last])
    records = {f"I{n}": record(Invoice, bill(f"I{n}", n)) for n in range(1, 7)}
    payloads = Payloads(**records)
    made = opened_loader(db, payloads=payloads)
    lanes = made.next_lanes()
    made.load(lanes)
    assert [[one.number for one in lane.queue] for lane in lanes] == [[1, 2], [5, 6]]
    assert payloads.fetched == [("invoice", ("I1", "I2", "I5", "I6"))]


# operations ----------------------------------------------------------------------------------


def test_a_new_record_is_sent_as_it_is(db: duckdb.DuckDBPyConnection) -> None:
    wanted = {**bill("I", 7), "customer": {"externalId": "C"}}
    (one,) = loaded(db, [("create", "invoice", "I")], I=record(Invoice, wanted))
    assert (one.number, one.key, one.action) == (1, ("invoice", "I"), "create")
    assert (one.customer, one.fingerprint) == ("C", 10)
    assert body(one) == wanted
    assert one.body == one.payload
    assert one.hash == payload_hash(one.payload or b"")
    assert one.refers_to == (("customer", "C"),)
    assert (one.waits_for, one.is_unsure, one.follows, one.rebinds) == ((), False, False, False)
    assert (one.frees, one.release, one.claims, one.is_part) == ((), None, "", False)


def test_an_operation_waits_for_those_of_the_plan(db: duckdb.DuckDBPyConnection) -> None:
    insert(db, "plan.waits", [1, 7], [1, 9], [2, 8], [5, 6])
    given = [("create", "invoice", "A"), ("create", "invoice", "B"), ("create", "invoice", "D")]
    found = loaded(db, given, **{n: record(Invoice, bill(n, 1)) for n in "ABD"})
    assert [sorted(one.waits_for) for one in found] == [[7, 9], [8], []]
    assert opened_loader(db).awaited == {6, 7, 8, 9}


def test_an_update_clears_what_its_row_has_emptied(db: duckdb.DuckDBPyConnection) -> None:
    before = bill("I", 7, name="old", netAmount=5)
    journal = Journal({}, I=before)
    columns = {"invoices": frozenset({"name", "gross_amount"})}
    new = record(Invoice, bill("I", 8))
    (one,) = loaded(db, [("update", "invoice", "I")], journal, columns, I=new)
    assert body(one) == {**bill("I", 8), "name": None}
    assert msgspec.json.decode(one.payload or b"") == bill("I", 8)
    assert one.rebinds
    assert one.frees == ()


def test_an_update_that_binds_nothing_says_so(db: duckdb.DuckDBPyConnection) -> None:
    journal = Journal({}, I=bill("I", 7, customId="a"))
    new = record(Invoice, bill("I", 7, customId="b"))
    (one,) = loaded(db, [("update", "invoice", "I")], journal, I=new)
    assert not one.rebinds
    assert body(one) == bill("I", 7, customId="b")


def test_an_update_of_what_was_not_kept_clears_all_that_may_be_empty(
    db: duckdb.DuckDBPyConnection,
) -> None:
    columns = {"invoices": frozenset({"name"})}
    new = record(Invoice, bill("I", 8))
    (one,) = loaded(db, [("update", "invoice", "I")], Journal({}, I=None), columns, I=new)
    assert body(one) == {**bill("I", 8), "name": None}
    assert (one.rebinds, one.frees, one.release) == (True, (UNKNOWN_LINK,), None)


def customer(**more: Any) -> dict[str, Any]:
    return {"externalId": "C", "name": "Ann", **more}


class OfCustomer(Journal):
    """A journal that has one customer, with this payload."""

    def __init__(self, payload: dict[str, Any] | None) -> None:
        super().__init__({})
        known = None if payload is None else msgspec.json.encode(payload)
        self._records["customer", "C"] = msgspec.structs.replace(
            self._records["customer", "C"], payload=known
        )


def test_a_parent_is_cleared_unless_nothing_is_known_of_it(db: duckdb.DuckDBPyConnection) -> None:
    columns = {"customers": frozenset({"parent_external_id"})}
    new = record(Customer, customer())
    given = [("update", "customer", "C")]
    (one,) = loaded(db, given, OfCustomer(None), columns, C=new)
    assert body(one)["parent"] is None
    for table in ("operations", "lanes"):
        db.execute(f"delete from plan.{table}")
    insert(db, "book.unsaid_parents", ["C"])
    (one,) = loaded(db, given, OfCustomer(None), columns, C=new)
    assert "parent" not in body(one)


def test_custom_values_that_are_emptied_are_null_and_those_unread_stay(
    db: duckdb.DuckDBPyConnection,
) -> None:
    values = [{"id": "a", "value": 1}, {"id": "b", "value": 2}]
    new = record(Customer, customer())
    plan(db, ("update", "customer", "C"))
    payloads = Payloads(C=new)
    unread = {"C": {("b", None)}}
    payloads.unread_fields = unread.__getitem__  # type: ignore[attr-defined]
    for columns, sent in (
        (frozenset({"custom_fields"}), [{"id": "a", "value": None}]),
        (frozenset[str](), None),
    ):
        made = opened_loader(
            db, OfCustomer(customer(customFields=values)), payloads, customers=columns
        )
        (lane,) = made.next_lanes()
        made.load([lane])
        (one,) = lane.queue
        assert body(one).get("customFields") == sent
        kept = msgspec.json.decode(one.payload or b"").get("customFields")
        assert kept == ([{"id": "b", "value": 2}] if sent else None)


def test_what_contacts_no_longer_have_is_null(db: duckdb.DuckDBPyConnection) -> None:
    old = customer(contacts=[{"email": "a@x", "externalId": "k", "position": "CFO"}])
    new = customer(contacts=[{"email": "a@x", "externalId": "k"}])
    columns = {"contacts": frozenset({"position"})}
    given = [("update", "customer", "C")]
    (one,) = loaded(db, given, OfCustomer(old), columns, C=record(Customer, new))
    assert body(one)["contacts"] == [{"email": "a@x", "externalId": "k", "position": None}]


def test_what_contacts_never_had_is_not_cleared(db: duckdb.DuckDBPyConnection) -> None:
    old = customer(contacts=[{"email": "a@x", "externalId": "k"}])
    columns = {"contacts": frozenset({"position"})}
    given = [("update", "customer", "C")]
    (one,) = loaded(db, given, OfCustomer(old), columns, C=record(Customer, old))
    assert body(one)["contacts"] == [{"email": "a@x", "externalId": "k"}]


def test_contacts_without_a_model_keep_what_they_have(db: duckdb.DuckDBPyConnection) -> None:
    new = customer(contacts=[{"email": "a@x"}])
    given = [("update", "customer", "C")]
    (one,) = loaded(db, given, OfCustomer(None), C=record(Customer, new))
    assert body(one)["contacts"] == [{"email": "a@x"}]


def test_only_what_is_needed_is_read(db: duckdb.DuckDBPyConnection) -> None:
    payloads = Payloads(A=record(Invoice, bill("A", 1)), C=record(Customer, customer()))
    journal = Journal({}, G=bill("G", 1))
    asked: list[list[Key]] = []
    acknowledged = journal.acknowledged
    journal.acknowledged = lambda keys: asked.append(list(keys)) or acknowledged(keys)  # type: ignore[func-returns-value,method-assign]
    plan(db, ("create", "customer", "C"), ("create", "invoice", "A"), ("delete", "invoice", "G"))
    made = opened_loader(db, journal, payloads)
    (lane,) = made.next_lanes()
    made.load([lane])
    assert payloads.fetched == [("customer", ("C",)), ("invoice", ("A",))]
    assert asked == [[("invoice", "G")]]


def test_a_contact_refers_to_its_customer_alone(db: duckdb.DuckDBPyConnection) -> None:
    new = record(Contact, {"externalId": "k", "email": "a@x"})
    (one,) = loaded(db, [("create", "contact", "C/k")], **{"C/k": new})
    assert one.refers_to == (("customer", "C"),)


def test_a_deletion_has_no_body_and_gives_back_all(db: duckdb.DuckDBPyConnection) -> None:
    journal = Journal({}, P=payment("P", A=1, B=2), I=None)
    first, second = loaded(db, [("delete", "payment", "P"), ("delete", "invoice", "I")], journal)
    assert (first.body, first.payload, first.hash) == (None, None, None)
    assert first.frees == (("invoice", "A"), ("invoice", "B"))
    assert (first.rebinds, first.release) == (True, None)
    assert second.frees == (UNKNOWN_LINK,)


def test_a_pdf_waits_for_its_document(db: duckdb.DuckDBPyConnection) -> None:
    (one,) = loaded(db, [("create", "invoice_pdf", "I")])
    assert one.refers_to == (("invoice", "I"),)
    assert (one.body, one.payload) == (None, None)


def test_a_changed_payment_frees_what_it_gives_back(db: duckdb.DuckDBPyConnection) -> None:
    journal = Journal({}, P=payment("P", A=60, B=40))
    new = record(Payment, payment("P", A=50, D=50))
    (one,) = loaded(db, [("update", "payment", "P")], journal, P=new)
    assert links(one) == {"A": 50, "D": 50}
    assert set(one.frees) == {("invoice", "A"), ("invoice", "B")}
    assert links(one, "release") == {"A": 50}
    assert set(one.refers_to) == {("invoice", "A"), ("invoice", "D")}
    assert one.rebinds


def test_links_that_were_never_said_are_not_taken_back(db: duckdb.DuckDBPyConnection) -> None:
    before = {name: value for name, value in payment("P").items() if name != "linkedInvoices"}
    new = record(Payment, payment("P"))
    (one,) = loaded(db, [("update", "payment", "P")], Journal({}, P=before), P=new)
    assert "linkedInvoices" not in body(one)
    assert "linkedInvoices" not in msgspec.json.decode(one.payload or b"")


def test_a_release_is_what_the_api_has_less_what_others_need(
    db: duckdb.DuckDBPyConnection,
) -> None:
    journal = Journal({}, P=payment("P", A=60, B=40))
    new = record(Payment, payment("P", A=60, D=40))
    first, second = loaded(
        db, [("release", "payment", "P"), ("update", "payment", "P")], journal, P=new
    )
    assert links(first) == {"A": 60}
    assert (first.is_release, first.refers_to, first.frees) == (True, (), (("invoice", "B"),))
    assert links(second) == {"A": 60, "D": 40}
    assert not second.is_release


def test_a_link_that_comes_again_is_given_back_too(db: duckdb.DuckDBPyConnection) -> None:
    insert(db, "plan.given_back", ["payment", "P", "invoice", "A"])
    same = payment("P", A=60, B=40)
    given = [("release", "payment", "P"), ("update", "payment", "P")]
    first, second = loaded(db, given, Journal({}, P=same), P=record(Payment, same))
    assert links(first) == {"B": 40}
    assert first.frees == (("invoice", "A"),)
    assert links(second) == {"A": 60, "B": 40}


def test_a_release_that_gives_nothing_back_sends_what_the_api_has(
    db: duckdb.DuckDBPyConnection,
) -> None:
    before, after = payment("P", A=60), {**payment("P", A=60), "amount": 200}
    given = [("release", "payment", "P")]
    (one,) = loaded(db, given, Journal({}, P=before), P=record(Payment, after))
    assert body(one) == before


def late(db: duckdb.DuckDBPyConnection) -> None:
    insert(db, "plan.late_links", ["payment", "P", "invoice", "B"])


def test_late_links_follow_in_a_request_of_their_own(db: duckdb.DuckDBPyConnection) -> None:
    late(db)
    new = record(Payment, payment("P", A=60, B=40))
    given = [("update", "payment", "P"), ("link", "payment", "P")]
    first, second = loaded(db, given, Journal({}, P=payment("P", A=10, B=5)), P=new)
    assert links(first) == {"A": 60, "B": 5}
    assert (first.is_part, first.follows) == (True, False)
    assert first.hash == payload_hash(first.payload or b"") != second.hash
    assert first.refers_to == (("invoice", "A"),)
    assert links(second) == {"A": 60, "B": 40}
    assert (second.action, second.is_part, second.follows) == ("update", False, True)
    assert set(second.refers_to) == {("invoice", "A"), ("invoice", "B")}


def test_a_late_link_that_is_given_back_first_is_left_out_whole(
    db: duckdb.DuckDBPyConnection,
) -> None:
    late(db)
    insert(db, "plan.given_back", ["payment", "P", "invoice", "B"])
    same = payment("P", A=60, B=40)
    given = [("update", "payment", "P")]
    (one,) = loaded(db, given, Journal({}, P=same), P=record(Payment, same))
    assert links(one) == {"A": 60}


def test_late_links_of_a_new_record_follow_it(db: duckdb.DuckDBPyConnection) -> None:
    late(db)
    new = record(Payment, payment("P", A=60, B=40))
    given = [("create", "payment", "P"), ("link", "payment", "P")]
    first, second = loaded(db, given, P=new)
    assert (links(first), first.action, first.rebinds) == ({"A": 60}, "create", False)
    assert (links(second), second.action, second.rebinds) == ({"A": 60, "B": 40}, "update", True)


def asked(claiming: bool = False, **fields: Any) -> dict[Key, Asked]:
    body = msgspec.json.encode(fields) if fields else None
    return {("payment", "P"): Asked("payment", "P", "create", "C", claiming, 1.0, body)}


def test_what_was_asked_for_without_an_answer_is_compared_with_what_was_sent(
    db: duckdb.DuckDBPyConnection,
) -> None:
    journal = Journal(asked(**payment("P", A=60)))
    new = record(Payment, payment("P", B=40))
    (one,) = loaded(db, [("create", "payment", "P")], journal, P=new)
    assert one.is_unsure
    assert one.action == "create"
    assert one.frees == (("invoice", "A"),)
    assert links(one, "release") == {}


def claim(db: duckdb.DuckDBPyConnection, keeps_links: bool) -> None:
    insert(db, "plan.claims", ["payment", "P", "id-1", keeps_links, [["invoice", "A"]]])


@pytest.mark.parametrize("keeps_links", [False, True])
def test_a_claim_carries_the_apis_id(db: duckdb.DuckDBPyConnection, keeps_links: bool) -> None:
    claim(db, keeps_links)
    new = record(Payment, payment("P"))
    (one,) = loaded(db, [("create", "payment", "P")], P=new)
    assert (one.claims, one.rebinds, one.frees) == ("id-1", True, (("invoice", "A"),))
    assert body(one)["id"] == "id-1"
    assert "id" not in msgspec.json.decode(one.payload or b"")
    assert ("linkedInvoices" in body(one)) is not keeps_links


@pytest.mark.parametrize("keeps_links", [False, True])
def test_late_links_of_a_claim_need_its_id_no_more(
    db: duckdb.DuckDBPyConnection, keeps_links: bool
) -> None:
    claim(db, keeps_links)
    late(db)
    new = record(Payment, payment("P", B=40))
    given = [("create", "payment", "P"), ("link", "payment", "P")]
    first, second = loaded(db, given, P=new)
    assert first.claims == "id-1"
    assert (second.claims, second.rebinds, second.frees) == ("", True, ())
    assert "id" not in body(second)
    assert links(second) == {"B": 40}
    assert body(second) == msgspec.json.decode(second.payload or b"")


@pytest.mark.parametrize("keeps_links", [False, True])
def test_links_that_upflow_made_of_a_claimed_record_are_kept(
    db: duckdb.DuckDBPyConnection, keeps_links: bool
) -> None:
    claim(db, keeps_links)
    given = [("link", "payment", "P")]
    (one,) = loaded(db, given, P=record(Payment, payment("P")))
    assert ("linkedInvoices" in body(one)) is not keeps_links
