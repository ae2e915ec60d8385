"""One visit of the portal: the token is checked, and the reader known."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from msgspec import Struct
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headrace.model.clock import format_instant, parse_instant
from headrace.model.errors import NotFound, RequestError, ServiceUnavailable
from headrace.model.portal import PortalSettings
from headrace.pages.form import FormFields, read_form
from headrace.pages.languages import LANGUAGES
from headrace.pages.policy import page_headers
from headrace.pages.templates import environment
from headrace.portal.language import Reader, reader_of, words
from headrace.store.admin.frozen_clock import Times
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.records.portal_links import PortalDoor, note_visit, open_portal_link
from headrace.store.records.portal_logo import has_logo
from headrace.store.records.portal_settings import read_settings
from headrace.store.signature import is_signed, sign

_LOGGER = logging.getLogger("headrace.server")
_TEMPLATES = environment("headrace.portal")
_PROOF = "portal form"
LANGUAGE = "lang"
"""The parameter that carries the language that was chosen on a page."""


class Visit(Struct, kw_only=True):
    """A reader with a link that is in force."""

    request: Request
    store: Store
    context: Context
    door: PortalDoor
    settings: PortalSettings
    has_logo: bool
    reader: Reader
    chosen_language: str = ""
    form: FormFields = FormFields([])
    """What was sent; empty unless the page is the target of a form."""

    @property
    def token(self) -> str:
        """The token in the path."""
        return str(self.request.path_params["token"])

    @property
    def seller(self) -> str:
        """What customers know the organisation by."""
        return self.settings.name or self.door.organisation.name

    def address(self, place: str = "", /, **parameters: str) -> str:
        """Return the address of a page of this link, which keeps the chosen language."""
        path = f"/portal/{self.token}" + (f"/{place}" if place else "")
        if self.chosen_language:
            parameters = {LANGUAGE: self.chosen_language, **parameters}
        return with_parameters(path, parameters)

    def proof(self) -> str:
        """Return what a form of this link carries, so that no other site can send one."""
        return sign(self.door.organisation.secret, _PROOF, self.token)

    def is_proven(self, proof: str) -> bool:
        """Whether a form was made for this link."""
        return is_signed(proof, self.door.organisation.secret, _PROOF, self.token)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page."""
        text = _TEMPLATES.get_template(template).render(visit=self, **_common(self), **values)
        return HTMLResponse(text, status, headers=page_headers(self.door.frame_ancestors))

    def redirect(self, address: str) -> Response:
        """Answer a form that was carried out."""
        headers = page_headers(self.door.frame_ancestors)
        return RedirectResponse(address, 303, headers=headers)

    async def note(self, what: str) -> None:
        """Add this visit to the access log. A page is shown also when that can't be written."""
        moment, organisation = self.context.now, self.door.organisation.seq
        try:
            await self.store.write(organisation, note_visit, self.door.link, what, moment)
        except ServiceUnavailable:
            _LOGGER.warning("a visit of a portal link could not be noted")


Page: TypeAlias = Callable[[Visit], Awaitable[Response]]


def with_parameters(path: str, parameters: dict[str, str]) -> str:
    """Return a path with parameters; empty ones are left out."""
    return str(URL(path).include_query_params(**{k: v for k, v in parameters.items() if v}))


def receive(
    store: Store, times: Times, page: Page, *, form: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that lets only links in force through to the page."""

    async def endpoint(request: Request) -> Response:
        wanted = request.query_params.get(LANGUAGE, "")
        reader = reader_of(request.headers.get("accept-language", ""), wanted)
        try:
            return await _visited(request, reader, wanted)
        except NotFound:
            return apology(reader, 404, "missing")
        except ServiceUnavailable:
            return apology(reader, 503, "busy")
        except RequestError as error:
            return apology(reader, error.status, "stale")
        except Exception:
            _LOGGER.exception("a page of the portal failed")
            return apology(reader, 500, "busy")

    async def _visited(request: Request, reader: Reader, wanted: str) -> Response:
        door = await store.read(open_portal_link, request.path_params["token"])
        if door is None:
            return apology(reader, 404, "unknown")
        now = times.now(door.organisation)
        context = Context(door.organisation, now, links_until=parse_instant(door.expires_at))
        settings, with_logo = await store.read(_settings, context)
        visit = Visit(
            request=request,
            store=store,
            context=context,
            door=door,
            settings=settings,
            has_logo=with_logo,
            reader=reader,
            chosen_language=wanted if wanted in LANGUAGES else "",
        )
        if door.revoked or door.expires_at <= format_instant(now):
            ended = "revoked" if door.revoked else "expired"
            await visit.note(ended)
            return apology(reader, 410, ended, visit)
        if form:
            visit.form = await read_form(request)
            if not _is_own_form(visit):
                return apology(reader, 403, "stale", visit)
        return await page(visit)

    return endpoint


def apology(reader: Reader, status: int, what: str, visit: Visit | None = None) -> Response:
    """Return a page that says why there is nothing to see, and whom to ask, where that is known."""
    # A link that has ended gives nothing more, its picture included.
    common = {**_common(visit), "logo": ""} if visit is not None else _unknown(reader)
    text = _TEMPLATES.get_template("closed.html").render(what=what, **common)
    return HTMLResponse(text, status, headers=page_headers())


def _is_own_form(visit: Visit) -> bool:
    """Whether a form comes from a page of this link.

    The referrer policy takes the origin away, so the browser's own word on the site counts, where
    it gives it.
    """
    if visit.request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    return visit.is_proven(visit.form.get("proof", ""))


def _settings(db: Connection, context: Context) -> tuple[PortalSettings, bool]:
    return read_settings(db, context), has_logo(db, context)


def _common(visit: Visit) -> dict[str, Any]:
    settings = visit.settings
    return {
        **_unknown(visit.reader),
        "settings": settings,
        "seller": visit.seller,
        "colour": settings.colour,
        "logo": visit.address("logo") if visit.has_logo else "",
        "languages": [
            (code, words(code)["language_name"], _in_language(visit, code)) for code in LANGUAGES
        ],
    }


def _unknown(reader: Reader) -> dict[str, Any]:
    return {
        "lang": reader.language,
        "say": reader.say,
        "count": reader.count,
        "settings": None,
        "seller": "headrace",
        "colour": None,
        "logo": "",
        "languages": [],
    }


def _in_language(visit: Visit, code: str) -> str:
    """Return the address of this page in another language; of the overview after a form."""
    if visit.request.method != "GET":
        return with_parameters(f"/portal/{visit.token}", {LANGUAGE: code})
    return "?" + visit.request.url.include_query_params(**{LANGUAGE: code}).query
