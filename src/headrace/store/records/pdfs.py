"""Which document has which PDF, and which file may be removed.

A file is written before the document refers to it, and removed after nothing does, so that a crash
at any point leaves at most a file too much, of which `pdf_file` knows. Its row has `keep_until`
when nothing may refer to it; a row that is doomed is never referred to again, and only its file is
removed. Another upload of the same content gets a new row, and with it another file.
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
    """What an upload brings: the hash of its bytes, and how many they are."""

    digest: str
    size: int


class Claim(Struct, frozen=True):
    """A row of `pdf_file` for an upload; `stored` when its file is there already."""

    file: PdfFile
    stored: bool


class PdfFile(Struct, frozen=True):
    """A file as `PdfFiles` names it."""

    id: str
    digest: str

    @property
    def name(self) -> str:
        """Relative to the place of all files."""
        return f"{self.digest[:2]}/{self.digest}-{self.id}.pdf"


class ServedPdf(Struct, frozen=True):
    """A document's PDF on its way to a reader."""

    file: PdfFile
    size: int
    file_name: str
    """By the document's number, without anything that a file's name can't bear."""
    organisation: Organisation


def claim_pdf(
    db: Connection,
    context: Context,
    entity: Entity,
    address: Address,
    content: Content,
    keep_until: str,
) -> Claim:
    """A row for the content, safe from removal until then. NotFound without the document."""
    get_document(db, context, entity, address)
    values = (context.new_id(), content.digest, content.size, keep_until)
    file_id, until = db.execute(SQL["claim"], values).fetchone()
    return Claim(PdfFile(file_id, content.digest), until is None)


def attach_pdf(
    db: Connection, context: Context, entity: Entity, address: Address, file: PdfFile
) -> DocumentRow | None:
    """The document has this PDF from now on, in place of another.

    None, with nothing changed, when the file has been given up since it was claimed: claim again.
    """
    row = get_document(db, context, entity, address)
    if db.execute(SQL["keep"], (file.id,)).rowcount == 0:
        return None
    if row.pdf != file.id:
        db.execute(SQL["attach"], (file.id, context.timestamp, row.seq))
        release_pdf(db, row.pdf)
    return row


def release_pdf(db: Connection, file_id: str | None) -> None:
    """A document no longer refers to the file; it may go if no other does."""
    if file_id is not None:
        db.execute(SQL["release"], (file_id,))


def doom_pdfs(db: Connection, now: str) -> list[PdfFile]:
    """Files that nothing refers to, to be removed by the caller after the commit.

    Those that an earlier caller did not get to are among them.
    """
    db.execute(SQL["doom"], (now, now))
    return [PdfFile(*row) for row in db.execute(SQL["doomed"], (_BATCH,))]


def forget_pdfs(db: Connection, removed: list[PdfFile]) -> None:
    """Their files are removed."""
    for file in removed:
        db.execute(SQL["forget"], (file.id,))


def pdfs_of_organisation(db: Connection, organisation: Organisation) -> list[str]:
    """The ids of the files that its documents have."""
    return [row[0] for row in db.execute(SQL["of_organisation"], (organisation.seq,))]


def used_pdfs(db: Connection) -> list[PdfFile]:
    """The files that documents have."""
    return [PdfFile(*row) for row in db.execute(SQL["used"])]


def all_pdfs(db: Connection) -> list[PdfFile]:
    """The files that there may be."""
    return [PdfFile(*row) for row in db.execute(SQL["all"])]


def find_pdf(db: Connection, document_id: str) -> ServedPdf | None:
    """The PDF of a document of any organisation; whether it may be seen is the caller's to know."""
    row = db.execute(SQL["of_document"], (document_id,)).fetchone()
    if row is None:
        return None
    file_id, digest, size, external_id, body, *organisation = row
    number = msgspec.json.decode(body, type=_Numbered).custom_id or external_id or document_id
    return ServedPdf(
        PdfFile(file_id, digest), size, safe_file_name(number), Organisation(*organisation)
    )


def safe_file_name(number: str) -> str:
    """`INV/2015-1` as `INV_2015-1.pdf`."""
    name = _UNSAFE.sub("_", number)[:_NAME_MAX].strip(" .")
    return f"{name or 'document'}.pdf"


class _Numbered(Struct, rename="camel"):
    custom_id: str | None = None
