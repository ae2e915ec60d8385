"""Reads documents: one by its ids, or a page of them."""

from __future__ import annotations

from typing import Any

from headrace.ledger.document import Document
from headrace.model.entity import Entity
from headrace.model.errors import NotFound
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records import counters
from headrace.store.records.customer_rows import find_customer
from headrace.store.records.page import (
    Length,
    Order,
    Page,
    Selection,
    Window,
    page_of_rows,
    read_sizes,
    refuse_large,
)
from headrace.store.records.references import Address


class DocumentRow(Document, frozen=True, gc=False):
    """A document as stored, in the order of the query's columns."""

    seq: int
    dated: str | None
    """The date it was issued or validated."""
    created_at: str
    modified_at: str
    body: str
    pdf: str | None
    """The id of its PDF's file."""
    customer_id: str
    customer_external_id: str | None
    customer_name: str
    customer_accounting_ref: str | None


def find_document(
    db: Connection, context: Context, entity: Entity, address: Address
) -> DocumentRow | None:
    """Find a document within the organisation; documents of other organisations are invisible."""
    query = SQL["by_id" if address.id is not None else "by_external_id"]
    row = db.execute(query, (address.value, entity.name, context.organisation.seq)).fetchone()
    return DocumentRow(*row) if row else None


def get_document(db: Connection, context: Context, entity: Entity, address: Address) -> DocumentRow:
    """Like `find_document`, but raises NotFound."""
    row = find_document(db, context, entity, address)
    if row is None:
        raise NotFound(f"There is no {entity.name.replace('_', ' ')} with {address}.")
    return row


def document_by_seq(db: Connection, seq: int) -> DocumentRow:
    """Return a document that is known to exist."""
    return DocumentRow(*db.execute(SQL["by_seq"], (seq,)).fetchone())


def page_of_documents(
    db: Connection,
    context: Context,
    entity: Entity,
    window: Window,
    selection: Selection,
) -> Page[DocumentRow]:
    """Return a page of the documents selected; empty for an unknown customer.

    The cost of an order, or of a condition such as days, grows with the length of the whole list.
    """
    name, seq = "", context.organisation.seq
    counted = counters.WHOLE_ORGANISATION
    if selection.customer is not None:
        found = find_customer(db, context, selection.customer)
        if found is None:
            return Page([], 0)
        name, seq = "_of_customer", found.seq
        counted = seq
    length = counters.length(db, context.organisation, entity.name, counted)
    conditions = _conditions(selection)
    owner: tuple[str | int, ...]
    owner = (entity.name, seq, *(value for _, values in conditions for value in values))
    if not conditions and selection.order is None:
        page = page_of_rows(db, SQL, f"page{name}", owner, window, length)
        return Page([DocumentRow(*row) for row in page.items], page.total)
    where = " ".join(SQL[condition] for condition, _ in conditions)
    if conditions:
        query = SQL[f"total{name}"].replace("CONDITIONS", where)
        (total,) = db.execute(query, owner).fetchone()
        length = Length(total, length.large)
    order = selection.order or Order("seq", descending=True)
    query = SQL[f"sorted_page{name}"].replace("CONDITIONS", where)
    page = _sorted_page(db, query, order, owner, window, length)
    return Page([DocumentRow(*row) for row in page.items], page.total)


def _conditions(selection: Selection) -> list[tuple[str, tuple[str, ...]]]:
    """Return the conditions besides the customer: the name of each statement and its values."""
    found: list[tuple[str, tuple[str, ...]]] = []
    if (days := selection.days) is not None:
        found.append(("where_days", (days.first, days.last)))
    return found


def _sorted_page(
    db: Connection,
    query: str,
    order: Order,
    owner: tuple[str | int, ...],
    window: Window,
    length: Length,
) -> Page[Any]:
    query = query.replace("COLUMN", order.column)
    query = query.replace("DIRECTION", "DESC" if order.descending else "ASC")
    part = (*owner, window.limit, window.offset)
    if length.large:
        refuse_large(read_sizes(db, SQL, query, part))
    return Page(db.execute(query, part).fetchall(), length.total)
