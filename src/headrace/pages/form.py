"""The fields of a form, as browsers send them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from headrace.model.errors import BadRequest, TooLarge, UnsupportedMediaType

_BODY_MAX = 200_000
_FIELDS_MAX = 2_000
_KIND = "application/x-www-form-urlencoded"


class FormFields(ImmutableMultiDict[str, str]):
    """Fields by name, of which one may come several times."""

    def text(self, name: str) -> str:
        """Return a field without blanks around it; empty when it is missing."""
        return self.get(name, "").replace("\r\n", "\n").strip()


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
    if any("\0" in value for _, value in pairs):
        raise BadRequest("The form contains a NUL character.")
    return FormFields(pairs)
