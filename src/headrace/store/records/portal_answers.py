"""What customers say about invoices in the portal: disputes, and promises to pay.

An invoice has at most one of each kind in force; a new one replaces it. A dispute marks the
invoice, whose balance stays as it is (docs/api-evidence.md, Invoice states). Each is also an action
of the collection team, which the API lists.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.collection import ActionDraft
from headrace.model.customer import CustomerBrief
from headrace.model.errors import NotFound
from headrace.model.invoice import Invoice
from headrace.model.portal import DISPUTED, AnswerKind, PortalAnswer
from headrace.model.record import UNSET
from headrace.model.reference import Reference
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import PORTAL as SQL
from headrace.store.records.actions import finish_actions, make_action
from headrace.store.records.document_rows import DocumentRow

_LISTED_MAX = 1_000
_TYPES: dict[AnswerKind, str] = {"DISPUTE": "DISPUTE", "PROMISE": "PROMISE_TO_PAY"}
_INVOICE = msgspec.json.Decoder(Invoice)


class Said(Struct, frozen=True):
    """What a customer says about one or several invoices."""

    kind: AnswerKind
    reason: str | None = None
    comment: str | None = None
    promised_for: str | None = None
    """An ISO date."""
    source: str = "PORTAL"
    """The source of the action that is made for it."""


def note_answer(db: Connection, context: Context, invoice: DocumentRow, said: Said) -> None:
    """Store what a customer said about an invoice, and make the action for it."""
    organisation = context.organisation.seq
    settle_answers(db, context, invoice.seq, said.kind)
    answer = (
        organisation, context.new_id(), invoice.seq, said.kind, said.reason, said.comment,
        said.promised_for, context.timestamp,
    )  # fmt: skip
    db.execute(SQL["insert_answer"], answer)
    if said.kind == "DISPUTE":
        db.execute(SQL["mark"], (DISPUTED, invoice.seq))
    draft = ActionDraft(
        name=_name_of(said),
        type=_TYPES[said.kind],
        source=said.source,
        due_date=said.promised_for,
        carrying_invoice=Reference(id=invoice.id),
    )
    make_action(db, context, draft)


def list_answers(db: Connection, context: Context) -> list[PortalAnswer]:
    """Return the newest answers, newest first, settled ones included."""
    rows = db.execute(SQL["answers"], (context.organisation.seq, _LISTED_MAX))
    return [_answer(row) for row in rows]


def settle_answer(db: Connection, context: Context, answer: str) -> PortalAnswer:
    """End a dispute or a promise; the invoice is no longer in dispute. Raises NotFound."""
    key = (answer, context.organisation.seq)
    row = db.execute(SQL["answer"], key).fetchone()
    if row is None:
        raise NotFound(f"There is no answer with id {answer}.")
    found = _answer(row)
    if found.settled_at is None:
        (invoice,) = db.execute(SQL["invoice_of_answer"], key).fetchone()
        settle_answers(db, context, invoice, found.kind)
        if found.kind == "DISPUTE":
            db.execute(SQL["unmark"], (invoice, DISPUTED))
    return _answer(db.execute(SQL["answer"], key).fetchone())


def settle_answers(db: Connection, context: Context, invoice: int, kind: AnswerKind) -> None:
    """End what was said in this way about an invoice, and carry out the actions for it."""
    db.execute(SQL["settle_answers"], (context.timestamp, invoice, kind))
    finish_actions(db, context, invoice, _TYPES[kind])


def remove_answers(db: Connection, invoice: int) -> None:
    """Delete what was said about an invoice that is being deleted."""
    db.execute(SQL["delete_answers"], (invoice,))


def _name_of(said: Said) -> str:
    if said.kind == "PROMISE":
        return f"Promise to pay on {said.promised_for}"
    comment = f": {said.comment}" if said.comment else ""
    return f"Dispute, {str(said.reason).lower().replace('_', ' ')}{comment}"


def _answer(row: Any) -> PortalAnswer:
    id, kind, invoice, external_id, body, *rest = row
    customer_id, customer_external_id, name, accounting_ref, *said = rest
    number = _INVOICE.decode(body).custom_id
    return PortalAnswer(
        id=id,
        kind=kind,
        invoice=invoice,
        number=external_id if number is UNSET else number,
        customer=CustomerBrief(
            id=customer_id,
            external_id=customer_external_id,
            company_name=name,
            accounting_ref=accounting_ref,
        ),
        reason=said[0],
        comment=said[1],
        promised_for=said[2],
        created_at=said[3],
        settled_at=said[4],
    )
