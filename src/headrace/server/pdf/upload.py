"""Receives a PDF, from a form or from JSON, into a file rather than into memory."""

from __future__ import annotations

import binascii
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from headrace.model.errors import BadRequest, TooLarge, UnsupportedMediaType
from headrace.model.pdf import PdfUpload
from headrace.model.record import decode
from headrace.server.http.incoming import Incoming
from headrace.store.records.pdfs import Content

PDF_MAX = 25_000_000
"""Maximum size of a PDF, in bytes."""
FORM_MAX = PDF_MAX + 1_000_000
"""Maximum size of a form's body, in bytes: the file, other fields, and separators."""
JSON_MAX = PDF_MAX * 7 // 5 + 1_000_000
"""Maximum size of a JSON body, in bytes: base64 adds a third, its line breaks a little more."""

_IN_MEMORY = 1_000_000
_CHUNK = 1 << 20
_MARK = b"%PDF-"
_MARK_WITHIN = 1_024
_FIELD = b"file"
_PARTS_MAX = 100
_HEAD_MAX = 8_192


@contextlib.contextmanager
def spool() -> Iterator[IO[bytes]]:
    """Open a file that stays in memory while it is small, and is deleted at the end of the
    block."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        yield file


async def receive_upload(incoming: Incoming, content_type: bytes, into: IO[bytes]) -> bool:
    """Write the form's field `file`, or a whole JSON body, as it arrives.

    Returns True for JSON, which `unpack_json` has to decode. Raises BadRequest, TooLarge or
    UnsupportedMediaType.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        await _receive_form(incoming.pieces(FORM_MAX), options.get(b"boundary", b""), into)
        return False
    if kind and kind != b"application/json" and not kind.endswith(b"+json"):
        raise UnsupportedMediaType(
            f"The content type {kind.decode('latin-1')} can't be read here: send the PDF as the "
            "field file of multipart/form-data, or in base64 as the field data of JSON."
        )
    async for piece in incoming.pieces(JSON_MAX):
        into.write(piece)
    return True


def unpack_json(body: IO[bytes], into: IO[bytes]) -> None:
    """Return the PDF of the JSON field `data`. Body and PDF are both in memory meanwhile."""
    body.seek(0)
    text = body.read()
    if not text:
        raise BadRequest("The body is empty: send the PDF in base64 as the field data.")
    data = decode(PdfUpload, text).data
    if any(space in data for space in "\n\r \t"):
        data = "".join(data.split())
    try:
        into.write(binascii.a2b_base64(data, strict_mode=True))
    except (binascii.Error, ValueError) as error:
        raise _bad("data", f"is not valid base64: {error}".rstrip(".").lower()) from None


def inspect(file: IO[bytes], field: str) -> Content:
    """Return hash and size. Raises BadRequest when it is not a PDF, TooLarge when it is too
    large."""
    file.seek(0)
    head = file.read(_MARK_WITHIN)
    if not head:
        raise _bad(field, "is empty")
    if _MARK not in head:
        raise _bad(field, "is not a PDF: none of its first 1,024 bytes begin %PDF-")
    digest, size = hashlib.blake2b(head, digest_size=32), len(head)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    if size > PDF_MAX:
        raise TooLarge(f"The PDF has {size:,} bytes: at most {PDF_MAX:,} are taken.")
    return Content(digest.hexdigest(), size)


async def _receive_form(pieces: AsyncIterator[bytes], boundary: bytes, into: IO[bytes]) -> None:
    if not boundary:
        raise BadRequest("The Content-Type has no boundary: send multipart/form-data with one.")
    form = _Form(into)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for piece in pieces:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"The body is no multipart/form-data: {error}.") from None
    if not form.ended:
        raise BadRequest("The form breaks off before its closing boundary: send it as a whole.")
    if form.files == 0:
        raise _bad("file", "is required: the form has no field of that name")
    if form.files > 1:
        raise _bad("file", "is there more than once: a document has one PDF")


class _Form:
    """Callbacks for the form parser: keeps the parts named `file` and skips the others."""

    def __init__(self, into: IO[bytes]) -> None:
        self.files = 0
        self.ended = False
        self._parts = 0
        self._into = into
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._wanted = False

    def callbacks(self) -> Any:
        """Return the callbacks by the names that the parser uses."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._add_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS_MAX:
            raise BadRequest(f"The form has more than {_PARTS_MAX} fields: send the file alone.")
        self._disposition = b""
        self._wanted = False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_head()

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_head()

    def _check_head(self) -> None:
        if len(self._header) + len(self._value) > _HEAD_MAX:
            raise BadRequest(f"A field of the form has a header of over {_HEAD_MAX:,} bytes.")

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._wanted = options.get(b"name") == _FIELD
        self.files += self._wanted

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._into.write(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _bad(field: str, problem: str) -> BadRequest:
    return BadRequest(f"{field}: {problem}.", ((field, problem),))
