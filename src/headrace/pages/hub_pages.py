"""Pages of the hub that belong to no organisation: its front page, and the parts of its design."""

from __future__ import annotations

import functools

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from headrace.pages.assets import asset_route
from headrace.pages.policy import page_headers
from headrace.pages.templates import environment

_TEMPLATES = environment()


def hub_routes() -> list[BaseRoute]:
    """Return the routes of the pages and of the static files of all pages; they need no key."""
    return [Route("/design", _design, methods=["GET"]), asset_route()]


def front_page() -> Response:
    """Return the page at `/`, for browsers."""
    return HTMLResponse(_rendered("front.html"), headers=page_headers(private=False))


def lost_page(status: int, title: str, advice: str, language: str = "en") -> Response:
    """Return a page for what can't be shown; `language` is that of its texts."""
    template = _TEMPLATES.get_template("lost.html")
    text = template.render(title=title, advice=advice, lang=language)
    return HTMLResponse(text, status, headers=page_headers())


async def _design(request: Request) -> Response:
    return HTMLResponse(_rendered("design.html"), headers=page_headers(private=False))


@functools.cache
def _rendered(template: str) -> str:
    return _TEMPLATES.get_template(template).render()
