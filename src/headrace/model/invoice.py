"""An invoice."""

from __future__ import annotations

from typing import Annotated

from headrace.model.custom_field import CustomFieldValue
from headrace.model.fields import Sent
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import Reference


class Invoice(Record):
    """As imported by `POST /invoices` (docs/api-evidence.md, Invoices)."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    custom_id: Annotated[Text | UnsetType, Sent(kind="code", required=True)] = UNSET
    """The number that people read on it."""
    issued_at: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    due_date: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    gross_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = (
        UNSET
    )
    """With tax."""
    net_amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True)] = UNSET
    """Without tax."""
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
    name: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    """Fields that it does not name stay as they are."""


class InvoicePayment(Record):
    """A payment as an invoice's answer shows it."""

    amount: Amount
    executed_at: str
    instrument: str | None = None


class InvoiceAnswer(Invoice):
    """As the API answers it: the customer is flat here, an object elsewhere."""

    def __post_init__(self) -> None:
        """Nothing: it is made of what was checked when it came in."""

    customer_id: str = ""
    amount_outstanding: Amount = 0
    state: str = "DUE"
    dunning_plan_id: str | None = None
    source: str = "API"
    pdf_url: str | None = None
    direct_url: str | None = None
    payments: list[InvoicePayment] = []


class InvoiceBrief(Record):
    """An invoice inside a link's answer, where its state is `status`."""

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
