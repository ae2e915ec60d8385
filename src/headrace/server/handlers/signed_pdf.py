"""`GET /pdf/{id}`: a PDF, for anyone with a signed link to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import IO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from headrace.model.errors import Forbidden, NotFound, RequestError, ServiceUnavailable
from headrace.server.handlers.pdf_apology import apology
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.frozen_clock import Times
from headrace.store.engine.interface import Store
from headrace.store.records.pdfs import ServedPdf, find_pdf
from headrace.store.signature import is_signed

_LOGGER = logging.getLogger("headrace.server")
_CHUNK = 256 * 1024
_DIGITS = 12
_FORGED = "This link is not one that the hub gave out: read the document again for its pdfUrl."
_EXPIRED = "This link has expired: read the document again for a new pdfUrl."
_GONE = "There is no PDF any more."


def pdf_route(store: Store, keeper: PdfKeeper, times: Times) -> Route:
    """Return the route, to be mounted next to the API; it needs no key."""

    async def serve(request: Request) -> Response:
        try:
            pdf = await _permitted(store, times, request)
            file = await keeper.open(pdf.file)
        except RequestError as error:
            return apology(request, error)
        except FileNotFoundError:
            return apology(request, NotFound(_GONE))
        except Exception:
            _LOGGER.exception("a PDF can't be read")
            problem = ServiceUnavailable("The PDF can't be read just now: try again later.")
            return apology(request, problem)
        headers = _headers(pdf)
        if request.method == "HEAD":
            file.close()
            return Response(headers=headers, media_type="application/pdf")
        return StreamingResponse(
            _pieces(keeper, file), headers=headers, media_type="application/pdf"
        )

    return Route("/pdf/{document}", serve, methods=["GET"])


async def _permitted(store: Store, times: Times, request: Request) -> ServedPdf:
    document = request.path_params["document"]
    expires = request.query_params.get("expires", "")
    signature = request.query_params.get("signature", "")
    if "\0" in document or not (
        expires.isascii() and expires.isdecimal() and len(expires) <= _DIGITS
    ):
        raise Forbidden(_FORGED)
    pdf = await store.read(find_pdf, document)
    if pdf is None:
        raise NotFound(_GONE)
    if not is_signed(signature, pdf.organisation.secret, "pdf", document, expires):
        raise Forbidden(_FORGED)
    if int(expires) <= times.now(pdf.organisation).timestamp():
        raise Forbidden(_EXPIRED)
    return pdf


def _headers(pdf: ServedPdf) -> dict[str, str]:
    plain = pdf.file_name.encode("ascii", "replace").decode().replace("?", "_")
    name = f'inline; filename="{plain}"'
    if plain != pdf.file_name:
        name += f"; filename*=UTF-8''{quote(pdf.file_name, safe='')}"
    return {
        "Content-Length": str(pdf.size),
        "Content-Disposition": name,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=300",
        "Referrer-Policy": "no-referrer",
    }


async def _pieces(keeper: PdfKeeper, file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await keeper.read(file, _CHUNK):
            yield piece
    finally:
        file.close()
