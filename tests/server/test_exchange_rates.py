"""Balances over several currencies, at the rates that the hub's operator keeps."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hub_api import Api, customer, invoice, payment
from hypothesis import given
from hypothesis import strategies as st

from headrace.ledger.document import Item
from headrace.ledger.standing import standing
from headrace.model.clock import parse_instant
from headrace.model.errors import Refused
from headrace.model.money import converted
from headrace.testkit.hub import RunningHub


@pytest.fixture
def rated(running: RunningHub) -> Iterator[RunningHub]:
    """A hub whose rates are removed again."""
    yield running
    running.control.call("DELETE", "/rates")


def _figures(api: Api, name: str = "C") -> dict[str, Any]:
    found = api.get(f"/customers/external:{name}")
    names = ("currency", "balance", "amountDue", "amountOverdue", "countInvoicesDue")
    return {field: found[field] for field in names}


def _three_currencies(api: Api) -> None:
    api.post("/customers", customer("C"))
    late, early = "2999-01-01", "2020-01-01"
    api.post("/invoices", invoice("A", "C", 10_000, dueDate=late))
    api.post("/invoices", invoice("B", "C", 20_001, currency="USD", dueDate=late))
    api.post("/invoices", invoice("D", "C", 3_000, currency="JPY", dueDate=early))
    api.post("/payments", payment("P", "C", 1_000, currency="USD"))


def test_sums_are_converted_at_the_days_rates(api: Api, rated: RunningHub) -> None:
    _three_currencies(api)
    without = {
        "currency": "EUR",
        "balance": 10_000,
        "amountDue": 10_000,
        "amountOverdue": 0,
        "countInvoicesDue": 2,
    }
    assert _figures(api) == without
    rates = {"base": "EUR", "rates": {"USD": "1.25", "JPY": "160"}, "day": "2020-01-01"}
    rated.control.call("POST", "/rates", rates)
    due, overdue, paid = 10_000 + 16_001, 1_875, 800
    assert _figures(api) == {
        **without,
        "balance": due + overdue - paid,
        "amountDue": due,
        "amountOverdue": overdue,
    }


def test_a_rate_counts_from_its_day_on_and_the_newest_counts(api: Api, rated: RunningHub) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C", 10_000))
    api.post("/invoices", invoice("B", "C", 10_000, currency="USD"))
    for day, rate in (("2019-01-01", "2"), ("2020-01-01", "4"), ("2998-01-01", "8")):
        rated.control.call("POST", "/rates", {"base": "EUR", "rates": {"USD": rate}, "day": day})
    assert _figures(api)["balance"] == 12_500
    listed = rated.control.call("GET", "/rates")["rates"]
    assert [entry["rate"] for entry in listed] == ["2", "4", "8"]


def test_two_currencies_meet_through_a_third(api: Api, new_api: Any, rated: RunningHub) -> None:
    swiss = new_api(currency="CHF")
    swiss.post("/customers", customer("C"))
    swiss.post("/invoices", invoice("A", "C", 1_000, currency="CHF"))
    swiss.post("/invoices", invoice("B", "C", 3_000, currency="USD"))
    rates = {"base": "EUR", "rates": {"USD": "1.2", "CHF": "0.8"}, "day": "2020-01-01"}
    rated.control.call("POST", "/rates", rates)
    assert _figures(swiss)["balance"] == 3_000


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"base": "EUR", "rates": {"ZZZ": "1"}}, "rates.ZZZ"),
        ({"base": "EUR", "rates": {"USD": "0"}}, "rates.USD"),
        ({"base": "EUR", "rates": {"USD": "-1"}}, "rates"),
        ({"base": "EUR", "rates": {"USD": "1e3"}}, "rates"),
        ({"base": "EUR", "rates": {"USD": 1.25}}, "rates"),
        ({"base": "Euro", "rates": {}}, "base"),
        ({"base": "EUR", "rates": {}, "day": "yesterday"}, "day"),
    ],
)
def test_a_bad_rate_is_refused_by_its_place(
    rated: RunningHub, body: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        rated.control.call("POST", "/rates", body)
    assert rated.control.call("GET", "/rates")["rates"] == []


_TODAY = parse_instant("2026-11-27").date()
_ITEMS = st.builds(
    Item,
    st.sampled_from(["invoice", "payment", "credit_note", "refund"]),
    st.sampled_from(["EUR", "USD", "JPY", "KWD"]),
    st.integers(0, 10**12),
    st.just(0),
    st.sampled_from([None, "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"]),
    st.none(),
)
_RATES = {"EUR": Decimal(1), "USD": Decimal("1.0834"), "JPY": Decimal("163.2"), "KWD": Decimal("3")}


@given(st.lists(_ITEMS, max_size=12))
def test_the_balance_is_due_and_overdue_less_the_unapplied(items: list[Item]) -> None:
    def convert(amount: int, currency: str, into: str) -> int:
        return converted(amount, currency, into, _RATES[into] / _RATES[currency])

    whole = standing(items, "EUR", _TODAY, convert)
    rest = [item for item in items if item.entity != "invoice"]
    assert (
        whole.balance == whole.due + whole.overdue + standing(rest, "EUR", _TODAY, convert).balance
    )
    one = [item for item in items if item.currency == "EUR"]
    assert standing(one, "EUR", _TODAY, convert) == standing(one, "EUR", _TODAY)
