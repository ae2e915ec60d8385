"""A payment, or anything else that reduces what a customer owes."""

from __future__ import annotations

from typing import Annotated

from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links
from headrace.model.invoice import InvoiceLinkAnswer
from headrace.model.record import UNSET, Amount, UnsetType
from headrace.model.reference import CustomerReference, InvoiceLink
from headrace.model.transaction import TransactionFields


class Payment(TransactionFields):
    """As imported by `POST /payments` (docs/api-evidence.md, Payments)."""

    customer: CustomerReference = UNSET
    linked_invoices: Annotated[
        list[InvoiceLink] | UnsetType, Links(refers="invoice", verb="settles invoice")
    ] = UNSET
    """Present: replaces the payment's own links. Absent: leaves them unchanged."""
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """People assign values, not the API (docs/api-evidence.md, Custom fields).

    Only an empty list is sent.
    """


class PaymentAnswer(TransactionFields, kw_only=True):
    """A payment as the API answers it."""

    def __post_init__(self) -> None:
        """Skip validation: the values were validated when they were imported."""

    amount_linked: Amount
    """The amount applied to invoices and returned by refunds."""
    type: str
    created_at: str
    modified_at: str
    customer: CustomerBrief
    linked_invoices: list[InvoiceLinkAnswer]
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Present where people have assigned values."""
