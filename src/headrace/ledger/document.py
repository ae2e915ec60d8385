"""A document as the ledger sees it, with its open amount and state."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from headrace.model.clock import is_overdue

RAISES_BALANCE = frozenset({"invoice", "refund"})
"""Documents that increase a customer's balance; payments and credit notes reduce it
(docs/api-evidence.md, Balance)."""
OUT_OF_BALANCE = frozenset({"VOIDED", "WRITTEN_OFF"})
"""Marks set by people that exclude an invoice from every balance."""


class Item(Struct, frozen=True, gc=False):
    """The part of a document that sums are computed from."""

    entity: str
    """invoice, credit_note, payment or refund."""
    currency: str
    amount: int
    """In the currency's lowest division, tax included; never negative."""
    applied: int
    """The sum of all allocations of the document, on either side; between 0 and `amount`."""
    due_date: str | None
    mark: str | None
    """VOIDED, DISPUTED or WRITTEN_OFF when a person set it."""


class ItemGroup(Item, frozen=True, gc=False):
    """Open documents that are alike in all that sums depend on, as one item."""

    count: int
    """How many there are."""


class Document(Item, frozen=True, gc=False):
    """An invoice, credit note, payment or refund, reduced to what the money rules use."""

    id: str
    external_id: str | None
    customer: int
    """The store's number of its customer."""
    parent: int | None
    """The number of that customer's parent."""

    @property
    def family(self) -> int:
        """The number of the customer at the head of the family."""
        return self.customer if self.parent is None else self.parent

    @property
    def label(self) -> str:
        """The document's name in messages, such as `invoice INV-1`."""
        return f"{self.entity.replace('_', ' ')} {self.external_id or self.id}"


def open_amount(document: Item) -> int:
    """Return the amount that is not yet settled or applied; all sums are based on it."""
    if document.mark in OUT_OF_BALANCE:
        return 0
    return document.amount - document.applied


def invoice_state(invoice: Item, today: date) -> str:
    """Return PAID, OVERDUE or DUE, or the mark that a person set (docs/api-evidence.md, Invoice
    states). An invoice in dispute that is paid is PAID.

    `today` is the date in the organisation's time zone.
    """
    if invoice.mark in OUT_OF_BALANCE:
        return str(invoice.mark)
    if open_amount(invoice) == 0:
        return "PAID"
    if invoice.mark:
        return invoice.mark
    if invoice.due_date and is_overdue(invoice.due_date, today):
        return "OVERDUE"
    return "DUE"
