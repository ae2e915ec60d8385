"""The fields of a form, as browsers send them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from headrace.model.errors import BadRequest, TooLarge, UnsupportedMediaType

_BODY_MAX = 200_000
_FIELDS_MAX = 2_000
_FILES_MAX = 5
_UPLOAD = "multipart/form-data"
_KIND = "application/x-www-form-urlencoded"


class FormFields(ImmutableMultiDict[str, str]):
    """Fields by name, of which one may come several times."""

    def text(self, name: str) -> str:
        """Return a field without blanks around it; empty when it is missing."""
        return self.get(name, "").replace("\r\n", "\n").strip()


async def read_upload(request: Request, most: int) -> tuple[FormFields, dict[str, bytes]]:
    """Return the fields and the files of a form that carries files, of at most `most` bytes in all.
    Raises like `read_form`."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _UPLOAD:
        raise UnsupportedMediaType(f"Forms with files are sent as {_UPLOAD}.")
    size = 0

    async def bounded() -> AsyncGenerator[bytes, None]:
        nonlocal size
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise TooLarge(f"The form and its files have at most {most:,} bytes.")
            yield part

    parser = MultiPartParser(
        request.headers, bounded(), max_files=_FILES_MAX, max_fields=_FIELDS_MAX, max_part_size=most
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError):
        raise BadRequest("The form can't be read.") from None
    pairs, files = [], {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = await value.read()
        else:
            pairs.append((name, value))
    await form.close()
    _refuse_nul(pairs)
    return FormFields(pairs), files


async def read_form(request: Request) -> FormFields:
    """Return the fields of a form. Raises TooLarge, UnsupportedMediaType, or BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise UnsupportedMediaType(f"Forms of the pages are sent as {_KIND}.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_MAX:
            raise TooLarge(f"A form has at most {_BODY_MAX:,} bytes.")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise BadRequest("The form can't be read.") from None
    _refuse_nul(pairs)
    return FormFields(pairs)


def _refuse_nul(pairs: Sequence[tuple[str, str]]) -> None:
    if any("\0" in value for _, value in pairs):
        raise BadRequest("The form contains a NUL character.")
