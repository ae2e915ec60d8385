"""Which debit takes how much of which credit, when a reconciliation names several of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from headrace.ledger.allocation import check_pair, related
from headrace.ledger.document import Document
from headrace.model.errors import BadRequest
from headrace.model.money import format_money


class Share(Struct, frozen=True):
    """So much of a document takes part."""

    place: str
    """Where the request says so, such as `payments[0]`; for messages."""
    document: Document
    amount: int


class Match(Struct, frozen=True):
    """So much of a debit is settled by a credit."""

    debit: Share
    credit: Share
    amount: int


Flow = dict[tuple[int, int], int]
"""Amount by customer of the debit and customer of the credit."""


def match_shares(debits: Sequence[Share], credits: Sequence[Share]) -> list[Match]:
    """Split both sides over each other; the same shares always give the same matches.

    A customer's own credits go to its own debits first, in the order given; the rest within the
    family, so that whatever can be matched is. Raises BadRequest when the sums differ, or when
    documents of unrelated customers or of different currencies would have to meet.
    """
    _check_sums(debits, credits)
    if not debits:
        return []
    for share in (*debits[1:], *credits):
        if share.document.currency != debits[0].document.currency:
            check_pair(share.document, debits[0].document, share.place)
    flow = _flow(debits, credits)
    left_of_debit = [share.amount for share in debits]
    left_of_credit = [share.amount for share in credits]
    found = []
    for d, debit in enumerate(debits):
        for c, credit in enumerate(credits):
            key = (debit.document.customer, credit.document.customer)
            amount = min(flow.get(key, 0), left_of_debit[d], left_of_credit[c])
            if amount:
                found.append(Match(debit, credit, amount))
                flow[key] -= amount
                left_of_debit[d] -= amount
                left_of_credit[c] -= amount
    return found


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


def _by_customer(shares: Sequence[Share]) -> tuple[dict[int, int], dict[int, Share]]:
    """The sum of each customer, and a share that stands for it."""
    sums: dict[int, int] = {}
    first: dict[int, Share] = {}
    for share in shares:
        customer = share.document.customer
        sums[customer] = sums.get(customer, 0) + share.amount
        first.setdefault(customer, share)
    return sums, first


def _flow(debits: Sequence[Share], credits: Sequence[Share]) -> Flow:
    need, debtors = _by_customer(debits)
    have, creditors = _by_customer(credits)
    flow: Flow = {}
    for customer in need:
        if amount := min(need[customer], have.get(customer, 0)):
            flow[customer, customer] = amount
            need[customer] -= amount
            have[customer] -= amount
    may = {
        debtor: [
            creditor
            for creditor, credit in creditors.items()
            if related(debit.document, credit.document)
        ]
        for debtor, debit in debtors.items()
    }
    while any(need.values()):
        path = _path(need, have, may, flow)
        if not path:
            debtor = next(customer for customer, amount in need.items() if amount)
            creditor = next(customer for customer, amount in have.items() if amount)
            _refuse_strangers(debtors[debtor], creditors[creditor])
        _push(path, need, have, flow)
    return flow


def _path(
    need: dict[int, int], have: dict[int, int], may: dict[int, list[int]], flow: Flow
) -> list[int]:
    """Debtor, creditor, debtor, ... creditor: a shortest way on which more can be matched.

    Every step back, from a creditor to a debtor, takes something away that is matched already.
    """
    waiting = deque([[debtor] for debtor, amount in need.items() if amount])
    seen: set[int] = set()
    while waiting:
        path = waiting.popleft()
        for creditor in may[path[-1]]:
            if creditor in seen:
                continue
            seen.add(creditor)
            if have[creditor]:
                return [*path, creditor]
            waiting.extend(
                [*path, creditor, debtor]
                for debtor in may
                if flow.get((debtor, creditor), 0) and debtor not in path[::2]
            )
    return []


def _push(path: list[int], need: dict[int, int], have: dict[int, int], flow: Flow) -> None:
    taken = [
        flow[debtor, creditor] for creditor, debtor in zip(path[1::2], path[2::2], strict=False)
    ]
    amount = min(need[path[0]], have[path[-1]], *taken)
    for debtor, creditor in zip(path[::2], path[1::2], strict=True):
        flow[debtor, creditor] = flow.get((debtor, creditor), 0) + amount
    for creditor, debtor in zip(path[1::2], path[2::2], strict=False):
        flow[debtor, creditor] -= amount
    need[path[0]] -= amount
    have[path[-1]] -= amount


def _refuse_strangers(debit: Share, credit: Share) -> None:
    check_pair(debit.document, credit.document, debit.place)
    problem = (
        f"{debit.document.label} and {credit.document.label} can't be matched: too little of the "
        "other side belongs to the same customer, its parent or its children"
    )
    raise BadRequest(f"{debit.place}: {problem}.", ((debit.place, problem),))
