"""A payment, or anything else that lowers what a customer owes."""

from __future__ import annotations

from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.invoice import InvoiceLinkAnswer
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import InvoiceLink, Reference


class Payment(Record):
    """As imported by `POST /payments` (guide, Import Payment)."""

    external_id: Text | None | UnsetType = UNSET
    id: str | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    validated_at: Instant | UnsetType = UNSET
    customer: Reference | UnsetType = UNSET
    instrument: str | None | UnsetType = UNSET
    """WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK, UNKNOWN; other words pass."""
    ref_number: str | None | UnsetType = UNSET
    """Starts with `fix:` on a synthetic payment."""
    bank_account_id: str | None | UnsetType = UNSET
    linked_invoices: list[InvoiceLink] | UnsetType = UNSET
    """Present: replaces the payment's own links. Absent: leaves them."""
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Assigned by people, not by the API (guide, Create custom fields): only an empty list goes."""


class PaymentAnswer(Record):
    """As the API answers it."""

    id: str
    external_id: str | None
    currency: str
    amount: Amount
    amount_linked: Amount
    """Applied to invoices and given back by refunds."""
    validated_at: str
    instrument: str | None
    ref_number: str | None
    bank_account_id: str | None
    type: str
    created_at: str
    modified_at: str
    customer: CustomerBrief
    linked_invoices: list[InvoiceLinkAnswer]
