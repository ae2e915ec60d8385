"""States of an invoice that only people set: in dispute, voided, written off.

A dispute leaves the balance as it is; a voided or written-off invoice leaves it
(docs/api-evidence.md, Invoice states).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from headrace.ledger.document import OUT_OF_BALANCE, invoice_state, open_amount
from headrace.model.entity import INVOICE
from headrace.model.errors import BadRequest
from headrace.model.invoice import InvoiceAnswer
from headrace.model.money import format_money
from headrace.model.portal import DISPUTED
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records.document_rows import DocumentRow, get_document
from headrace.store.records.documents import read_document
from headrace.store.records.portal_answers import Said, note_answer, settle_answers
from headrace.store.records.references import Address

Mark: TypeAlias = Literal["DISPUTED", "VOIDED", "WRITTEN_OFF"]


def mark_invoice(
    db: Connection, context: Context, address: Address, mark: Mark | None, said: Said | None = None
) -> InvoiceAnswer:
    """Set the state of an invoice, or take it back with None. `said` is why it is disputed.

    Raises NotFound, or BadRequest for a state that the invoice can't have: a paid one is neither
    disputed nor written off, one with something applied is not voided.
    """
    row = get_document(db, context, INVOICE, address)
    if mark is not None:
        _check(context, row, mark)
    if row.mark == DISPUTED and mark != DISPUTED:
        settle_answers(db, context, row.seq, "DISPUTE")
    if mark == DISPUTED:
        note_answer(db, context, row, said or Said("DISPUTE", "OTHER"))
    db.execute(SQL["set_mark"], (mark, context.timestamp, row.seq))
    return cast(InvoiceAnswer, read_document(db, context, INVOICE, Address(id=row.id))[0])


def allowed_marks(context: Context, row: DocumentRow) -> list[Mark]:
    """Return the states that the invoice can be given."""
    found: list[Mark] = []
    for mark in ("DISPUTED", "VOIDED", "WRITTEN_OFF"):
        try:
            _check(context, row, mark)
        except BadRequest:
            continue
        found.append(mark)
    return found


def _check(context: Context, row: DocumentRow, mark: Mark) -> None:
    if row.mark == mark:
        raise BadRequest(f"{_name(row)} has this state already.")
    if mark == DISPUTED and row.mark in OUT_OF_BALANCE:
        state = str(row.mark).lower().replace("_", " ")
        raise BadRequest(f"{_name(row)} is {state}: take that back first.")
    if mark == "VOIDED" and row.applied:
        applied = format_money(row.applied, row.currency)
        raise BadRequest(
            f"{_name(row)} can't be voided while {applied} is applied to it: remove "
            "the links first, or write off the rest."
        )
    if mark != "VOIDED" and open_amount(row) == 0 and row.mark not in OUT_OF_BALANCE:
        state = invoice_state(row, context.today)
        raise BadRequest(f"{_name(row)} is {state}: nothing of it is open.")


def _name(row: DocumentRow) -> str:
    return row.label[0].upper() + row.label[1:]
