"""Reconciliations: links that belong together and change only when the reconciliation is posted
again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from msgspec import UNSET

from headrace.ledger.allocation import LinkRequest, check_link_requests
from headrace.ledger.matching import Match, Share, match_shares
from headrace.model.entity import CREDIT_NOTE, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.reconciliation import Reconciliation, ReconciliationEntry
from headrace.model.reference import Reference
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import ALLOCATION, DOCUMENT
from headrace.store.queries import RECONCILIATION as SQL
from headrace.store.records.document_rows import DocumentRow, document_by_seq, find_document
from headrace.store.records.references import resolve_reference


def reconcile(db: Connection, context: Context, record: Reconciliation) -> str | None:
    """Replace the links of this externalId by those requested; four empty lists undo it.

    Returns the externalId of a customer involved. Raises BadRequest, with nothing changed, as
    `match_shares` does, and when a document would be applied beyond its amount.
    """
    _undo(db, context, record.external_id)
    debits = [
        *_shares(db, context, INVOICE, "invoices", record.invoices),
        *_shares(db, context, REFUND, "refunds", record.refunds),
    ]
    credits = [
        *_shares(db, context, PAYMENT, "payments", record.payments),
        *_shares(db, context, CREDIT_NOTE, "creditNotes", record.credit_notes),
    ]
    if not debits and not credits:
        return None
    matches = match_shares(debits, credits)
    values = (context.organisation.seq, record.external_id)
    (seq,) = db.execute(SQL["insert"], values).fetchone()
    for match in matches:
        _link(db, seq, match)
    row = debits[0].document
    assert isinstance(row, DocumentRow)
    return row.customer_external_id


def _undo(db: Connection, context: Context, external_id: str) -> None:
    key = (context.organisation.seq, external_id)
    row = db.execute(SQL["by_external_id"], key).fetchone()
    if row is None:
        return
    for source, target, amount in db.execute(SQL["links"], row).fetchall():
        db.execute(DOCUMENT["apply"], (-amount, source))
        db.execute(DOCUMENT["apply"], (-amount, target))
    db.execute(SQL["delete_links"], row)
    db.execute(SQL["delete"], row)


def _shares(
    db: Connection,
    context: Context,
    entity: Entity,
    name: str,
    entries: Sequence[ReconciliationEntry],
) -> Iterator[Share]:
    for n, entry in enumerate(entries):
        reference = Reference(
            id=entry.id if isinstance(entry.id, str) else UNSET,
            external_id=entry.external_id if isinstance(entry.external_id, str) else UNSET,
        )
        row = resolve_reference(
            reference,
            partial(find_document, db, context, entity),
            f"{name}[{n}]",
            entity.name.replace("_", " "),
        )
        yield Share(f"{name}[{n}]", row, entry.amount_linked)


def _link(db: Connection, reconciliation: int, match: Match) -> None:
    """Store one match. Links are stored from a credit to an invoice, and from a refund to a
    credit."""
    debit, credit = _row(db, match.debit), _row(db, match.credit)
    source, target = (credit, debit) if debit.entity == INVOICE.name else (debit, credit)
    check_link_requests(source, [LinkRequest(match.debit.place, target, match.amount)])
    db.execute(ALLOCATION["insert"], (source.seq, target.seq, match.amount, reconciliation))
    for row in (source, target):
        db.execute(DOCUMENT["apply"], (match.amount, row.seq))


def _row(db: Connection, share: Share) -> DocumentRow:
    """Read the row again: an earlier link may have changed its applied amount."""
    assert isinstance(share.document, DocumentRow)
    return document_by_seq(db, share.document.seq)
