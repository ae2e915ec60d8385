"""The answer to a PDF link that leads nowhere: a page for people, JSON for programs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headrace.model.errors import RequestError
from headrace.pages.hub_pages import lost_page
from headrace.pages.templates import wants_page
from headrace.server.call import error_answer

_TITLES = {403: "This link is no longer valid", 404: "This document is gone"}
_ADVICE = {
    403: "Open the page or the e-mail that you have it from again, or ask whoever sent it to you "
    "for a new link. A link to a document is valid for a limited time.",
    404: "It was removed or replaced. Ask whoever sent you the link for the document.",
}
_LATER = "This document can't be shown just now", "Please try again in a few minutes."


def apology(request: Request, error: RequestError) -> Response:
    """Return the error as the client reads it, by its Accept header."""
    if not wants_page(request):
        answer = error_answer(error)
        headers = {"Cache-Control": "no-store"}
        return Response(answer.body, answer.status, headers, media_type="application/json")
    title = _TITLES.get(error.status, _LATER[0])
    advice = _ADVICE.get(error.status, _LATER[1])
    return lost_page(error.status, title, advice)
