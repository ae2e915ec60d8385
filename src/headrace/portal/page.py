"""`GET /portal/{token}`: the page that shows a customer what it owes, for anyone with the link."""

from __future__ import annotations

import base64
import functools
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from headrace.model.clock import format_instant, parse_instant
from headrace.model.errors import NotFound
from headrace.portal.amounts import locale_for
from headrace.portal.view import view_of
from headrace.store.admin.frozen_clock import Times
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.records.open_items import read_statement
from headrace.store.records.portal_links import open_portal_link

PAGES = {"/portal/{token}": "customer.html"}
"""The template of each page by its path. All show the view of one statement, and check the token
in the same way."""

_TEMPLATES = Environment(
    loader=PackageLoader("headrace.portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = _TEMPLATES.get_template("style.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_NOBODY = "'none'"

_UNKNOWN = "This link is not known here. Please check that it is complete, or ask for a new one."
_EXPIRED = "This link has expired. Please ask for a new one."
_REVOKED = "This link is no longer in force. Please ask for a new one."


def portal_routes(store: Store, times: Times) -> list[Route]:
    """Return the routes of the customer's pages; the token in the path is the only credential."""

    async def show(template: str, request: Request) -> Response:
        token = request.path_params["token"]
        door = await store.read(open_portal_link, token)
        if door is None:
            return _apology(404, _UNKNOWN)
        if door.revoked:
            return _apology(410, _REVOKED)
        now = times.now(door.organisation)
        if door.expires_at <= format_instant(now):
            return _apology(410, _EXPIRED)
        # Links on the page are relative, so they use the address under which it was requested.
        until = parse_instant(door.expires_at)
        context = Context(door.organisation, now, links_until=until)
        try:
            _, statement = await store.scan(read_statement, context, door.customer)
        except NotFound:
            return _apology(404, _UNKNOWN)
        locale = locale_for(request.headers.get("accept-language", ""))
        page = view_of(statement, door.organisation.name, locale)
        text = _TEMPLATES.get_template(template).render(page=page, style=_STYLE)
        return HTMLResponse(text, headers=_headers(door.frame_ancestors))

    return [
        Route(path, functools.partial(show, template), methods=["GET"])
        for path, template in PAGES.items()
    ]


def _apology(status: int, sentence: str) -> Response:
    text = _TEMPLATES.get_template("closed.html").render(sentence=sentence, style=_STYLE)
    return HTMLResponse(text, status, headers=_headers(None))


def _headers(frame_ancestors: str | None) -> dict[str, str]:
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frame_ancestors or _NOBODY}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return headers if frame_ancestors else {**headers, "X-Frame-Options": "DENY"}
