"""Payments collected in the portal, which Upflow itself creates and no API client sends."""

from __future__ import annotations

from typing import cast

from headrace.control.desk import Order
from headrace.control.records import CollectedDraft, FailedDraft
from headrace.model.entity import PAYMENT, REFUND
from headrace.model.errors import BadRequest
from headrace.model.payment import Payment, PaymentAnswer
from headrace.model.record import UNSET
from headrace.model.reference import PaymentLink, Reference
from headrace.model.refund import Refund, RefundAnswer
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.collected_payment import collect_payment
from headrace.store.records.documents import import_document, put_document
from headrace.store.records.references import Address


async def collect(order: Order) -> PaymentAnswer:
    """Create a payment without an external id, with or without links to invoices."""
    answer: PaymentAnswer = await order.write(_collect, order.body)
    return answer


async def fail(order: Order) -> RefundAnswer:
    """Return a direct debit: its invoices become open again, and a refund offsets the payment."""
    answer: RefundAnswer = await order.write(_fail, order.names["id"], order.body)
    return answer


def _collect(db: Connection, context: Context, draft: CollectedDraft) -> PaymentAnswer:
    payment = Payment(
        currency=draft.currency,
        amount=draft.amount,
        validated_at=draft.validated_at,
        customer=draft.customer,
        instrument=draft.instrument,
        ref_number=draft.ref_number,
        linked_invoices=draft.linked_invoices,
    )
    return collect_payment(db, context, payment)


def _fail(db: Connection, context: Context, id: str, draft: FailedDraft) -> RefundAnswer:
    freed = put_document(db, context, PAYMENT, Address(id=id), Payment(linked_invoices=[]))
    paid = cast(PaymentAnswer, freed.answer)
    left = cast(int, paid.amount) - paid.amount_linked
    if left <= 0:
        raise BadRequest(f"Nothing of payment {id} is left to be given back.")
    refund = Refund(
        currency=paid.currency,
        amount=left,
        validated_at=context.timestamp if draft.validated_at is UNSET else draft.validated_at,
        customer=Reference(id=paid.customer.id),
        instrument=paid.instrument,
        ref_number=paid.ref_number,
        linked_payments=[PaymentLink(amount_linked=left, payment=Reference(id=paid.id))],
    )
    return cast(RefundAnswer, import_document(db, context, REFUND, refund).answer)
