"""References between records, and the allocations that carry money across them."""

from __future__ import annotations

from headrace.model.record import UNSET, LinkAmount, Record, UnsetType


class Reference(Record):
    """Points at another entity by Upflow's id or by the source's; one of the two is needed."""

    id: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET


def external(external_id: str) -> Reference:
    """A reference by the source system's id."""
    return Reference(external_id=external_id)


class InvoiceLink(Record):
    """So much of a payment or credit note settles this invoice."""

    amount_linked: LinkAmount
    invoice: Reference


class PaymentLink(Record):
    """So much of a refund gives back this payment."""

    amount_linked: LinkAmount
    payment: Reference


class CreditNoteLink(Record):
    """So much of a refund pays out this credit note."""

    amount_linked: LinkAmount
    credit_note: Reference
