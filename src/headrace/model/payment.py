"""A payment, or anything else that reduces what a customer owes."""

from __future__ import annotations

from typing import Annotated

from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links, Sent
from headrace.model.invoice import InvoiceLinkAnswer
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import InvoiceLink, Reference


class PaymentFields(Record):
    """Fields that requests and answers share."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = UNSET
    validated_at: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    instrument: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    """WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK, UNKNOWN; other texts are accepted."""
    ref_number: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    """Starts with `fix:` on a synthetic payment."""
    bank_account_id: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET


class Payment(PaymentFields):
    """As imported by `POST /payments` (docs/api-evidence.md, Payments)."""

    customer: Annotated[
        Reference | UnsetType,
        Sent(
            kind="id",
            column="customer_external_id",
            refers="customer",
            required=True,
            binds=True,
        ),
    ] = UNSET
    linked_invoices: Annotated[
        list[InvoiceLink] | UnsetType, Links(refers="invoice", verb="settles invoice")
    ] = UNSET
    """Present: replaces the payment's own links. Absent: leaves them unchanged."""
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """People assign values, not the API (docs/api-evidence.md, Custom fields).

    Only an empty list is sent.
    """


class PaymentAnswer(PaymentFields, kw_only=True):
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
