"""Splits several credits over several debits for a reconciliation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from headrace.ledger.allocation import check_pair
from headrace.ledger.document import Document
from headrace.model.errors import BadRequest
from headrace.model.money import format_money


class Share(Struct, frozen=True):
    """An amount of a document that takes part in a reconciliation."""

    place: str
    """Where the request states it, such as `payments[0]`; for messages."""
    document: Document
    amount: int


class Match(Struct, frozen=True):
    """An amount of a debit that is settled by a credit."""

    debit: Share
    credit: Share
    amount: int


def match_shares(debits: Sequence[Share], credits: Sequence[Share]) -> list[Match]:
    """Match the shares of both sides; the same shares always give the same matches.

    A customer's own credits settle its own debits first, in the order given; the rest is matched
    within the family. Runs in linear time. Raises BadRequest when the sums differ, or when
    documents of different families or currencies would be matched.
    """
    _check_sums(debits, credits)
    for share in (*debits[1:], *credits):
        if share.document.currency != debits[0].document.currency:
            check_pair(share.document, debits[0].document, share.place)
    sides = _Rest(debits), _Rest(credits)
    found = [
        match
        for of in (_customer, _family)
        for group, left in sides[0].groups(of).items()
        for match in _pair_off(left, sides[1].groups(of).get(group, []))
    ]
    if over := next(iter(sides[0].left), None):
        # What is left of either side has no counterpart in its family: this refuses it.
        check_pair(over.share.document, sides[1].left[0].share.document, over.share.place)
    order = {id(share): place for place, share in enumerate((*debits, *credits))}
    return sorted(found, key=lambda match: (order[id(match.debit)], order[id(match.credit)]))


class _Left(Struct):
    """The unmatched remainder of a share."""

    share: Share
    amount: int


class _Rest:
    """The unmatched shares of one side."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self._shares = [_Left(share, share.amount) for share in shares]

    @property
    def left(self) -> list[_Left]:
        return [one for one in self._shares if one.amount]

    def groups(self, of: Callable[[Share], int]) -> dict[int, list[_Left]]:
        found: dict[int, list[_Left]] = {}
        for one in self.left:
            found.setdefault(of(one.share), []).append(one)
        return found


def _customer(share: Share) -> int:
    return share.document.customer


def _family(share: Share) -> int:
    return share.document.family


def _pair_off(debits: Sequence[_Left], credits: Sequence[_Left]) -> Iterator[Match]:
    """Match everything that both sides have in common, each in its order."""
    credit = iter(credits)
    giving = next(credit, None)
    for taking in debits:
        while giving is not None and taking.amount:
            amount = min(taking.amount, giving.amount)
            yield Match(taking.share, giving.share, amount)
            taking.amount -= amount
            giving.amount -= amount
            if not giving.amount:
                giving = next(credit, None)


def _check_sums(debits: Sequence[Share], credits: Sequence[Share]) -> None:
    debit, credit = (sum(share.amount for share in side) for side in (debits, credits))
    if debit == credit:
        return
    currency = (*debits, *credits)[0].document.currency
    problem = (
        f"invoices and refunds sum up to {format_money(debit, currency)}, payments and credit "
        f"notes to {format_money(credit, currency)}: both sides must be equal"
    )
    raise BadRequest(f"amountLinked: {problem}.", (("amountLinked", problem),))
