"""Money rules as tables that a person can check."""

from __future__ import annotations

from datetime import date

import pytest

from headrace.ledger.allocation import LinkRequest, check_amount, check_link_requests, related
from headrace.ledger.document import Document, ItemGroup, invoice_state, open_amount
from headrace.ledger.standing import Standing, customer_currency, standing
from headrace.model.errors import BadRequest

TODAY = date(2026, 11, 22)


def rows(table: str) -> list[list[str]]:
    """The cells of a `|` table without its heading."""
    lines = [line for line in table.strip().splitlines() if line.strip()]
    return [[cell.strip() for cell in line.split("|")] for line in lines[1:]]


def document(text: str, customer: int = 1, parent: int | None = None) -> Document:
    """`invoice A EUR 1000 applied 400 due 2026-11-21 VOIDED` and the like."""
    entity, external_id, currency, amount, *rest = text.split()
    words = iter(rest)
    fields: dict[str, object] = {"applied": 0, "due_date": None, "mark": None}
    for word in words:
        if word == "applied":
            fields["applied"] = int(next(words))
        elif word == "due":
            fields["due_date"] = f"{next(words)}T00:00:00.000Z"
        elif word == "of":
            customer = int(next(words))
        elif word == "child_of":
            parent = int(next(words))
        else:
            fields["mark"] = word
    return Document(
        entity=entity,
        id=f"id-{external_id}",
        external_id=external_id,
        customer=customer,
        parent=parent,
        currency=currency,
        amount=int(amount),
        **fields,  # type: ignore[arg-type]
    )


STATES = """
invoice                                              | open | state
invoice I EUR 1000 due 2026-11-23                    | 1000 | DUE
invoice I EUR 1000 due 2026-11-22                    | 1000 | DUE
invoice I EUR 1000 due 2026-11-21                    | 1000 | OVERDUE
invoice I EUR 1000                                   | 1000 | DUE
invoice I EUR 1000 applied 999 due 2026-11-21        |    1 | OVERDUE
invoice I EUR 1000 applied 999 due 2026-11-23        |    1 | DUE
invoice I EUR 1000 applied 1000 due 2026-11-21       |    0 | PAID
invoice I EUR 0 due 2026-11-21                       |    0 | PAID
invoice I EUR 1000 due 2026-11-21 VOIDED             |    0 | VOIDED
invoice I EUR 1000 due 2026-11-21 WRITTEN_OFF        |    0 | WRITTEN_OFF
invoice I EUR 1000 due 2026-11-21 DISPUTED           | 1000 | DISPUTED
"""


@pytest.mark.parametrize(("text", "left", "state"), rows(STATES))
def test_open_amount_and_state(text: str, left: str, state: str) -> None:
    invoice = document(text)
    assert (open_amount(invoice), invoice_state(invoice, TODAY)) == (int(left), state)


BALANCES = """
documents                                                                     | balance | due  | overdue | n due | n overdue
                                                                              |       0 |    0 |       0 |     0 |         0
invoice A EUR 1000 due 2026-12-01                                             |    1000 | 1000 |       0 |     1 |         0
invoice A EUR 1000 due 2026-11-01                                             |    1000 |    0 |    1000 |     0 |         1
invoice A EUR 1000 due 2026-12-01 ; invoice B EUR 500 due 2026-11-01          |    1500 | 1000 |     500 |     1 |         1
invoice A EUR 1000 applied 400 due 2026-12-01 ; payment P EUR 400 applied 400 |     600 |  600 |       0 |     1 |         0
invoice A EUR 1000 due 2026-12-01 ; payment P EUR 400                         |     600 | 1000 |       0 |     1 |         0
payment P EUR 400                                                             |    -400 |    0 |       0 |     0 |         0
credit_note N EUR 400 applied 150                                             |    -250 |    0 |       0 |     0 |         0
refund R EUR 400                                                              |     400 |    0 |       0 |     0 |         0
refund R EUR 400 applied 400 ; payment P EUR 400 applied 400                  |       0 |    0 |       0 |     0 |         0
invoice A EUR 1000 due 2026-11-01 VOIDED ; invoice B EUR 7 due 2026-11-01     |       7 |    0 |       7 |     0 |         1
invoice A EUR 1000 due 2026-11-01 DISPUTED                                    |    1000 |    0 |    1000 |     0 |         1
invoice A USD 1000 due 2026-11-01 ; invoice B EUR 7 due 2026-12-01            |       7 |    7 |       0 |     1 |         1
payment P USD 1000 ; credit_note N JPY 7                                      |       0 |    0 |       0 |     0 |         0
payment P EUR 400 ; invoice A EUR 1000 due 2026-12-01                         |     600 | 1000 |       0 |     1 |         0
invoice A EUR 1000 due 2026-12-01 ; invoice B EUR 500 due 2026-12-02          |    1500 | 1500 |       0 |     2 |         0
invoice A EUR 1000 due 2026-11-01 ; invoice B EUR 500 due 2026-11-02          |    1500 |    0 |    1500 |     0 |         2
payment P EUR 400 ; payment Q EUR 70 ; refund R EUR 5                         |    -465 |    0 |       0 |     0 |         0
"""  # noqa: E501


@pytest.mark.parametrize(
    ("text", "balance", "due", "overdue", "count_due", "count_overdue"), rows(BALANCES)
)
def test_a_customers_figures_in_euro(
    text: str, balance: str, due: str, overdue: str, count_due: str, count_overdue: str
) -> None:
    documents = [document(part) for part in text.split(";") if part.strip()]
    found = standing(documents, "EUR", TODAY)
    assert found == Standing(
        "EUR", int(balance), int(due), int(overdue), int(count_due), int(count_overdue)
    )
    unapplied = sum(
        open_amount(d) * (-1 if d.entity == "refund" else 1)
        for d in documents
        if d.entity != "invoice" and d.currency == "EUR"
    )
    assert found.balance == found.due + found.overdue - unapplied


def in_half(amount: int, own: str, currency: str) -> int | None:
    """A rate for dollars and pounds alone: two of these are a euro."""
    return amount // 2 if own in ("USD", "GBP") and currency == "EUR" else None


CONVERTED = """
documents                                                                         | balance | due  | overdue
invoice A EUR 1000 due 2026-12-01 ; invoice B USD 400 due 2026-12-01              |    1200 | 1200 |       0
invoice A EUR 1000 due 2026-11-01 ; invoice B USD 400 due 2026-11-01              |    1200 |    0 |    1200
invoice A USD 3 due 2026-11-01 ; invoice B USD 3 due 2026-11-01                   |       3 |    0 |       3
invoice A USD 3 due 2026-11-01 ; invoice B GBP 3 due 2026-11-01                   |       2 |    0 |       2
payment P EUR 10 ; payment Q USD 400 ; refund R USD 6                             |    -207 |    0 |       0
invoice A EUR 1000 due 2026-12-01 ; invoice B JPY 400 due 2026-12-01              |    1000 | 1000 |       0
invoice A USD 400 due 2026-12-01 ; invoice B JPY 400 due 2026-12-01               |     200 |  200 |       0
"""  # noqa: E501


@pytest.mark.parametrize(("text", "balance", "due", "overdue"), rows(CONVERTED))
def test_sums_in_other_currencies_are_converted_as_a_whole(
    text: str, balance: str, due: str, overdue: str
) -> None:
    documents = [document(part) for part in text.split(";")]
    found = standing(documents, "EUR", TODAY, in_half)
    assert (found.balance, found.due, found.overdue) == (int(balance), int(due), int(overdue))


def test_a_group_counts_as_many_documents() -> None:
    late = ItemGroup("invoice", "EUR", 1000, 400, "2026-11-01", None, count=3)
    early = ItemGroup("invoice", "EUR", 70, 0, "2026-12-01", None, count=2)
    assert standing([late, early], "EUR", TODAY) == Standing("EUR", 670, 70, 600, 2, 3)


CURRENCIES = """
of its documents | organisation's | answered
                 | EUR            | EUR
USD              | EUR            | USD
USD USD          | EUR            | USD
USD JPY          | EUR            | EUR
"""


@pytest.mark.parametrize(("used", "default", "answered"), rows(CURRENCIES))
def test_a_customers_currency(used: str, default: str, answered: str) -> None:
    assert customer_currency(used.split(), default) == answered


CLAIMS = """
source                          | targets                                             | claimed    | refused with
payment P EUR 1000              | invoice A EUR 1000                                  | 1000       |
payment P EUR 1000              | invoice A EUR 300 ; invoice B EUR 700               | 300 700    |
payment P EUR 1000 applied 100  | invoice A EUR 1000                                  | 900        |
payment P EUR 1000              | invoice A EUR 900                                   | 901        | l[0].amountLinked: payment P can't take EUR 9.01 of invoice A: EUR 9.00 of its EUR 9.00 are open.
payment P EUR 1000              | invoice A EUR 900 applied 100                       | 801        | l[0].amountLinked: payment P can't take EUR 8.01 of invoice A: EUR 8.00 of its EUR 9.00 are open.
payment P EUR 1000 applied 500  | invoice A EUR 900                                   | 501        | l[0].amountLinked: payment P can't give EUR 5.01 to invoice A: EUR 5.00 of its EUR 10.00 are left.
payment P EUR 1000              | invoice A EUR 900 ; invoice B EUR 900               | 900 101    | l[1].amountLinked: payment P can't give EUR 1.01 to invoice B: EUR 1.00 of its EUR 10.00 are left.
payment P EUR 1000              | invoice A EUR 900 ; invoice A EUR 900               | 500 401    | l[1].amountLinked: payment P can't take EUR 4.01 of invoice A: EUR 4.00 of its EUR 9.00 are open.
payment P EUR 1000              | invoice A EUR 900 ; invoice A EUR 900               | 500 400    |
payment P EUR 1000              | invoice A USD 900                                   | 1          | l[0]: payment P is in EUR and invoice A in USD: a link needs the same currency on both sides.
payment P EUR 1000 of 1         | invoice A EUR 900 of 2                              | 1          | l[0]: payment P and invoice A belong to customers of different families.
payment P EUR 1000 of 1         | invoice A EUR 900 of 2 child_of 1                   | 1          |
payment P EUR 1000 of 2 child_of 1 | invoice A EUR 900 of 1                           | 1          |
payment P EUR 1000 of 2 child_of 1 | invoice A EUR 900 of 3 child_of 1                | 1          |
refund R JPY 1000               | payment P JPY 1000 applied 1 ; credit_note N JPY 5  | 999 1      |
refund R JPY 1000               | payment P JPY 1000 applied 1                        | 1000       | l[0].amountLinked: refund R can't take JPY 1,000 of payment P: JPY 999 of its JPY 1,000 are open.
"""  # noqa: E501


@pytest.mark.parametrize(("source", "targets", "claimed", "refusal"), rows(CLAIMS))
def test_links_that_may_stand(source: str, targets: str, claimed: str, refusal: str) -> None:
    amounts = [int(amount) for amount in claimed.split()]
    claims = [
        LinkRequest(f"l[{place}]", document(text), amount)
        for place, (text, amount) in enumerate(zip(targets.split(";"), amounts, strict=True))
    ]
    if not refusal:
        check_link_requests(document(source), claims)
        return
    with pytest.raises(BadRequest) as caught:
        check_link_requests(document(source), claims)
    assert str(caught.value) == refusal


def test_siblings_are_related_and_strangers_are_not() -> None:
    one = document("payment P EUR 1 of 2 child_of 1")
    assert related(one, document("invoice A EUR 1 of 3 child_of 1"))
    assert not related(document("payment P EUR 1 of 2"), document("invoice A EUR 1 of 3"))


def test_an_amount_cannot_fall_below_what_is_linked() -> None:
    invoice = document("invoice A EUR 1000 applied 400")
    check_amount(invoice, 400, "grossAmount")
    with pytest.raises(BadRequest) as caught:
        check_amount(invoice, 399, "grossAmount")
    assert str(caught.value) == (
        "grossAmount: invoice A can't be reduced to EUR 3.99: EUR 4.00 of it are linked; remove "
        "links first."
    )
