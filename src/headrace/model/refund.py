"""A refund, or anything else that raises what a customer owes beside an invoice."""

from __future__ import annotations

from headrace.model.customer import CustomerBrief
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import CreditNoteLink, PaymentLink, Reference


class Refund(Record):
    """As imported by `POST /refunds` (guide, Import Refund)."""

    external_id: Text | None | UnsetType = UNSET
    id: str | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    validated_at: Instant | UnsetType = UNSET
    customer: Reference | UnsetType = UNSET
    instrument: str | None | UnsetType = UNSET
    ref_number: str | None | UnsetType = UNSET
    bank_account_id: str | None | UnsetType = UNSET
    linked_payments: list[PaymentLink] | UnsetType = UNSET
    linked_credit_notes: list[CreditNoteLink] | UnsetType = UNSET


class RefundPaymentAnswer(Record):
    """A payment that a refund gives back, in the refund's answer."""

    linked_amount: Amount
    payment: Reference


class RefundCreditNoteAnswer(Record):
    """A credit note that a refund pays out, in the refund's answer."""

    linked_amount: Amount
    credit_note: Reference


class RefundAnswer(Record):
    """As the API answers it; the counterpart of `linkedPayments` is `linkedTransactions`."""

    id: str
    external_id: str | None
    currency: str
    amount: Amount
    amount_linked: Amount
    validated_at: str
    instrument: str | None
    ref_number: str | None
    bank_account_id: str | None
    created_at: str
    modified_at: str
    customer: CustomerBrief
    linked_transactions: list[RefundPaymentAnswer]
    linked_credit_notes: list[RefundCreditNoteAnswer]
