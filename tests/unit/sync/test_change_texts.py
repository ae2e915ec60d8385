"""Changes and records as lines of text: what people read in plans, pages and refusals."""

from __future__ import annotations

import pytest

from headrace.book.checks.checks import Problem
from headrace.sync.planning.change_texts import change_lines
from headrace.sync.planning.name_texts import (
    change_text,
    name_details,
    name_text,
    named_text,
    problem_name,
    record_text,
    signed_money,
)
from headrace.sync.planning.names import UNKNOWN, Name
from headrace.sync.planning.plan import Change, Withheld

LONG = "A" * 61


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ((), "credit note 7"),
        (("", ""), "credit note 7"),
        (("7", "ACME"), "credit note 7 (ACME)"),
        (("N-1", "N-1", "ACME"), "credit note 7 (N-1, ACME)"),
        (("A" * 60,), f"credit note 7 ({'A' * 60})"),
        ((LONG,), f"credit note 7 ({'A' * 59}…)"),
    ],
)
def test_a_record_is_named_by_its_id_and_what_people_call_it(
    details: tuple[str, ...], expected: str
) -> None:
    assert record_text("credit_note", "7", *details) == expected


def test_each_kind_of_record_has_its_name() -> None:
    held = Withheld("credit_note", "7", "why", "C", "ACME", "N-1", "EUR", 2000)
    assert named_text(held) == "credit note 7 (N-1, ACME, EUR 20.00)"
    assert named_text(Withheld("contact", "C/k", "why")) == "contact C/k"
    assert named_text(Withheld("payment", "P", "why", currency="EUR", amount=0)) == (
        "payment P (EUR 0.00)"
    )
    problem = Problem("error", "invoice", "I", "has no name", "name it", "ACME", "N-1")
    assert problem_name(problem) == "I (N-1, ACME)"
    assert problem_name(Problem("error", "invoice", "I", "has no name", "name it")) == "I"
    same = Problem("error", "invoice", "N-1", "has no name", "name it", "ACME", "N-1")
    assert problem_name(same) == "N-1 (ACME)"
    name = Name("C", "ACME", "N-1", "EUR", 2000)
    assert name_details("N-1", name) == " (ACME, EUR 20.00)"
    assert name_text("invoice", "N-1", name) == "invoice N-1 (ACME, EUR 20.00)"
    assert name_details("I", name) == " (N-1, ACME, EUR 20.00)"
    assert name_details("I", UNKNOWN) == ""
    assert name_text("credit_note", "I", name) == "credit note I (N-1, ACME, EUR 20.00)"
    assert name_text("customer", "C", Name("C", "ACME")) == "customer C (ACME)"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(2000, "+EUR 20.00"), (-2000, "-EUR 20.00"), (0, "+EUR 0.00"), (-1, "-EUR 0.01")],
)
def test_a_difference_has_its_sign(amount: int, expected: str) -> None:
    assert signed_money(amount, "EUR") == expected


def change(action: str, amount: int | None = None, *fields: tuple[str, str, str]) -> Change:
    """Of invoice I, number N-1, of ACME."""
    return Change("invoice", "I", action, list(fields), "C", "EUR", "ACME", "N-1", amount)


@pytest.mark.parametrize(
    ("action", "amount", "expected"),
    [
        ("create", 2000, "invoice I (N-1, ACME)"),
        ("update", 2000, "invoice I (N-1, ACME, open +EUR 20.00)"),
        ("update", -2000, "invoice I (N-1, ACME, open -EUR 20.00)"),
        ("update", 0, "invoice I (N-1, ACME)"),
        ("update", None, "invoice I (N-1, ACME)"),
        ("link", -2000, "invoice I (N-1, ACME, open -EUR 20.00)"),
        ("release", 2000, "invoice I (N-1, ACME)"),
        ("delete", 2000, "invoice I (N-1, ACME, EUR 20.00)"),
        ("delete", None, "invoice I (N-1, ACME)"),
    ],
)
def test_a_change_names_the_money_that_it_moves(
    action: str, amount: int | None, expected: str
) -> None:
    assert change_text(change(action, amount)) == expected
    assert change_text(change(action, amount), whose=False) == expected.replace(", ACME", "")


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        ("create", "new"),
        ("update", "changed"),
        ("delete", "deleted"),
        ("release", "unlinked"),
        ("link", "linked"),
    ],
)
def test_a_change_begins_with_what_happens(action: str, verb: str) -> None:
    assert change_lines(change(action)) == [f"{verb} invoice I (N-1, ACME)"]
    assert change_lines(change(action), whose=False) == [f"{verb} invoice I (N-1)"]


def test_fields_are_lines_with_money_and_days_as_people_write_them() -> None:
    lines = change_lines(
        change(
            "update", None,
            ("externalId", "", "I"),
            ("customer.externalId", "C", "D"),
            ("currency", "USD", "EUR"),
            ("grossAmount", "1000", "2000"),
            ("netAmount", "", "2000"),
            ("issuedAt", "2026-05-05T10:00:00.000Z", "2026-05-06T10:00:00.000Z"),
            ("name", "", "May"),
            ("vatNumber", "FR1", ""),
        )
    )  # fmt: skip
    assert lines == [
        "changed invoice I (N-1, ACME)",
        "    gross amount: EUR 10.00 → EUR 20.00",
        "    net amount: - → EUR 20.00",
        "    issued at: 2026-05-05 → 2026-05-06",
        "    name: - → May",
        "    vat number: FR1 → -",
    ]


def test_a_new_record_has_its_values_alone_and_a_deleted_one_none() -> None:
    fields = (("grossAmount", "", "2000"), ("name", "", "May"))
    assert change_lines(change("create", None, *fields))[1:] == [
        "    gross amount: EUR 20.00",
        "    name: May",
    ]
    assert change_lines(change("delete", None, *fields))[1:] == []


def test_links_are_lines_with_the_document_that_they_settle() -> None:
    lines = change_lines(
        Change(
            "payment", "P", "update",
            [
                ("linkedInvoices[I1].invoice.externalId", "", "I1"),
                ("linkedInvoices[I1].amountLinked", "", "1000"),
                ("linkedInvoices[I2].amountLinked", "500", ""),
            ],
            currency="EUR", targets={"linkedInvoices[I1]": "N-1"},
        )
    )  # fmt: skip
    assert lines == [
        "changed payment P",
        "    settles invoice I1 (N-1): - → EUR 10.00",
        "    settles invoice I2: EUR 5.00 → -",
    ]


def test_an_amount_without_a_currency_is_shown_as_it_is() -> None:
    unknown = Change("payment", "P", "update", [("amount", "5", "7")])
    assert change_lines(unknown) == ["changed payment P", "    amount: 5 → 7"]


def test_a_request_without_an_answer_is_said() -> None:
    asked = Change("invoice", "I", "delete", asked_at="2026-05-05T10:00:00Z")
    assert change_lines(asked) == [
        "deleted invoice I",
        "    asked for at 2026-05-05T10:00:00Z, no answer seen",
    ]
