"""Records which document has which PDF, and which files may be removed.

A file is written before a document refers to it and removed after nothing does. A crash at any
point leaves at most a surplus file, which `pdf_file` still lists. A row with `keep_until` set may
be unused. A doomed row is never referred to again; only its file remains to be removed. A later
upload of the same content gets a new row, and therefore another file.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from headrace.model.entity import Entity
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.queries import PDF as SQL
from headrace.store.records.document_rows import DocumentRow, get_document
from headrace.store.records.references import Address

_BATCH = 1_000
_UNSAFE = re.compile(r"[^\w.,()+=@ -]+")
_NAME_MAX = 120


class Content(Struct, frozen=True):
    """An upload's content: the hash and the number of its bytes."""

    digest: str
    size: int


class Reservation(Struct, frozen=True):
    """A row of `pdf_file` reserved for an upload; `stored` when its file exists already."""

    file: PdfFile
    stored: bool


class PdfFile(Struct, frozen=True):
    """A file as `PdfFiles` names it."""

    id: str
    digest: str

    @property
    def name(self) -> str:
        """The name relative to the root of the storage."""
        return f"{self.digest[:2]}/{self.digest}-{self.id}.pdf"


class ServedPdf(Struct, frozen=True):
    """A document's PDF to be sent to a reader."""

    file: PdfFile
    size: int
    file_name: str
    """The document's number, without characters that file names can't contain."""
    organisation: Organisation


def reserve_file(
    db: Connection,
    context: Context,
    entity: Entity,
    address: Address,
    content: Content,
    keep_until: str,
) -> Reservation:
    """Reserve a row for the content; its file is kept until then. Raises NotFound without the
    document."""
    get_document(db, context, entity, address)
    values = (context.new_id(), content.digest, content.size, keep_until)
    file_id, until = db.execute(SQL["reserve"], values).fetchone()
    return Reservation(PdfFile(file_id, content.digest), until is None)


def attach_pdf(
    db: Connection, context: Context, entity: Entity, address: Address, file: PdfFile
) -> DocumentRow | None:
    """Make this the document's PDF, in place of the previous one.

    Returns None and changes nothing when the file was doomed after it was reserved: reserve again.
    """
    row = get_document(db, context, entity, address)
    if db.execute(SQL["keep"], (file.id,)).rowcount == 0:
        return None
    if row.pdf != file.id:
        db.execute(SQL["attach"], (file.id, context.timestamp, row.seq))
        release_pdf(db, row.pdf)
    return row


def release_pdf(db: Connection, file_id: str | None) -> None:
    """Remove the reference from a document to a file, which becomes removable if it was the
    last."""
    if file_id is not None:
        db.execute(SQL["release"], (file_id,))


def doom_pdfs(db: Connection, now: str) -> list[PdfFile]:
    """Mark unused files as doomed; the caller removes them after the commit.

    Includes files that an earlier caller marked but did not remove.
    """
    db.execute(SQL["doom"], (now, now))
    return [PdfFile(*row) for row in db.execute(SQL["doomed"], (_BATCH,))]


def forget_pdfs(db: Connection, removed: list[PdfFile]) -> None:
    """Delete the rows of files that have been removed."""
    for file in removed:
        db.execute(SQL["forget"], (file.id,))


def pdfs_of_organisation(db: Connection, organisation: Organisation) -> list[str]:
    """Return the ids of the files that the organisation's documents refer to."""
    return [row[0] for row in db.execute(SQL["of_organisation"], (organisation.seq,))]


def used_pdfs(db: Connection) -> list[PdfFile]:
    """Return the files that documents refer to."""
    return [PdfFile(*row) for row in db.execute(SQL["used"])]


def all_pdfs(db: Connection) -> list[PdfFile]:
    """Return all files that may exist."""
    return [PdfFile(*row) for row in db.execute(SQL["all"])]


def find_pdf(db: Connection, document_id: str) -> ServedPdf | None:
    """Find the PDF of a document in any organisation. The caller checks who may read it."""
    row = db.execute(SQL["of_document"], (document_id,)).fetchone()
    if row is None:
        return None
    file_id, digest, size, external_id, body, *organisation = row
    number = msgspec.json.decode(body, type=_Numbered).custom_id or external_id or document_id
    return ServedPdf(
        PdfFile(file_id, digest), size, safe_file_name(number), Organisation(*organisation)
    )


def safe_file_name(number: str) -> str:
    """Convert a document's number to a file name: `INV/2015-1` becomes `INV_2015-1.pdf`."""
    name = _UNSAFE.sub("_", number)[:_NAME_MAX].strip(" .")
    return f"{name or 'document'}.pdf"


class _Numbered(Struct, rename="camel"):
    custom_id: str | None = None
