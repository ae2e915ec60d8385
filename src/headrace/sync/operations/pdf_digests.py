"""The PDFs of a book: opened from where the source keeps them, with a digest of their bytes."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import IO

import duckdb
from msgspec import Struct

from headrace.book.payloads.payloads import PAYLOAD_VERSION
from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.model.errors import HeadraceError
from headrace.sync.operations.pdf_reader import Unreadable, file_parts, in_time, read_pdf

PDF_OF = {"invoice_pdf": "invoice", "credit_note_pdf": "credit_note"}
"""Entity of the document, by the name that the journal has for its PDF."""

_CHUNK = 1 << 16
_SECONDS = 15.0
"""Time limit for reading a PDF only to compare its digest."""
_CREDENTIALS = re.compile(r"//[^/@]*@")


class NoPdf(HeadraceError):
    """A PDF can't be read from its location."""


class OpenPdf(Struct, frozen=True):
    """A PDF ready to be sent; the journal keeps its `digest`."""

    file: IO[bytes]
    digest: bytes


class PdfDigests:
    """Opens the PDFs of one book, if `places` allows their locations."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, places: PdfPlaces) -> None:
        self._connection = connection
        self._places = places
        self._silent = False

    def digest(self, entity: str, external_id: str) -> bytes | None:
        """Return the digest of a PDF; None if it needs a request or the file can't be read.

        `entity` is a key of `PDF_OF`.
        """
        location, content = self._row(entity, external_id)
        if content is not None:
            return _digest([content])
        path = self._places.path(location)
        # After one timeout, no further file is read here: a network drive that hangs would cost
        # the time limit for each. PDFs that changed are then sent, and read again for that.
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
        """Open a PDF at its beginning. Raises NoPdf with the location when it can't be read."""
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
