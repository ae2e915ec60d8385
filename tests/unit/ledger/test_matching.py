"""Reconciliations: whatever can be matched within a family is, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ledger.document import Document
from headrace.ledger.matching import Share, match_shares
from headrace.model.errors import BadRequest

PARENT, ONE, TWO, THREE, FOUR, STRANGER = 1, 2, 3, 4, 5, 9
CHILDREN = (ONE, TWO, THREE, FOUR)
PARENTS = {PARENT: None, **dict.fromkeys(CHILDREN, PARENT), STRANGER: None}


def share(side: str, n: int, customer: int, amount: int, currency: str = "EUR") -> Share:
    entity = "invoice" if side == "invoices" else "payment"
    document = Document(
        entity, currency, amount, 0, None, None, f"{side}{n}", None, customer, PARENTS[customer]
    )
    return Share(f"{side}[{n}]", document, amount)


def shares(side: str, *parts: tuple[int, int]) -> list[Share]:
    return [share(side, n, customer, amount) for n, (customer, amount) in enumerate(parts)]


def family(share: Share) -> int:
    customer = share.document.customer
    return PARENTS[customer] or customer


def possible(debits: list[Share], credits: list[Share]) -> bool:
    """Each family has as much on either side."""
    sums = dict.fromkeys(PARENTS, 0)
    for sign, side in ((1, debits), (-1, credits)):
        for each in side:
            sums[family(each)] += sign * each.amount
    return not any(sums.values())


parts = st.lists(
    st.tuples(st.sampled_from([PARENT, *CHILDREN, STRANGER]), st.integers(1, 9)), max_size=6
)


@given(parts, parts)
def test_all_that_can_be_matched_is(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    debits, credits = shares("invoices", *left), shares("payments", *right)
    missing = sum(s.amount for s in debits) - sum(s.amount for s in credits)
    if missing > 0:
        credits.append(share("payments", len(credits), PARENT, missing))
    elif missing < 0:
        debits.append(share("invoices", len(debits), PARENT, -missing))
    if not possible(debits, credits):
        with pytest.raises(BadRequest):
            match_shares(debits, credits)
        return
    matches = match_shares(debits, credits)
    for side, name in ((debits, "debit"), (credits, "credit")):
        for each in side:
            taken = sum(m.amount for m in matches if getattr(m, name) is each)
            assert taken == each.amount
    assert all(match.amount > 0 for match in matches)
    assert all(family(match.debit) == family(match.credit) for match in matches)
    for customer in PARENTS:
        own = [
            sum(s.amount for s in side if s.document.customer == customer)
            for side in (debits, credits)
        ]
        assert min(own) == sum(
            m.amount
            for m in matches
            if m.debit.document.customer == m.credit.document.customer == customer
        )
    assert matches == match_shares(debits, credits)


def test_sums_must_be_equal() -> None:
    with pytest.raises(BadRequest, match=r"EUR 0\.05, payments and credit notes to EUR 0\.04"):
        match_shares(shares("invoices", (ONE, 5)), shares("payments", (ONE, 4)))
    assert match_shares([], []) == []
    with pytest.raises(BadRequest, match=r"EUR 0\.05, payments and credit notes to EUR 0\.00"):
        match_shares(shares("invoices", (ONE, 5)), [])
    with pytest.raises(BadRequest, match=r"EUR 0\.00, payments and credit notes to EUR 0\.05"):
        match_shares([], shares("payments", (ONE, 5)))


def test_all_shares_are_in_the_currency_of_the_first_debit() -> None:
    euro, dollars = (share("invoices", n, ONE, 5, c) for n, c in enumerate(("EUR", "USD")))
    with pytest.raises(BadRequest) as caught:
        match_shares([euro, dollars], shares("payments", (ONE, 10)))
    assert str(caught.value).startswith(
        "invoices[1]: invoice invoices1 is in USD and invoice invoices0 in EUR"
    )
    with pytest.raises(BadRequest) as caught:
        match_shares(shares("invoices", (ONE, 5), (ONE, 5)), [share("payments", 0, ONE, 10, "USD")])
    assert str(caught.value).startswith(
        "payments[0]: payment payments0 is in USD and invoice invoices0 in EUR"
    )


def test_documents_of_strangers_are_refused_by_their_names() -> None:
    with pytest.raises(BadRequest) as caught:
        match_shares(shares("invoices", (ONE, 5), (STRANGER, 7)), shares("payments", (TWO, 12)))
    assert str(caught.value) == (
        "invoices[1]: invoice invoices1 and payment payments0 belong to customers of different "
        "families."
    )
