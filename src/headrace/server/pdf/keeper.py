"""Stores, reads and removes PDFs: keeps the database's records and the files consistent."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import IO, Any, TypeVar

from headrace.model.clock import Clock, format_instant
from headrace.model.entity import Entity
from headrace.model.errors import ServiceUnavailable
from headrace.server.http.incoming import Incoming
from headrace.server.pdf.upload import inspect, receive_upload, spool, unpack_json
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.pdf_files import PdfFiles
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.pdfs import (
    Content,
    PdfFile,
    attach_pdf,
    doom_pdfs,
    forget_pdfs,
    reserve_file,
)
from headrace.store.records.references import Address

T = TypeVar("T")

_LOGGER = logging.getLogger("headrace.server")
_THREADS = 4
_UPLOAD_TIME = timedelta(hours=1)
"""How long a file that is being written is protected from removal."""
_TRIES = 3


class PdfKeeper:
    """One hub's PDFs. File operations run on threads; JSON bodies are decoded one at a time."""

    def __init__(self, store: Store, files: PdfFiles, clock: Clock) -> None:
        self._store = store
        self.files = files
        """The storage of the files."""
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, "hub-pdf")
        self._unpacking = threading.Lock()
        self._sweeping: asyncio.Task[None] | None = None
        self._again = False

    def upon(self, store: Store) -> PdfKeeper:
        """Return the same keeper, writing through another store."""
        keeper = copy.copy(self)
        keeper._store = store
        return keeper

    async def receive(
        self,
        context: Context,
        entity: Entity,
        address: Address,
        incoming: Incoming,
        content_type: bytes,
    ) -> DocumentRow:
        """Receive an upload and make it the document's PDF, in place of the previous one.

        Raises NotFound, BadRequest, TooLarge, UnsupportedMediaType or ServiceUnavailable.
        """
        with spool() as body, spool() as unpacked:
            as_json = await receive_upload(incoming, content_type, body)
            if as_json:
                await self._on_thread(self._unpack, body, unpacked)
            pdf, field = (unpacked, "data") if as_json else (body, "file")
            content = await self._on_thread(inspect, pdf, field)
            return await self._keep(context, entity, address, pdf, content)

    async def open(self, file: PdfFile) -> IO[bytes]:
        """Open the file for reading. Raises FileNotFoundError, or the storage's OSError."""
        return await self._on_thread(self.files.open, file.name)

    async def read(self, source: IO[bytes], size: int) -> bytes:
        """Read up to that many bytes; empty at the end."""
        return await self._on_thread(source.read, size)

    def sweep(self) -> None:
        """Remove unused files in the background; call it after a commit."""
        self._again = True
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Finish the work in progress."""
        if self._sweeping is not None:
            await asyncio.wait([self._sweeping])
        self._threads.shutdown()

    async def _keep(
        self,
        context: Context,
        entity: Entity,
        address: Address,
        pdf: IO[bytes],
        content: Content,
    ) -> DocumentRow:
        seq = context.organisation.seq
        for _ in range(_TRIES):
            until = format_instant(self._clock.now() + _UPLOAD_TIME)
            reserved = await self._store.write(
                seq, reserve_file, context, entity, address, content, until
            )
            if not reserved.stored:
                await self._write(reserved.file, pdf)
            row = await self._store.write(seq, attach_pdf, context, entity, address, reserved.file)
            if row is not None:
                if row.pdf not in (None, reserved.file.id):
                    self.sweep()
                return row
        raise ServiceUnavailable("The PDF could not be kept just now: send it again.")

    async def _write(self, file: PdfFile, pdf: IO[bytes]) -> None:
        try:
            await self._on_thread(self.files.write, file.name, pdf)
        except Exception as error:
            _LOGGER.exception("the PDF %s can't be written", file.name)
            raise ServiceUnavailable(
                f"The hub's place for PDFs can't be written ({type(error).__name__}): the PDF is "
                "not stored, send it again later."
            ) from None

    def _unpack(self, body: IO[bytes], into: IO[bytes]) -> None:
        with self._unpacking:
            unpack_json(body, into)

    async def _sweep(self) -> None:
        while self._again:
            self._again = False
            try:
                now = format_instant(self._clock.now())
                doomed = await self._store.write(0, doom_pdfs, now)
                removed = [file for file in doomed if await self._remove(file)]
                if removed:
                    await self._store.write(0, forget_pdfs, removed)
                    # A batch is bounded, so there may be more of them.
                    self._again = True
            except ServiceUnavailable as error:
                _LOGGER.error("unused PDFs will be removed later: %s", error)

    async def _remove(self, file: PdfFile) -> bool:
        try:
            await self._on_thread(self.files.remove, file.name)
        except Exception:
            _LOGGER.exception(
                "the unused PDF %s could not be removed; it will be tried again", file.name
            )
            return False
        return True

    async def _on_thread(self, run: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, *arguments)
