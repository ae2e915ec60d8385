"""A page of a list, validated against the structure that its readers rely on."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from headrace.client.answer import Answer
from headrace.model.entity import CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.errors import NotTheApi

_TOTAL_MAX = 10**10
_FULL = 50
"""Number of records from which the first page counts as full, whatever size was requested; a
later page is full when it is no shorter than those before."""
_GROWTH = 100_000
"""Records that may be added while a list is read, on top of doubling in length."""
_REPEATS = 100
"""Consecutive pages without anything new after which the list is assumed to repeat itself."""


class Page(Struct, frozen=True):
    """A page's records, and the list's length as the server states it."""

    items: list[dict[str, Any]]
    total: int


class Walk:
    """The progress through a list."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._most: int | None = None
        self._read = self._repeats = 0
        self._full = min(_FULL, entity.page_cap)

    def goes_on(self, page: Page, offset: int, new: int) -> bool:
        """Return whether to read on after the page that ends at `offset`, of which that many
        records are `new`.

        The stated total is ignored while full pages keep coming. Raises NotTheApi for a list that
        does not end or repeats itself.
        """
        self._read += new
        self._repeats = 0 if new else self._repeats + 1
        self._most = 2 * page.total + _GROWTH if self._most is None else self._most
        if self._read > self._most or self._repeats > _REPEATS:
            raise NotTheApi(f"GET {self._entity.path} does not end: {self._read:,} records")
        self._full = max(self._full, len(page.items))
        if offset < page.total:
            return bool(page.items)
        return bool(new) and len(page.items) >= self._full


class _Shape(Struct, kw_only=True, rename="camel"):
    """The minimum structure of any record; additional fields are accepted."""

    id: str | int
    external_id: str | None = None


class _Ref(Struct, rename="camel"):
    id: str | int | None = None
    external_id: str | None = None


class _Contact(Struct, kw_only=True, rename="camel"):
    id: str | int | None = None
    external_id: str | None = None
    email: str | None = None


class _Link(Struct, kw_only=True, rename="camel"):
    linked_amount: int | None = None
    invoice: _Ref | None = None
    payment: _Ref | None = None
    credit_note: _Ref | None = None


class _Customer(_Shape, kw_only=True, rename="camel"):
    name: str | None = None
    currency: str | None = None
    balance: int | None = None
    parent: _Ref | None = None
    contacts: list[_Contact] | None = None


class _Document(_Shape, kw_only=True, rename="camel"):
    currency: str
    customer_id: str | int | None = None
    customer: _Ref | None = None
    custom_id: str | None = None
    ref_number: str | None = None
    amount_linked: int | None = None


class _Invoice(_Document, kw_only=True, rename="camel"):
    gross_amount: int
    amount_outstanding: int
    due_date: str | None = None
    state: str | None = None


class _CreditNote(_Document, kw_only=True, rename="camel"):
    gross_amount: int


class _Money(_Document, kw_only=True, rename="camel"):
    amount: int
    instrument: str | None = None
    validated_at: str | None = None
    linked_invoices: list[_Link] | None = None
    linked_transactions: list[_Link] | None = None
    linked_credit_notes: list[_Link] | None = None


_SHAPES: dict[str, type[_Shape]] = {
    CUSTOMER.name: _Customer,
    INVOICE.name: _Invoice,
    CREDIT_NOTE.name: _CreditNote,
    PAYMENT.name: _Money,
    REFUND.name: _Money,
}


def read_page(answer: Answer, entity: Entity) -> Page:
    """Decode a page. Raises NotTheApi, with the place, when a record does not have the API's
    structure."""
    found = answer.object()
    total = found.get("total")
    items = found.get(entity.envelope, [] if total == 0 else None)
    where = f"GET {entity.path}"
    if not isinstance(items, list):
        raise NotTheApi(f"{where}: no list {entity.envelope!r} in {answer.described}")
    if not isinstance(total, int) or not 0 <= total <= _TOTAL_MAX:
        raise NotTheApi(f"{where}: {str(total)[:40]!r} is not how many records there are")
    check_records(items, entity, where)
    return Page(items, total)


def check_records(items: list[Any], entity: Entity, where: str) -> None:
    """Raise NotTheApi, with the place, when a record does not have the API's structure."""
    try:
        msgspec.convert(items, list[_SHAPES.get(entity.name, _Shape)])  # type: ignore[misc]
    except msgspec.ValidationError as error:
        raise NotTheApi(f"{where}: {error}") from None
