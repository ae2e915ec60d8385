"""Sessions of the console: who is signed in, by a cookie that only the console gets."""

from __future__ import annotations

import base64
import hmac
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headrace.console.operations import ApiAnswer, ApiCall, Operations
from headrace.model.clock import Clock, format_instant
from headrace.model.errors import NotFound, RequestError, ServiceUnavailable
from headrace.pages.form import FormFields, read_form, read_upload
from headrace.pages.origin import is_own_site
from headrace.pages.policy import page_headers
from headrace.pages.templates import environment
from headrace.store.admin.console_users import (
    SESSION_LONGEST,
    Session,
    find_session,
    may_enter,
    touch_session,
)
from headrace.store.admin.frozen_clock import Times
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.engine.interface import Store
from headrace.store.records.organisations import find_organisation, organisation_by_seq

T = TypeVar("T")

_LOGGER = logging.getLogger("headrace.server")
COOKIE = "headrace_console"
HOME = "/console"
SIGN_IN = "/console/sign-in"
UPLOAD_MAX = 10_000_000
"""Bytes of a form with files."""
_TOUCH = timedelta(minutes=5)
_TEMPLATES = environment("headrace.console")


class Desk(Struct, frozen=True):
    """What the console works with."""

    store: Store
    times: Times
    operations: Operations
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
    session: Session
    token: str
    inside: Context | None = None
    """The organisation in the path, at its time."""
    form: FormFields = FormFields([])
    """What was sent; empty unless the page is the target of a form."""
    files: Mapping[str, bytes] = {}
    """The files that were sent."""

    @property
    def context(self) -> Context:
        """The organisation of a page that has one in its path."""
        assert self.inside is not None
        return self.inside

    @property
    def name(self) -> str:
        """The name of that organisation."""
        return self.context.organisation.name

    def at(self, *parts: str, **parameters: Any) -> str:
        """Return the address of a page of the organisation; empty parameters are left out."""
        return address(HOME, "organisations", self.name, *parts, **parameters)

    async def read(self, run: Callable[..., T], *arguments: Any) -> T:
        """Run `run(db, context, *arguments)` as a lookup that may take long."""
        return await self.desk.store.scan(run, self.context, *arguments)

    async def write(self, run: Callable[..., T], *arguments: Any) -> T:
        """Run `run(db, context, *arguments)` as a write of the organisation."""
        organisation, times = self.context.organisation, self.desk.times

        def with_context(db: Connection) -> T:
            # Read it again under the lock of its writes.
            known = organisation_by_seq(db, organisation.seq)
            return run(db, Context(known, times.now(known), self.context.origin), *arguments)

        return await self.desk.store.write(organisation.seq, with_context)

    async def ask(self, method: str, path: str, body: bytes = b"") -> ApiAnswer:
        """Send a request to the API as a client of the organisation does."""
        headers = self.request.headers
        forwarded = headers.get("x-forwarded-proto", self.request.url.scheme)
        call = ApiCall(
            organisation=self.name,
            method=method,
            path=path,
            body=body,
            host=headers.get("host", ""),
            scheme="https" if forwarded == "https" else "http",
        )
        return await self.desk.operations.ask(call)

    async def operate(self, method: str, path: str, body: Any = None) -> Any:
        """Carry out an operation of the control plane on the organisation."""
        place = f"/organisations/{quote(self.name, safe='')}{path}"
        return await self.desk.operations.call(method, place, body)

    def proof(self) -> str:
        """Return what a form of this session carries, so that no other site can send one."""
        digest = hmac.digest(self.token.encode(), b"console form", "sha256")
        return base64.urlsafe_b64encode(digest).decode()

    def render(
        self, template: str, status: int = 200, *, framing: bool = False, **values: Any
    ) -> Response:
        """Answer with a page; a `framing` one may show another page of the hub in a frame."""
        common = {"email": self.session.email, "proof": self.proof(), "seat": self, "trail": ()}
        common["sync_pages"] = self.desk.sync_pages
        if self.inside is not None:
            common |= {"at": self.at, "organisation": self.inside.organisation}
        return render(template, status, framing=framing, **{**common, **values})

    def redirect(self, place: str) -> Response:
        """Answer a form that was carried out."""
        return RedirectResponse(place, 303, headers=page_headers())


Page: TypeAlias = Callable[..., Awaitable[Response]]
"""Takes a seat."""
Method: TypeAlias = Literal["GET", "POST", "UPLOAD"]
"""UPLOAD is a POST of a form with files."""
Pages: TypeAlias = dict[str, tuple[Method, Page]]
"""Pages by their paths."""


def address(*parts: str, **parameters: Any) -> str:
    """Return the address of a page of the console; empty parameters are left out."""
    head, *rest = parts
    path = "/".join((head, *(quote(part, safe="") for part in rest)))
    query = urlencode({k: v for k, v in parameters.items() if v not in ("", None)}, doseq=True)
    return f"{path}?{query}" if query else path


def render(template: str, status: int = 200, *, framing: bool = False, **values: Any) -> Response:
    """Answer with a page of the console."""
    common = {"email": "", "proof": "", "organisation": None, "trail": ()}
    text = _TEMPLATES.get_template(template).render(**{**common, **values})
    return HTMLResponse(text, status, headers=page_headers(scripted=True, framing=framing))


def signed_in(desk: Desk, page: Page, method: Method) -> Callable[[Request], Any]:
    """Return an endpoint for people who are signed in; others are led to the sign-in."""

    async def endpoint(request: Request) -> Response:
        try:
            seat = await _seat(desk, request)
            if seat is None:
                return RedirectResponse(_sign_in_for(request), 303, headers=page_headers())
            if method != "GET":
                if method == "UPLOAD":
                    seat.form, seat.files = await read_upload(request, UPLOAD_MAX)
                else:
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
        except Exception:
            _LOGGER.exception("a page of the console failed")
            return _trouble(500, "This page failed", "The hub's log has the cause.")

    return endpoint


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
    """Return the seat of somebody who is signed in. Raises NotFound for an organisation that does
    not exist or that the person does not see."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    now, name = desk.clock.now(), request.path_params.get("organisation")
    session, organisation = await desk.store.read(_enter, token, now, name)
    if session is None:
        return None
    if session.last_at < format_instant(now - _TOUCH):
        await desk.store.write(0, touch_session, token, now)
    inside = None
    if name is not None:
        if organisation is None:
            raise NotFound(f"There is no organisation {name}.")
        inside = Context(organisation, desk.times.now(organisation), str(request.base_url)[:-1])
    return Seat(desk=desk, request=request, session=session, token=token, inside=inside)


def _enter(
    db: Connection, token: str, now: datetime, name: str | None
) -> tuple[Session | None, Organisation | None]:
    session = find_session(db, token, now)
    if session is None or name is None or "\0" in name:
        return session, None
    organisation = find_organisation(db, name)
    if organisation is None or not may_enter(db, session, organisation):
        return session, None
    return session, organisation


def _sign_in_for(request: Request) -> str:
    place = request.url.path
    return SIGN_IN if place == HOME else f"{SIGN_IN}?to={quote(place)}"


def _trouble(status: int, title: str, advice: str) -> Response:
    return render("trouble.html", status, title=title, advice=advice)
