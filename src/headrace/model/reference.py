"""References between records, and the allocations of amounts between them."""

from __future__ import annotations

from typing import Annotated

from headrace.model.fields import Sent
from headrace.model.record import UNSET, LinkAmount, Record, UnsetType


class Reference(Record):
    """Refers to another entity by Upflow's id or by the source's; one of the two is required."""

    id: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET


CustomerReference = Annotated[
    Reference | UnsetType,
    Sent(kind="id", column="customer_external_id", refers="customer", required=True, binds=True),
]
"""The customer of a document or transaction."""


def external(external_id: str) -> Reference:
    """Return a reference by the source's id."""
    return Reference(external_id=external_id)


class InvoiceLink(Record):
    """The amount by which a payment or credit note settles this invoice."""

    amount_linked: LinkAmount
    invoice: Reference


class PaymentLink(Record):
    """The amount by which a refund returns this payment."""

    amount_linked: LinkAmount
    payment: Reference


class CreditNoteLink(Record):
    """The amount by which a refund pays out this credit note."""

    amount_linked: LinkAmount
    credit_note: Reference
