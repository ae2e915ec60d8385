"""Payments that customers make in the portal: without an external id, until the bookkeeper's
payment claims them."""

from __future__ import annotations

from typing import cast

import msgspec

from headrace.model.entity import PAYMENT
from headrace.model.payment import Payment, PaymentAnswer
from headrace.model.record import UNSET
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.documents import import_document


def collect_payment(db: Connection, context: Context, payment: Payment) -> PaymentAnswer:
    """Create a collected payment; made up by default are its moment, now, and a reference.

    Raises BadRequest as an import does.
    """
    given = {}
    if payment.ref_number is UNSET:
        given["ref_number"] = f"UPF-{context.new_id()[-8:].upper()}"
    if payment.validated_at is UNSET:
        given["validated_at"] = context.timestamp
    whole = msgspec.structs.replace(payment, **given)
    return cast(PaymentAnswer, import_document(db, context, PAYMENT, whole).answer)
