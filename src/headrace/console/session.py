"""Sessions of the console: who is signed in, by a cookie that only the console gets."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headrace.model.clock import Clock, format_instant
from headrace.model.errors import NotFound, RequestError, ServiceUnavailable
from headrace.pages.form import FormFields, read_form
from headrace.pages.policy import page_headers
from headrace.pages.templates import environment
from headrace.store.admin.console_users import SESSION_LONGEST, find_session, touch_session
from headrace.store.admin.frozen_clock import Times
from headrace.store.engine.interface import Store

COOKIE = "headrace_console"
HOME = "/console"
SIGN_IN = "/console/sign-in"
_TOUCH = timedelta(minutes=5)
_TEMPLATES = environment("headrace.console")


class Desk(Struct, frozen=True):
    """What the console works with."""

    store: Store
    times: Times
    sync_pages: str = ""
    """Address of the sync pages of the pipeline, to which organisations link; empty for none."""

    @property
    def clock(self) -> Clock:
        """The real clock: sessions go by it."""
        return self.times.clock


class Seat(Struct, kw_only=True):
    """One request of somebody who is signed in."""

    desk: Desk
    request: Request
    email: str
    token: str
    form: FormFields = FormFields([])
    """What was sent; empty unless the page is the target of a form."""

    def proof(self) -> str:
        """Return what a form of this session carries, so that no other site can send one."""
        digest = hmac.digest(self.token.encode(), b"console form", "sha256")
        return base64.urlsafe_b64encode(digest).decode()

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page."""
        common = {"email": self.email, "proof": self.proof(), "sync_pages": self.desk.sync_pages}
        return render(template, status, **{**common, **values})


Page: TypeAlias = Callable[[Seat], Awaitable[Response]]


def render(template: str, status: int = 200, **values: Any) -> Response:
    """Answer with a page of the console."""
    text = _TEMPLATES.get_template(template).render(**{"email": "", "proof": "", **values})
    return HTMLResponse(text, status, headers=page_headers())


def signed_in(desk: Desk, page: Page, *, form: bool = False) -> Callable[[Request], Any]:
    """Return an endpoint for people who are signed in; others are led to the sign-in."""

    async def endpoint(request: Request) -> Response:
        try:
            seat = await _seat(desk, request)
            if seat is None:
                return RedirectResponse(_sign_in_for(request), 303, headers=page_headers())
            if form:
                seat.form = await read_form(request)
                proven = hmac.compare_digest(seat.form.get("proof", ""), seat.proof())
                if not proven or not is_own_site(request):
                    return _trouble(403, "This form can't be sent", "Open the page again.")
            return await page(seat)
        except NotFound:
            return _trouble(404, "There is nothing here", "Go back to the list of organisations.")
        except ServiceUnavailable:
            return _trouble(503, "The database can't be reached", "Try again in a moment.")
        except RequestError as error:
            return _trouble(error.status, "This can't be done", str(error))

    return endpoint


def is_own_site(request: Request) -> bool:
    """Whether a form comes from a page of this hub, as far as the browser says."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")
    return site == "same-origin" and not foreign


def new_token() -> str:
    """Return a token of 256 random bits."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def with_session(request: Request, answer: Response, token: str | None) -> Response:
    """Set the cookie of a session, or remove it. Scripts can't read it, no other site makes a
    browser send it, and over https it is never sent without."""
    forwarded = request.headers.get("x-forwarded-proto", request.url.scheme)
    answer.set_cookie(
        COOKIE,
        token or "",
        max_age=int(SESSION_LONGEST.total_seconds()) if token else 0,
        path=HOME,
        secure=forwarded == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def place_of(text: str) -> str:
    """Return a page of the console to go to after the sign-in; the first one for any other
    address."""
    own = text == HOME or text.startswith(f"{HOME}/")
    return text if own and "\\" not in text and text.isprintable() else HOME


async def _seat(desk: Desk, request: Request) -> Seat | None:
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    now = desk.clock.now()
    found = await desk.store.read(find_session, token, now)
    if found is None:
        return None
    email, last_at = found
    if last_at < format_instant(now - _TOUCH):
        await _touch(desk, token, now)
    return Seat(desk=desk, request=request, email=email, token=token)


async def _touch(desk: Desk, token: str, now: datetime) -> None:
    await desk.store.write(0, touch_session, token, now)


def _sign_in_for(request: Request) -> str:
    place = request.url.path
    return SIGN_IN if place == HOME else f"{SIGN_IN}?to={quote(place)}"


def _trouble(status: int, title: str, advice: str) -> Response:
    return render("trouble.html", status, title=title, advice=advice)
