"""A refund, or anything other than an invoice that increases what a customer owes."""

from __future__ import annotations

from typing import Annotated

from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links
from headrace.model.record import UNSET, Amount, Record, UnsetType
from headrace.model.reference import CreditNoteLink, CustomerReference, PaymentLink, Reference
from headrace.model.transaction import TransactionFields


class Refund(TransactionFields):
    """As imported by `POST /refunds` (docs/api-evidence.md, Refunds)."""

    customer: CustomerReference = UNSET
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


class RefundAnswer(TransactionFields, kw_only=True):
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
