"""A credit note: money that the seller gives up, applied to invoices or open."""

from __future__ import annotations

from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.invoice import InvoiceLinkAnswer
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import InvoiceLink, Reference


class CreditNote(Record):
    """As imported by `POST /credit_notes`; amounts are positive."""

    external_id: Text | None | UnsetType = UNSET
    id: str | UnsetType = UNSET
    custom_id: Text | UnsetType = UNSET
    issued_at: Instant | None | UnsetType = UNSET
    due_date: Instant | None | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    gross_amount: Amount | UnsetType = UNSET
    net_amount: Amount | UnsetType = UNSET
    customer: Reference | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    linked_invoices: list[InvoiceLink] | UnsetType = UNSET
    """Present: replaces the note's own links. Absent: leaves them."""
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Assigned by people, not by the API (guide, Create custom fields): only an empty list goes."""


class CreditNoteAnswer(Record):
    """As the API answers it."""

    id: str
    external_id: str | None
    custom_id: str
    issued_at: str | None
    due_date: str | None
    name: str | None
    currency: str
    gross_amount: Amount
    net_amount: Amount
    amount_linked: Amount
    """Applied to invoices and paid out by refunds."""
    pdf_url: str | None
    customer: CustomerBrief
    linked_invoices: list[InvoiceLinkAnswer]
