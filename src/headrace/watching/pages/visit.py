"""One request of a sync page: where it comes from, who asks, and how it is answered."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headrace.alerts.texts import duration
from headrace.alerts.watchman import View, Watchman
from headrace.fleet.loop import Loop
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.model.errors import NotFound
from headrace.model.money import format_money
from headrace.model.shown_text import shown
from headrace.pages.form import FormFields
from headrace.pages.policy import page_headers
from headrace.pages.templates import environment
from headrace.sync.journal import Journal
from headrace.sync.planning.name_texts import signed_money
from headrace.watching.page import marked_code
from headrace.watching.pages.people import People

HOME = "/"
COOKIE = "headrace_pages"


def clipped(text: str, longest: int = 160) -> str:
    """Return the beginning of a text that is longer than a page can show."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


_TEMPLATES = environment("headrace.watching")
_TEMPLATES.filters["code"] = marked_code
_TEMPLATES.filters["duration"] = duration
_TEMPLATES.filters["money"] = format_money
_TEMPLATES.filters["signed"] = signed_money
_TEMPLATES.filters["clipped"] = clipped
_TEMPLATES.filters["words"] = lambda text: text.replace("_", " ")


class Site(Struct, kw_only=True):
    """What the pages work with."""

    watchman: Watchman
    clock: Clock
    people: People
    hosts: frozenset[str] = frozenset()
    """Names other than this machine's by which requests may come."""
    loop: Loop | None = None
    """The loop that runs; None until it does."""


class Visit(Struct, kw_only=True):
    """One request that was admitted."""

    site: Site
    request: Request
    who: str = ""
    """Who is signed in; empty where nobody has to be."""
    token: str = ""
    form: FormFields = FormFields([])

    @property
    def may_act(self) -> bool:
        """Whether this person may approve plans and retry rejects."""
        return bool(self.who)

    @property
    def name(self) -> str:
        """The organisation in the path. Raises NotFound if the loop does not sync it."""
        return self.view.facts.organisation

    @property
    def view(self) -> View:
        """What the loop knows of that organisation. Raises NotFound."""
        wanted = str(self.request.path_params["organisation"])
        view = self.site.watchman.view_of(wanted)
        if view is None:
            raise NotFound(f"There is no organisation {wanted}.")
        return view

    @property
    def project(self) -> LoadedProject:
        """The project. Raises NotFound before the loop runs."""
        if self.site.loop is None:
            raise NotFound("The loop is about to begin.")
        return self.site.loop.project

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.site.clock.now().timestamp()

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the journal of the organisation in the path."""
        place = self.project.journal_place(self.name)
        keep = self.project.settings_of(self.name).keep_payloads
        journal = Journal(place, self.site.clock, keep)
        try:
            yield journal
        finally:
            journal.close()

    def number(self, name: str) -> int:
        """Return a whole number from 1 of the address; 1 for anything else."""
        text = self.request.query_params.get(name, "")
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page."""
        proof = self.site.people.proof(self.token)
        common = {"who": self.who, "may_act": self.may_act, "proof": proof, "now": self.now}
        return page(template, status, **{**common, **values})

    def redirect(self, place: str) -> Response:
        """Answer a form that was carried out."""
        return RedirectResponse(place, 303, headers=page_headers())


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Answer with a page that needs no visit."""
    common = {"who": "", "may_act": False, "proof": "", "now": 0.0, "lang": "en"}
    text = _TEMPLATES.get_template(template).render(**{**common, **values})
    return Response(shown(text), status, headers=page_headers(), media_type="text/html")


def place_of(name: str, place: str = "", parameters: Mapping[str, str] | None = None) -> str:
    """Return the address of a page of an organisation."""
    path = f"/organisations/{quote(name, safe='')}" + (f"/{place}" if place else "")
    pairs = [f"{key}={quote(value, safe='')}" for key, value in (parameters or {}).items()]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


_TEMPLATES.globals["place"] = place_of


def own_place(text: str) -> str:
    """Return a page to go to after the sign-in; the first one for any other address."""
    own = text.startswith("/organisations/") and "\\" not in text and text.isprintable()
    return text if own else HOME


def objection(site: Site, request: Request) -> str:
    """Return why a request is not answered, by its Host header and where it comes from; empty if it
    may be.

    A page of another site must not read these in a browser of this machine by a name that it lets
    point here.
    """
    host = host_of(request)
    peer = request.client.host if request.client is not None else ""
    if is_loopback(host):
        return "" if is_loopback(peer) else "The status page is only served to this machine."
    if host in site.hosts:
        return ""
    return "The status page is only served to this machine, and by the names in `hosts`."


def host_of(request: Request) -> str:
    """Return the name by which a request comes, without its port."""
    try:
        return (urlsplit(f"//{request.headers.get('host', '')}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Page = Callable[[Visit], Response]
