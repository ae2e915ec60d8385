"""PDFs on their way: opened from wherever the source keeps them, read once, sent as a stream."""

from __future__ import annotations

import hashlib
import importlib
import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb
from msgspec import Struct

from headrace.book.payloads import PAYLOAD_VERSION
from headrace.book.pdf_marks import local_path
from headrace.model.errors import HeadraceError
from headrace.model.lazy import lazily

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")

PDF_OF = {"invoice_pdf": "invoice", "credit_note_pdf": "credit_note"}
"""What the journal calls a PDF, to the entity of its document."""

_CHUNK = 1 << 16
_IN_MEMORY = 4_000_000
"""Bytes of a download that stay in memory; more goes to a temporary file."""


class NoPdf(HeadraceError):
    """A PDF can't be read from where the source says it is."""


class OpenPdf(Struct, frozen=True):
    """A PDF ready to be sent; `digest` is what the journal keeps of it."""

    file: IO[bytes]
    digest: bytes


class PdfFiles:
    """The PDFs of one book, by their documents; relative paths start from `folder`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def digest(self, entity: str, external_id: str) -> bytes | None:
        """The digest where it takes no request to know it, else None; `entity` as in `PDF_OF`."""
        location, content = self._row(entity, external_id)
        if content is not None:
            return _digest(io.BytesIO(content))
        path = local_path(location, self._folder)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                return _digest(file)
        except OSError:
            return None

    @asynccontextmanager
    async def open(self, entity: str, external_id: str) -> AsyncIterator[OpenPdf]:
        """The PDF at its beginning. NoPdf with the place when it can't be read."""
        location, content = self._row(entity, external_id)
        try:
            with await self._file(location, content) as file:
                digest = _digest(file)
                file.seek(0)
                yield OpenPdf(file, digest)
        except (OSError, aiohttp.ClientError, TimeoutError, ImportError, ValueError) as error:
            raise NoPdf(f"{location}: {error or type(error).__name__}") from None

    async def _file(self, location: str, content: bytes | None) -> IO[bytes]:
        if content is not None:
            return io.BytesIO(content)
        path = local_path(location, self._folder)
        if path is not None:
            return path.open("rb")
        if location.startswith(("http://", "https://")):
            return await _download(location)
        # It takes a while to load, and few need it.
        fsspec = importlib.import_module("fsspec")
        opened: IO[bytes] = fsspec.open(location, "rb").open()
        return opened

    def _row(self, entity: str, external_id: str) -> tuple[str, bytes | None]:
        row = self._connection.execute(
            "select location, content from book.documents where entity = $1 and external_id = $2",
            [PDF_OF[entity], external_id],
        ).fetchone()
        assert row is not None, (entity, external_id)
        return row[0] or "", row[1]


async def _download(url: str) -> IO[bytes]:
    file = _empty_file()
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        answer.raise_for_status()
        async for part in answer.content.iter_chunked(_CHUNK):
            file.write(part)
    file.seek(0)
    return file


def _empty_file() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


def _digest(file: IO[bytes]) -> bytes:
    hash = hashlib.blake2b(digest_size=16, salt=PAYLOAD_VERSION.to_bytes(2, "big"))
    while part := file.read(_CHUNK):
        hash.update(part)
    return hash.digest()
