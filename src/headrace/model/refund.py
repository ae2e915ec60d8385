"""A refund, or anything else that raises what a customer owes beside an invoice."""

from __future__ import annotations

from typing import Annotated

from headrace.model.customer import CustomerBrief
from headrace.model.fields import Links, Sent
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType
from headrace.model.reference import CreditNoteLink, PaymentLink, Reference


class RefundFields(Record):
    """What requests and answers have alike."""

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
    """A payment that a refund gives back, in the refund's answer."""

    linked_amount: Amount
    payment: Reference


class RefundCreditNoteAnswer(Record):
    """A credit note that a refund pays out, in the refund's answer."""

    linked_amount: Amount
    credit_note: Reference


class RefundAnswer(RefundFields, kw_only=True):
    """As the API answers it; the counterpart of `linkedPayments` is `linkedTransactions`."""

    def __post_init__(self) -> None:
        """Nothing: it is made of what was checked when it came in."""

    amount_linked: Amount
    created_at: str
    modified_at: str
    customer: CustomerBrief
    linked_transactions: list[RefundPaymentAnswer]
    linked_credit_notes: list[RefundCreditNoteAnswer]
