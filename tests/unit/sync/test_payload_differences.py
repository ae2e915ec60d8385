"""Payloads against each other: fields, allocations, contacts, names, money."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from headrace.model.errors import ConfigurationError, StalePlan
from headrace.sync.journal import Acknowledged, Asked, Key, Reject
from headrace.sync.ordering.links import Linkage, linkage_of
from headrace.sync.planning.changes import _moment, _money, _targets
from headrace.sync.planning.names import (
    Name,
    Names,
    _documents,
    _name_of,
    acknowledged_names,
    customer_names,
    payload_name,
    refused_names,
)
from headrace.sync.planning.payload_changes import field_changes, shrinks
from headrace.sync.planning.plan import (
    Count,
    Money,
    Plan,
    duration,
    least_seconds,
    stages_duration,
)
from headrace.sync.planning.saved_plan import SavedPlan, read_plan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.planning.shift import _removed
from headrace.sync.planning.turnover import Turnover


def json(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    return field_changes(json(**before), json(**after))


def test_fields_that_differ_are_told_by_their_path_in_order() -> None:
    assert changes({"name": "a", "x": 1, "same": 1}, {"x": 2, "new": True, "same": 1}) == [
        ("name", "a", ""),
        ("new", "", "true"),
        ("x", "1", "2"),
    ]
    assert changes({"address": {"city": "A"}}, {"address": {"city": "B"}}) == [
        ("address.city", "A", "B")
    ]
    assert changes({"a": None}, {}) == []
    assert changes({"a": None}, {"a": "x"}) == [("a", "", "x")]
    assert changes({"a": "1"}, {"a": 1}) == []


def test_entries_of_a_list_are_told_by_what_names_them() -> None:
    one = {"externalId": "k", "email": "a@x", "phone": "1"}
    two = {"email": "b@x", "phone": "2"}
    three = {"phone": "3"}
    moved = changes({"contacts": [one, two, three]}, {"contacts": [two, one, three]})
    assert moved == []
    found = changes({"contacts": [one, two, three]}, {"contacts": []})
    assert [path for path, _, _ in found] == [
        "contacts[2].phone",
        "contacts[b@x].email",
        "contacts[b@x].phone",
        "contacts[k].email",
        "contacts[k].externalId",
        "contacts[k].phone",
    ]
    link = {"amountLinked": 3, "invoice": {"externalId": "I"}}
    assert changes(
        {"linkedInvoices": [link]}, {"linkedInvoices": [{**link, "amountLinked": 4}]}
    ) == [("linkedInvoices[I].amountLinked", "3", "4")]
    assert changes({"a": ["x"]}, {"a": ["y"]}) == [("a[0]", "x", "y")]


def linked(**amounts: int) -> bytes:
    links = [
        {"amountLinked": amount, "invoice": {"externalId": to}} for to, amount in amounts.items()
    ]
    return json(linkedInvoices=links, other=[1])


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ({"I": 5}, {"I": 5}, False),
        ({"I": 5}, {"I": 4}, True),
        ({"I": 5}, {}, True),
        ({"I": 5}, {"I": 6}, False),
        ({"I": 5}, {"J": 1}, False),
        ({"I": 5, "J": 5}, {"I": 4, "J": 6}, False),
        ({"I": 5, "J": 5}, {"I": 5, "J": 4}, True),
        ({}, {}, False),
    ],
)
def test_a_payload_shrinks_when_it_only_takes_allocations_back(
    before: dict[str, int], after: dict[str, int], less: bool
) -> None:
    assert shrinks(linked(**before), linked(**after)) is less


def test_allocations_of_two_kinds_are_told_apart() -> None:
    invoice = json(linkedInvoices=[{"amountLinked": 5, "invoice": {"externalId": "X"}}])
    note = json(linkedCreditNotes=[{"amountLinked": 5, "creditNote": {"externalId": "X"}}])
    assert not shrinks(invoice, note)


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [
        ([], [], 0),
        (["a@x"], ["a@x"], 0),
        (["a@x"], ["A@X"], 0),
        (["A@X", "b@x"], ["b@x"], 1),
        (["a@x", "b@x"], [], 2),
        (["a@x id 1"], ["b@x id 1"], 0),
        (["a@x id 1"], ["a@x id 2"], 0),
        (["a@x id 1"], ["b@x id 2"], 1),
        (["a@x"], None, 0),
        (None, ["a@x"], 0),
        (["a@x id id a@x"], ["b@x"], 1),
    ],
)
def test_a_contact_is_removed_when_neither_its_id_nor_its_address_is_left(
    before: list[str] | None, after: list[str] | None, removed: int
) -> None:
    def contacts(given: list[str] | None) -> bytes:
        if given is None:
            return b"{}"
        parts = [one.partition(" id ") for one in given]
        return json(
            contacts=[
                {"email": email, **({"externalId": id} if id else {})} for email, _, id in parts
            ]
        )

    assert _removed(contacts(before), contacts(after)) == removed


# names ---------------------------------------------------------------------------------------


class Kept:
    """A journal that has these payloads, by key; None where they were not kept."""

    def __init__(self, records: dict[Key, tuple[str, bytes | None]]) -> None:
        self.records = records
        self.asked: list[list[Key]] = []

    def acknowledged(self, keys: list[Key]) -> dict[Key, Acknowledged]:
        self.asked.append(list(keys))
        return {
            key: Acknowledged(b"", self.records[key][1], self.records[key][0])
            for key in keys
            if key in self.records
        }


INVOICE = json(customId="N-1", customer={"externalId": "C"}, currency="EUR", grossAmount=7)
PAYMENT = json(refNumber="R-1", customer={"externalId": "C"}, amount=5)
JOURNAL: dict[Key, tuple[str, bytes | None]] = {
    ("customer", "C"): ("C", json(name="Ann")),
    ("customer", "D"): ("D", None),
    ("customer", "E"): ("E", json(externalId="E")),
    ("invoice", "I"): ("C", INVOICE),
    ("invoice", "J"): ("C", None),
    ("invoice", "K"): ("D", INVOICE),
    ("contact", "C/k"): ("C", json(email="a@x")),
    ("invoice_pdf", "I"): ("C", json(name="no")),
}


def kept() -> Any:
    return Kept(JOURNAL)


def test_a_payload_tells_its_number_and_money() -> None:
    assert payload_name("customer", json(name="Ann", currency="EUR")) == Name(customer_name="Ann")
    assert payload_name("customer", b"{}") == Name()
    assert payload_name("invoice", INVOICE, "Ann") == Name("C", "Ann", "N-1", "EUR", 7)
    assert payload_name("payment", PAYMENT) == Name("C", "", "R-1", "", None)
    assert payload_name("payment", b"{}") == Name()
    both = json(customId="N", refNumber="R")
    assert payload_name("invoice", both).number == "N"


def test_names_of_customers_are_those_that_were_kept() -> None:
    journal = kept()
    assert customer_names(journal, ["E", "C", "D", "X", "C"]) == {"C": "Ann", "E": ""}
    assert journal.asked == [[("customer", name) for name in ("C", "D", "E", "X")]]


def test_names_of_what_the_api_has_come_from_what_was_sent() -> None:
    keys: list[Key] = [*JOURNAL, ("invoice", "X")]
    assert acknowledged_names(kept(), keys) == {
        ("customer", "C"): Name("C", "Ann"),
        ("customer", "D"): Name("D"),
        ("customer", "E"): Name("E"),
        ("invoice", "I"): Name("C", "Ann", "N-1", "EUR", 7),
        ("invoice", "J"): Name("C", "Ann"),
        ("invoice", "K"): Name("D", "", "N-1", "EUR", 7),
        ("contact", "C/k"): Name("C", "Ann"),
        ("invoice_pdf", "I"): Name("C", "Ann"),
    }


def refused(entity: str, external_id: str, payload: bytes | None) -> Reject:
    return Reject(entity, external_id, 1, 400, "no", payload)


def test_names_of_what_was_refused_come_from_what_was_sent_or_else_from_what_it_has() -> None:
    journal = kept()
    found = refused_names(
        journal,
        [
            refused("invoice", "N", INVOICE),
            refused("customer", "F", json(name="Fay")),
            refused("invoice", "O", json(customer={"externalId": "F"}, customId="N-2")),
            refused("invoice", "J", None),
            refused("contact", "C/k", json(email="a@x")),
            refused("invoice", "P", json(customId="N-3")),
        ],
    )
    assert found == {
        ("invoice", "N"): Name("C", "Ann", "N-1", "EUR", 7),
        ("customer", "F"): Name(customer_name="Fay"),
        ("invoice", "O"): Name("F", "Fay", "N-2"),
        ("invoice", "J"): Name("C", "Ann"),
        ("contact", "C/k"): Name("C", "Ann"),
        ("invoice", "P"): Name(number="N-3"),
    }
    assert refused_names(kept(), [refused("customer", "F", json(name="Fay"))]) == {
        ("customer", "F"): Name(customer_name="Fay")
    }
    assert refused_names(kept(), []) == {}


def test_a_pdf_goes_by_its_document_and_a_link_by_both_ends() -> None:
    assert _documents(("invoice_pdf", "I")) == [("invoice", "I")]
    assert _documents(("payment", "P → Q")) == [("payment", "P → Q")]
    assert _documents(("link", "payment P 1 → invoice I → 2")) == [
        ("payment", "P 1"),
        ("invoice", "I → 2"),
    ]
    payment, invoice = Name("C", "Ann", "R", "EUR", 5), Name("D", "Bob", "N", "EUR", 7)
    assert _name_of([payment]) == payment
    assert _name_of([payment, invoice]) == Name("C", "Ann", "N")


def test_no_names_are_looked_up_for_no_records() -> None:
    assert Names(None, None).of([]) == {}  # type: ignore[arg-type]


# money ---------------------------------------------------------------------------------------


def paid(amount: int, currency: str = "EUR", **links: int) -> bytes:
    body = msgspec.json.decode(linked(**links))
    return msgspec.json.encode({**body, "amount": amount, "currency": currency})


def test_the_money_of_a_change_is_its_amount_or_by_how_much_what_is_open_moves() -> None:
    named = Name("C", "Ann", "R", "EUR", 100)
    for action in ("create", "delete", "release"):
        assert _money(action, named, None, b"{}") == 100
    for action in ("update", "link"):
        assert _money(action, named, paid(100, I=30), paid(100, I=50)) == -20
        assert _money(action, named, paid(100), paid(100, "USD")) is None
        assert _money(action, named, None, paid(100)) is None
        assert _money(action, Name(), paid(100), paid(90)) is None


def test_links_of_a_change_are_found_by_their_fields() -> None:
    fields = [
        ("linkedInvoices[I 1].amountLinked", "", "5"),
        ("linkedCreditNotes[N].amountLinked", "", "5"),
        ("linkedInvoices[J].invoice.externalId", "", "J"),
        ("amount", "", "5"),
    ]
    assert _targets(fields) == {
        "linkedInvoices[I 1]": ("invoice", "I 1"),
        "linkedCreditNotes[N]": ("credit_note", "N"),
    }


def test_the_moment_of_a_question_is_told_as_the_api_writes_it() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    asked = Asked("invoice", "I", "create", "C", asked_at=moment)
    assert _moment(asked) == "2026-01-02T03:04:05.000Z"
    assert _moment(None) == ""


@pytest.fixture
def turnover() -> Any:
    with duckdb.connect() as connection:
        connection.execute("""
            create schema plan;
            create table plan.operations (entity varchar, external_id varchar, action varchar,
                currency varchar, amount bigint);
            insert into plan.operations values
                ('invoice', 'A', 'create', 'EUR', 7), ('invoice', 'B', 'create', 'EUR', 3),
                ('invoice', 'C', 'create', null, 3), ('payment', 'P', 'update', 'EUR', 9),
                ('payment', 'Q', 'update', 'EUR', 9), ('invoice', 'D', 'delete', null, null),
                ('payment', 'R', 'update', 'EUR', 9);
        """)
        yield Turnover(connection)


def test_turnover_adds_up_what_is_created_changed_and_deleted(turnover: Turnover) -> None:
    created = Money("invoice", "create", "EUR", 10)
    assert turnover.read() == [created]
    turnover.update(("payment", "P"), linkage_of(paid(9, I=4)), linkage_of(paid(9)))
    turnover.update(("payment", "Q"), linkage_of(paid(9)), linkage_of(paid(8, "USD", I=2)))
    turnover.update(("payment", "R"), linkage_of(paid(9)), linkage_of(paid(9)))
    turnover.update(("payment", "X"), linkage_of(paid(9)), linkage_of(paid(1)))
    turnover.delete(("invoice", "D"), Linkage("C", "", "CHF", 12, {("invoice", "I"): 2}))
    turnover.delete(("invoice", "E"), Linkage())
    assert turnover.read() == [
        Money("invoice", "create", "EUR", 10),
        Money("invoice", "delete", "CHF", 12),
        Money("payment", "update", "EUR", 4 - 9),
        Money("payment", "update", "USD", 6),
    ]


def test_turnover_is_the_same_however_much_is_kept_in_memory(
    turnover: Turnover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.sync.planning.turnover._CHUNK", 2)
    for n in range(5):
        turnover.update(("payment", "PQRXY"[n : n + 1]), linkage_of(paid(9)), linkage_of(paid(8)))
        assert len(turnover._rows) < 2
    assert turnover.read()[-1] == Money("payment", "update", "EUR", -3)
    assert turnover.read()[-1] == Money("payment", "update", "EUR", -3)


# plans ---------------------------------------------------------------------------------------


def plan(requests: int = 0, **more: Any) -> Plan:
    fields: dict[str, Any] = {
        "organisation": "acme",
        "made_at": "2026-11-20",
        "counts": [],
        "money": [],
        "requests": requests,
        "open_requests": 0,
        "longest_lane": 0,
        "rate": 600,
        "in_flight": 5,
        "latency": 0.5,
    }
    return Plan(**(fields | more))


def test_a_plan_counts_its_requests_by_kind() -> None:
    counts = [
        Count("payment", "release", 2),
        Count("refund", "release", 1),
        Count("payment", "link", 4),
        Count("payment", "update", 8),
    ]
    made = plan(15, counts=counts)
    assert (made.releases, made.late_links, made.empty) == (3, 4, False)
    assert made.count("payment", "update") == 8
    assert made.count("refund", "update") == 0
    assert plan().empty


def test_a_plans_time_is_that_of_its_two_stages() -> None:
    made = plan(100, open_requests=40, longest_open_lane=1, longest_lane=60)
    assert made.open_seconds == pytest.approx(40 * 0.1)
    assert made.seconds == pytest.approx(40 * 0.1 + 60 * 0.5)


@pytest.mark.parametrize(
    ("stages", "rate", "in_flight", "latency", "seconds"),
    [
        ([(10, 1)], 600, 1, 0.5, 5.0),
        ([(10, 10)], 600, 1, 0.5, 5.0),
        ([(10, 10)], 600, 5, 0.5, 5.0),
        ([(10, 1)], 600, 5, 0.5, 1.0),
        ([(10, 6)], 600, 5, 0.5, 5 * 0.5 + 5 * 0.1),
        ([(10, 99)], 600, 5, 0.5, 5.0),
        ([(3, 0), (4, 0)], 600, 1, 1.0, 7.0),
        ([(3, 1)], 2, 1, 1.0, 62.0),
        ([(2, 1), (1, 1)], 2, 1, 1.0, 62.0),
        ([(3, 1)], 2, 1, 40.0, 140.0),
        ([(3, 1)], 2, 1, 70.0, 210.0),
        ([(4, 1)], 2, 1, 1.0, 63.0),
        ([(5, 1)], 2, 1, 1.0, 123.0),
        ([], 2, 1, 1.0, 0.0),
    ],
)
def test_stages_take_bursts_of_the_rate_one_after_the_other(
    stages: list[tuple[int, int]], rate: int, in_flight: int, latency: float, seconds: float
) -> None:
    assert stages_duration(stages, rate, in_flight, latency) == pytest.approx(seconds)
    if len(stages) == 1:
        ((requests, longest),) = stages
        found = duration(requests, rate, in_flight, latency, longest)
        assert found == pytest.approx(seconds)


def test_the_least_time_counts_whole_windows() -> None:
    assert [least_seconds(n, 2) for n in range(6)] == [0, 0, 0, 60, 60, 120]


def test_a_scope_is_whole_unless_something_is_said() -> None:
    assert WHOLE.whole
    for scope in (Scope(only=("invoice",)), Scope(customer="C"), Scope(limit=1)):
        assert not scope.whole


def saved(**more: Any) -> SavedPlan:
    fields: dict[str, Any] = {
        "organisation": "acme",
        "scope": Scope(customer="C"),
        "journal": ("j", 7),
        "digest": 42,
        "plan": plan(3),
    }
    return SavedPlan(**(fields | more))


def test_a_saved_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    saved().write(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == saved()
    assert "\n  " in (tmp_path / "plan.json").read_text()


def test_a_saved_plan_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(msgspec.json.encode({"version": 1}))
    with pytest.raises(ConfigurationError, match=r"another version of headrace \(form 1, this"):
        read_plan(path)
    for content in (b"{", b"[]", b"\xff", b"{}", b'{"version": 2}'):
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="is not a plan of this headrace"):
            read_plan(path)
    with pytest.raises(ConfigurationError, match="can't be read: No such file"):
        read_plan(tmp_path / "none.json")
    with pytest.raises(ConfigurationError, match="can't be written: Is a directory"):
        saved().write(tmp_path)


def test_a_plan_is_stale_when_something_else_was_delivered_or_the_source_changed() -> None:
    saved().raise_if_stale(saved(plan=plan(4)))
    with pytest.raises(StalePlan, match="something else was delivered for acme"):
        saved().raise_if_stale(saved(journal=("j", 8)))
    with pytest.raises(StalePlan, match="it had 3 requests, there are 4 now"):
        saved().raise_if_stale(saved(digest=43, plan=plan(4)))
