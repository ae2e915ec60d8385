"""A document as the ledger sees it: an amount, what of it is applied, and what follows."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from headrace.model.clock import is_overdue

RAISES_BALANCE = frozenset({"invoice", "refund"})
"""Documents that raise a balance; the others lower it (docs/api-evidence.md, Balance)."""
OUT_OF_BALANCE = frozenset({"VOIDED", "WRITTEN_OFF"})
"""Marks that people set and that take an invoice out of every balance."""


class Item(Struct, frozen=True, gc=False):
    """What sums read of a document."""

    entity: str
    """invoice, credit_note, payment or refund."""
    currency: str
    amount: int
    """In the currency's lowest division, tax included; never negative."""
    applied: int
    """The sum of all allocations that touch it, on either side; between 0 and `amount`."""
    due_date: str | None
    mark: str | None
    """VOIDED, DISPUTED or WRITTEN_OFF when a person said so."""


class Document(Item, frozen=True, gc=False):
    """An invoice, credit note, payment or refund, reduced to what money rules read."""

    id: str
    external_id: str | None
    customer: int
    """The customer it belongs to, by the store's number."""
    parent: int | None
    """That customer's parent."""

    @property
    def family(self) -> int:
        """The customer at the head of its family."""
        return self.customer if self.parent is None else self.parent

    @property
    def label(self) -> str:
        """How messages name it: `invoice INV-1`."""
        return f"{self.entity.replace('_', ' ')} {self.external_id or self.id}"


def open_amount(document: Item) -> int:
    """What of it still waits to be settled or applied; the one source of all sums."""
    if document.mark in OUT_OF_BALANCE:
        return 0
    return document.amount - document.applied


def invoice_state(invoice: Item, today: date) -> str:
    """PAID, OVERDUE or DUE, or the mark that a person set
    (docs/api-evidence.md, Invoice states).

    `today` is the date in the organisation's time zone.
    """
    if invoice.mark:
        return invoice.mark
    if open_amount(invoice) == 0:
        return "PAID"
    if invoice.due_date and is_overdue(invoice.due_date, today):
        return "OVERDUE"
    return "DUE"
