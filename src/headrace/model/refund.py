"""A refund, or anything other than an invoice that increases what a customer owes."""

from __future__ import annotations

from typing import Annotated

from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links, Sent
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import CreditNoteLink, PaymentLink, Reference


class RefundFields(Record):
    """Fields that requests and answers share."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = UNSET
    validated_at: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    instrument: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    ref_number: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    bank_account_id: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET


class Refund(RefundFields):
    """As imported by `POST /refunds` (docs/api-evidence.md, Refunds)."""

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
    linked_payments: Annotated[
        list[PaymentLink] | UnsetType,
        Links(refers="payment", answer="linkedTransactions", verb="gives back payment"),
    ] = UNSET
    linked_credit_notes: Annotated[
        list[CreditNoteLink] | UnsetType,
        Links(refers="credit_note", verb="pays out credit note"),
    ] = UNSET


class RefundPaymentAnswer(Record):
    """A payment that a refund returns, in the refund's answer."""

    linked_amount: Amount
    payment: Reference


class RefundCreditNoteAnswer(Record):
    """A credit note that a refund pays out, in the refund's answer."""

    linked_amount: Amount
    credit_note: Reference


class RefundAnswer(RefundFields, kw_only=True):
    """A refund as the API answers it; `linkedTransactions` is the counterpart of
    `linkedPayments`."""

    def __post_init__(self) -> None:
        """Skip validation: the values were validated when they were imported."""

    amount_linked: Amount
    created_at: str
    modified_at: str
    customer: CustomerBrief
    linked_transactions: list[RefundPaymentAnswer]
    linked_credit_notes: list[RefundCreditNoteAnswer]
