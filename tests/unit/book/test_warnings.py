"""Rules that withhold nothing: what was probably not meant; each says what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from books import build, credit_note, customer, invoice, payment, withheld
from headrace.book.checks.checks import Problem


def warnings(folder: Path, **tables: Any) -> list[Problem]:
    book = build(folder, **tables)
    assert withheld(book) == {}
    found = book.problems()
    assert {problem.severity for problem in found} <= {"warning"}
    return found


def test_a_customer_with_two_main_contacts(tmp_path: Path) -> None:
    people = [
        {"customer_external_id": c, "external_id": f"{c}{n}", "is_main": m}
        | {"email": f"{n}@{c}.test"}
        for c, n, m in (
            ("c1", "a", True), ("c1", "b", True), ("c1", "d", False), ("c2", "a", True),
        )
    ]  # fmt: skip
    (found,) = warnings(tmp_path, customers=[customer("c1"), customer("c2")], contacts=people)
    assert (found.entity, found.external_id) == ("customer", "c1")
    assert found.problem == "has 2 main contacts: a@c1.test, b@c1.test"
    assert "is_main" in found.remedy


@pytest.mark.parametrize(
    ("code", "name"), [("FR", "France"), ("de", "Germany"), ("USA", "United States")]
)
def test_a_country_code_where_a_name_belongs(tmp_path: Path, code: str, name: str) -> None:
    rows = [customer(f"c{n}", country=code) for n in range(3)]
    (found,) = warnings(tmp_path, customers=[*rows, customer("c9", country=name)])
    assert (
        found.problem == f"has the country '{code}', as have 2 more, a code where the API has names"
    )
    assert found.remedy.startswith(f"write {name}; country_name(…)")


def test_an_instrument_that_the_api_does_not_list(tmp_path: Path) -> None:
    known = ["WIRE_TRANSFER", "DIRECT_DEBIT", "CARD", "CASH", "CHECK", "UNKNOWN", None]
    words = {
        "SEPA direct debit": "DIRECT_DEBIT", "Prélèvement": "DIRECT_DEBIT", "credit card": "CARD",
        "virement": "WIRE_TRANSFER", "Cheque": "CHECK", "Bar": "CASH", "bitcoin": "UNKNOWN",
        "card": "CARD",
    }  # fmt: skip
    paid = [payment(f"p{n}", instrument=word) for n, word in enumerate([*known, *words])]
    again = payment("q", instrument="virement")
    found = warnings(tmp_path, customers=[customer("c1")], payments=[*paid, again])
    assert {p.problem.split("'")[1]: p.remedy.split()[1] for p in found} == words
    assert all("WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK, UNKNOWN" in p.remedy for p in found)
    assert [p.problem for p in found if "as have 1 more" in p.problem] == [
        "has the instrument 'virement', as have 1 more, which the API does not list"
    ]


def test_a_net_amount_above_the_gross_one(tmp_path: Path) -> None:
    found = warnings(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1", gross=100, net_amount=120), invoice("i2", net_amount=100)],
        credit_notes=[credit_note("n1", gross=50, net_amount=60)],
    )
    assert {(p.entity, p.external_id) for p in found} == {("invoice", "i1"), ("credit_note", "n1")}
    assert "has a gross amount of EUR 1.00, below its net amount of EUR 1.20" in {
        p.problem for p in found
    }
    assert all("exchange the two" in p.remedy for p in found)


def test_a_credit_note_without_a_date(tmp_path: Path) -> None:
    (found,) = warnings(
        tmp_path,
        customers=[customer("c1")],
        credit_notes=[credit_note("n1", issued_at=None), credit_note("n2")],
    )
    assert (found.external_id, found.problem) == (
        "n1",
        "has no issued_at, so it counts in no period",
    )
    assert "write the day" in found.remedy
