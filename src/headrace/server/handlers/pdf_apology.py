"""The answer to a PDF link that leads nowhere: a page for people, JSON for programs."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from headrace.model.errors import RequestError
from headrace.server.call import error_answer

_PAGES = Environment(
    loader=PackageLoader("headrace.server"), autoescape=True, undefined=StrictUndefined
)
_STYLE = _PAGES.get_template("pdf_link.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_TITLES = {403: "This link is no longer valid", 404: "This document is gone"}
_ADVICE = {
    403: "Open the page or the e-mail that you have it from again, or ask whoever sent it to you "
    "for a new link. A link to a document is valid for a limited time.",
    404: "It was removed or replaced. Ask whoever sent you the link for the document.",
}
_LATER = "This document can't be shown just now", "Please try again in a few minutes."


def apology(request: Request, error: RequestError) -> Response:
    """Return the error as the client reads it, by its Accept header."""
    if "text/html" not in request.headers.get("accept", ""):
        answer = error_answer(error)
        headers = {"Cache-Control": "no-store"}
        return Response(answer.body, answer.status, headers, media_type="application/json")
    title = _TITLES.get(error.status, _LATER[0])
    advice = _ADVICE.get(error.status, _LATER[1])
    page = _PAGES.get_template("pdf_link.html")
    text = page.render(title=title, advice=advice, style=Markup(_STYLE))
    return HTMLResponse(text, error.status, _HEADERS)
