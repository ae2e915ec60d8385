"""What a document is linked to, on either side."""

from __future__ import annotations

from msgspec import Struct

from headrace.store.connection import Connection
from headrace.store.queries import ALLOCATION as SQL
from headrace.store.records.document_rows import DocumentRow, document_by_seq


class Neighbour(Struct, frozen=True):
    """The other side of a link."""

    amount: int
    """How much of each side the link takes."""
    other: DocumentRow
    settles: bool
    """Whether the document itself settles the other one."""
    reconciliation: str | None
    """The external id of the reconciliation that made the link."""


def neighbours_of(db: Connection, row: DocumentRow, limit: int) -> tuple[list[Neighbour], int]:
    """Return the first links of a document, oldest first, and the number of all."""
    (count,) = db.execute(SQL["count_of_neighbours"], (row.seq, row.seq)).fetchone()
    links = db.execute(SQL["of_neighbours"], (row.seq, row.seq, limit)).fetchall()
    found = []
    for amount, source, target, reconciliation in links:
        settles = source == row.seq
        other = document_by_seq(db, target if settles else source)
        found.append(Neighbour(amount, other, settles, reconciliation))
    return found, count
