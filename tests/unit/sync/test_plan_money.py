"""The money of a plan and of its changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pytest

from headrace.sync.journal import Asked
from headrace.sync.ordering.links import Linkage, linkage_of
from headrace.sync.planning.changes import _moment, _money, _targets
from headrace.sync.planning.names import (
    Name,
)
from headrace.sync.planning.plan import (
    Money,
)
from headrace.sync.planning.turnover import Turnover


def json(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def linked(**amounts: int) -> bytes:
    links = [
        {"amountLinked": amount, "invoice": {"externalId": to}} for to, amount in amounts.items()
    ]
    return json(linkedInvoices=links, other=[1])


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
    turnover.delete(("invoice", "D"), Linkage("C", "", "", 12))
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
