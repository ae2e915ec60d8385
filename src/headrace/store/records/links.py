"""The links from a credit note, payment or refund to the documents it settles."""

from __future__ import annotations

from functools import partial

from headrace.ledger.allocation import LinkRequest, check_link_requests, check_pair
from headrace.model.errors import BadRequest
from headrace.model.record import UNSET, Record
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import ALLOCATION as SQL
from headrace.store.queries import DOCUMENT
from headrace.store.records.document_kinds import DocumentKind, LinkField
from headrace.store.records.document_rows import DocumentRow, document_by_seq, find_document
from headrace.store.records.references import resolve_reference


def replaced_fields(kind: DocumentKind, record: Record) -> tuple[LinkField, ...]:
    """Return the link lists that the request carries; each replaces the document's links of its
    kind."""
    return tuple(field for field in kind.links if getattr(record, field.name) is not UNSET)


def remove_links(db: Connection, source: int, fields: tuple[LinkField, ...]) -> None:
    """Delete the document's own links to the kinds of `fields`; both sides become open again.

    Links of a reconciliation stay; they belong to the reconciliation (docs/api-evidence.md, Links).
    """
    kinds = {field.target.name for field in fields}
    for seq, target, entity, amount in db.execute(SQL["own"], (source,)).fetchall():
        if entity in kinds:
            db.execute(SQL["delete"], (seq,))
            db.execute(DOCUMENT["apply"], (-amount, target))
            db.execute(DOCUMENT["apply"], (-amount, source))


def add_links(
    db: Connection,
    context: Context,
    source: DocumentRow,
    record: Record,
    fields: tuple[LinkField, ...],
) -> int:
    """Create the links that the request asks for; returns their sum. Raises BadRequest with none
    created."""
    requests: list[LinkRequest] = []
    for field in fields:
        for place, link in enumerate(getattr(record, field.name)):
            where = f"{field.wire}[{place}]"
            target = resolve_reference(
                getattr(link, field.reference),
                partial(find_document, db, context, field.target),
                f"{where}.{field.reference_wire}",
                field.target.name.replace("_", " "),
            )
            requests.append(LinkRequest(where, target, link.amount_linked))
    check_link_requests(source, requests)
    for request in requests:
        assert isinstance(request.target, DocumentRow)
        db.execute(SQL["insert"], (source.seq, request.target.seq, request.amount, None))
        db.execute(DOCUMENT["apply"], (request.amount, request.target.seq))
        db.execute(DOCUMENT["apply"], (request.amount, source.seq))
    return sum(request.amount for request in requests)


def check_links(db: Connection, seq: int, place: str) -> None:
    """Reject a new customer or currency that the document's links do not allow."""
    for _, source, _, _, target in db.execute(SQL["touching"], (seq, seq)).fetchall():
        check_pair(document_by_seq(db, source), document_by_seq(db, target), place)


def unlink(db: Connection, row: DocumentRow) -> None:
    """Delete all links of a document that is being deleted.

    Raises BadRequest for a payment or credit note that a refund refers to (docs/api-evidence.md,
    Deleting).
    """
    for amount, source, entity, label, target in db.execute(
        SQL["touching"], (row.seq, row.seq)
    ).fetchall():
        if entity == "refund" and source != row.seq:
            raise BadRequest(f"Refund {label} refers to {row.label}: delete the refund first.")
        other = target if source == row.seq else source
        db.execute(DOCUMENT["apply"], (-amount, other))
    db.execute(SQL["delete_touching"], (row.seq, row.seq))
