"""An invoice."""

from __future__ import annotations

from typing import Annotated

from headrace.model.custom_field import CustomFieldValue
from headrace.model.fields import Sent
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import CustomerReference


class Invoice(Record):
    """As imported by `POST /invoices` (docs/api-evidence.md, Invoices)."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    custom_id: Annotated[Text | UnsetType, Sent(kind="code", required=True)] = UNSET
    """The number that people see on it."""
    issued_at: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    due_date: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    gross_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = (
        UNSET
    )
    """Including tax."""
    net_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True)] = UNSET
    """Excluding tax."""
    customer: CustomerReference = UNSET
    name: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Fields that it does not name are not changed."""


class InvoicePayment(Record):
    """A payment in an invoice's answer."""

    amount: Amount
    executed_at: str
    instrument: str | None = None


class InvoiceAnswer(Invoice):
    """An invoice as the API answers it: the customer's fields are flat here, an object
    elsewhere."""

    def __post_init__(self) -> None:
        """Skip validation: the values were validated when they were imported."""

    customer_id: str = ""
    amount_outstanding: Amount = 0
    state: str = "DUE"
    dunning_plan_id: str | None = None
    source: str = "API"
    pdf_url: str | None = None
    direct_url: str | None = None
    payments: list[InvoicePayment] = []


class InvoiceBrief(Record):
    """An invoice inside a link's answer, where `status` is its state."""

    id: str
    custom_id: str | None
    external_id: str | None
    name: str | None
    currency: str
    gross_amount: Amount
    net_amount: Amount
    amount_outstanding: Amount
    issued_at: str
    due_date: str | None
    paid_date: str | None
    status: str


class InvoiceLinkAnswer(Record):
    """Requests say `amountLinked`, answers `linkedAmount` (docs/api-evidence.md, Payments)."""

    linked_amount: Amount
    invoice: InvoiceBrief
