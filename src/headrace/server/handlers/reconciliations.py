"""Reconciliations."""

from __future__ import annotations

from headrace.model.reconciliation import Reconciliation
from headrace.server.call import Answer, Call, json_answer
from headrace.store.records.reconciliations import reconcile


async def post(call: Call) -> Answer:
    """Set the links of a reconciliation, or undo it."""
    record = call.record(Reconciliation)
    call.external_id = record.external_id
    call.customer = await call.write(reconcile, record)
    return json_answer(201, "CREATED")
