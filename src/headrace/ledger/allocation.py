"""Validates links between documents: same currency, related customers, sufficient amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from headrace.ledger.document import Document
from headrace.model.errors import BadRequest
from headrace.model.money import format_money


class LinkRequest(Struct, frozen=True):
    """An amount of a source to be linked to `target`."""

    place: str
    """Where the request states it, such as `linkedInvoices[0]`; for messages."""
    target: Document
    amount: int


def check_link_requests(source: Document, requests: Sequence[LinkRequest]) -> None:
    """Check all links together (docs/api-evidence.md, Links).

    `source.applied` and each target's `applied` must not include the requests themselves. Raises
    BadRequest that names both documents and the amounts.
    """
    free = source.amount - source.applied
    open_of: dict[str, int] = {}
    for request in requests:
        target = request.target
        check_pair(source, target, request.place)
        left = open_of.get(target.id, target.amount - target.applied)
        if request.amount > left:
            _refuse_target(source, request, left)
        if request.amount > free:
            _refuse_source(source, request, free)
        open_of[target.id] = left - request.amount
        free -= request.amount


def check_pair(source: Document, target: Document, place: str) -> None:
    """Raise BadRequest for two documents of different currencies or of unrelated customers."""
    if source.currency != target.currency:
        _refuse(
            place,
            f"{source.label} is in {source.currency} and {target.label} in {target.currency}: "
            "a link needs the same currency on both sides",
        )
    if not related(source, target):
        _refuse(
            place,
            f"{source.label} and {target.label} belong to customers of different families",
        )


def related(one: Document, other: Document) -> bool:
    """Whether the customers are of one family: a parent and its children."""
    return one.family == other.family


def check_amount(document: Document, amount: int, place: str) -> None:
    """Reject an amount lower than what is already applied; `place` is the amount's field."""
    if amount < document.applied:
        money = document.currency
        _refuse(
            place,
            f"{document.label} can't be reduced to {format_money(amount, money)}: "
            f"{format_money(document.applied, money)} of it are linked; remove links first",
        )


def _refuse_target(source: Document, request: LinkRequest, left: int) -> NoReturn:
    target, money = request.target, request.target.currency
    _refuse(
        f"{request.place}.amountLinked",
        f"{source.label} can't take {format_money(request.amount, money)} of {target.label}: "
        f"{format_money(left, money)} of its {format_money(target.amount, money)} are open",
    )


def _refuse_source(source: Document, request: LinkRequest, free: int) -> NoReturn:
    money = source.currency
    _refuse(
        f"{request.place}.amountLinked",
        f"{source.label} can't give {format_money(request.amount, money)} to "
        f"{request.target.label}: {format_money(free, money)} of its "
        f"{format_money(source.amount, money)} are left",
    )


def _refuse(place: str, problem: str) -> NoReturn:
    raise BadRequest(f"{place}: {problem}.", ((place, problem),))
