"""A credit note: an amount that the seller waives, applied to invoices or open."""

from __future__ import annotations

from typing import Annotated

from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links, Sent
from headrace.model.invoice import InvoiceLinkAnswer
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import CustomerReference, InvoiceLink


class CreditNoteFields(Record):
    """Fields that requests and answers share."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    custom_id: Annotated[Text | UnsetType, Sent(kind="code", required=True)] = UNSET
    issued_at: Annotated[Instant | None | UnsetType, Sent(kind="instant", clears="null")] = UNSET
    due_date: Annotated[Instant | None | UnsetType, Sent(kind="instant", clears="null")] = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    gross_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = (
        UNSET
    )
    net_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True)] = UNSET
    name: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET


class CreditNote(CreditNoteFields):
    """As imported by `POST /credit_notes`; amounts are positive."""

    customer: CustomerReference = UNSET
    linked_invoices: Annotated[
        list[InvoiceLink] | UnsetType, Links(refers="invoice", verb="settles invoice")
    ] = UNSET
    """Present: replaces the note's own links. Absent: leaves them unchanged."""
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """People assign values, not the API (docs/api-evidence.md, Custom fields).

    Only an empty list is sent.
    """


class CreditNoteAnswer(CreditNoteFields, kw_only=True):
    """A credit note as the API answers it."""

    def __post_init__(self) -> None:
        """Skip validation: the values were validated when they were imported."""

    amount_linked: Amount
    """Applied to invoices and paid out by refunds."""
    pdf_url: str | None
    customer: CustomerBrief
    linked_invoices: list[InvoiceLinkAnswer]
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Present where people have assigned values."""
