"""PDFs on their way: opened from wherever the source keeps them, read once, sent as a stream."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import IO

import duckdb
from msgspec import Struct

from headrace.book.payloads import PAYLOAD_VERSION
from headrace.book.pdf_places import PdfPlaces
from headrace.model.errors import HeadraceError
from headrace.sync.operations.pdf_reader import Unreadable, file_parts, in_time, read_pdf

PDF_OF = {"invoice_pdf": "invoice", "credit_note_pdf": "credit_note"}
"""What the journal calls a PDF, to the entity of its document."""

_CHUNK = 1 << 16
_SECONDS = 15.0
"""For a PDF that is read only to see whether it is another one."""
_CREDENTIALS = re.compile(r"//[^/@]*@")


class NoPdf(HeadraceError):
    """A PDF can't be read from where the source says it is."""


class OpenPdf(Struct, frozen=True):
    """A PDF ready to be sent; `digest` is what the journal keeps of it."""

    file: IO[bytes]
    digest: bytes


class PdfDigests:
    """The PDFs of one book, by their documents, from the places that are allowed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, places: PdfPlaces) -> None:
        self._connection = connection
        self._places = places
        self._silent = False

    def digest(self, entity: str, external_id: str) -> bytes | None:
        """The digest where it takes no request to know it, else None; `entity` as in `PDF_OF`."""
        location, content = self._row(entity, external_id)
        if content is not None:
            return _digest([content])
        path = self._places.path(location)
        # One timeout is enough here; the others are noticed when they are sent.
        if path is None or self._silent:
            return None
        try:
            return in_time(lambda: _digest(file_parts(self._places, path)), _SECONDS)
        except Unreadable:
            return None
        except TimeoutError:
            self._silent = True
            return None

    @asynccontextmanager
    async def open(self, entity: str, external_id: str) -> AsyncIterator[OpenPdf]:
        """The PDF at its beginning. NoPdf with the place when it can't be read."""
        location, content = self._row(entity, external_id)
        try:
            file = io.BytesIO(content) if content is not None else await self._read(location)
        except Unreadable as error:
            raise NoPdf(f"{_CREDENTIALS.sub('//', location)}: {error}") from None
        with file:
            digest = _digest(iter(lambda: file.read(_CHUNK), b""))
            file.seek(0)
            yield OpenPdf(file, digest)

    async def _read(self, location: str) -> IO[bytes]:
        return await read_pdf(self._places, location)

    def _row(self, entity: str, external_id: str) -> tuple[str, bytes | None]:
        row = self._connection.execute(
            "select location, content from book.documents where entity = $1 and external_id = $2",
            [PDF_OF[entity], external_id],
        ).fetchone()
        assert row is not None, (entity, external_id)
        return row[0] or "", row[1]


def _digest(parts: Iterable[bytes]) -> bytes:
    hash = hashlib.blake2b(digest_size=16, salt=PAYLOAD_VERSION.to_bytes(2, "big"))
    for part in parts:
        hash.update(part)
    return hash.digest()
