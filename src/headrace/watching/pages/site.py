"""The routes of the sync pages, and what every request of them passes first."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headrace.fleet.trouble import translated
from headrace.model.errors import HeadraceError, RequestError
from headrace.pages.form import FormFields, read_form
from headrace.pages.origin import is_own_site
from headrace.pages.policy import page_headers
from headrace.watching.page import StatusPage
from headrace.watching.pages import explanation, plan, records
from headrace.watching.pages.organisation import organisation
from headrace.watching.pages.people import SESSION_S
from headrace.watching.pages.reconciliation import reconciliation
from headrace.watching.pages.visit import (
    COOKIE,
    HOME,
    Page,
    Site,
    Visit,
    objection,
    own_place,
    page,
)

SIGN_IN = "/sign-in"
_ONE = "/organisations/{organisation}"
_WRONG = "The name or the secret is wrong."
_BLOCKED = "Too many attempts with this name have failed. Try again in 15 minutes."


def site_routes(site: Site) -> list[Route]:
    """Return the routes of all sync pages."""
    shown: dict[str, Page] = {
        _ONE: organisation,
        f"{_ONE}/plan": plan.plan,
        f"{_ONE}/plan/customer": plan.customer,
        f"{_ONE}/plan/pdf/{{number:int}}": plan.pdf,
        f"{_ONE}/reconciliation": reconciliation,
        f"{_ONE}/explain": explanation.explanation,
        f"{_ONE}/records/{{list}}": records.list_page,
    }
    forms: dict[str, tuple[Page, bool]] = {
        f"{_ONE}/plan/approve": (plan.approve, True),
        f"{_ONE}/rejects/retry": (records.retry, True),
        f"{_ONE}/book": (explanation.open_book, False),
    }
    status = StatusPage()

    def organisations(visit: Visit) -> Response:
        shown = status.shown(site.watchman.view(), visit.now)
        return visit.render("status.html", pages=True, **shown)

    return [
        Route(HOME, _shown(site, organisations), methods=["GET"]),
        Route(SIGN_IN, _sign_in(site), methods=["GET", "POST"]),
        Route("/sign-out", _form(site, _sign_out, True), methods=["POST"]),
        *(Route(path, _shown(site, make), methods=["GET"]) for path, make in shown.items()),
        *(
            Route(path, _form(site, make, acts), methods=["POST"])
            for path, (make, acts) in forms.items()
        ),
    ]


def _shown(site: Site, make: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return _admitted(site, request, FormFields([]), make)

    return answer


def _form(site: Site, make: Page, acts: bool) -> Callable[[Request], object]:
    """Return the endpoint of a form; one that `acts` needs somebody who is signed in."""

    async def answer(request: Request) -> Response:
        try:
            form = await read_form(request)
        except RequestError as error:
            return _trouble(error.status, "This form can't be read", str(error))
        return await to_thread.run_sync(_posted, site, request, form, make, acts)

    return answer


def _posted(site: Site, request: Request, form: FormFields, make: Page, acts: bool) -> Response:
    def checked(visit: Visit) -> Response:
        proven = site.people.is_proven(form.get("proof", ""), visit.token)
        if not is_own_site(request) or not proven:
            return _trouble(403, "This form can't be sent", "Open the page again.")
        if acts and not visit.may_act:
            return _trouble(403, "Nobody is signed in", "People who may act are in [run.people].")
        return make(visit)

    return _admitted(site, request, form, checked)


def _admitted(site: Site, request: Request, form: FormFields, make: Page) -> Response:
    if refused := objection(site, request):
        return _trouble(403, "This page is not served here", refused)
    token = request.cookies.get(COOKIE, "")
    who = site.people.who(token) if token else ""
    if site.people and not who:
        return _led_to_sign_in(request)
    visit = Visit(site=site, request=request, who=who, token=token if who else "", form=form)
    try:
        return make(visit)
    except RequestError as error:
        return _trouble(error.status, "This can't be shown or done", str(error))
    except HeadraceError as error:
        return _trouble(503, "This can't be read now", str(error))
    except Exception as error:
        if site.loop is None:
            raise
        project = site.loop.project
        name = str(request.path_params.get("organisation") or project.names()[0])
        said = translated(project, name, site.clock, error)
        return _trouble(500, "This page failed", str(said))


def _led_to_sign_in(request: Request) -> Response:
    place = request.url.path if request.method == "GET" else HOME
    if request.method == "GET" and request.url.query:
        place += f"?{request.url.query}"
    to = "" if place == HOME else f"?to={quote(place)}"
    return RedirectResponse(f"{SIGN_IN}{to}", 303, headers=page_headers())


def _sign_in(site: Site) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        if refused := objection(site, request):
            return _trouble(403, "This page is not served here", refused)
        if not site.people:
            return _trouble(404, "Nobody can sign in", "People are set in [run.people].")
        if request.method == "GET":
            return page("sign_in.html", to=own_place(request.query_params.get("to", "")), error="")
        try:
            form = await read_form(request)
        except RequestError as error:
            return page("sign_in.html", error.status, to=HOME, error=str(error))
        return _signed_in(site, request, form)

    return answer


def _signed_in(site: Site, request: Request, form: FormFields) -> Response:
    to, name = own_place(form.get("to", "")), form.text("name")
    if not is_own_site(request):
        return page("sign_in.html", 403, to=to, error="This form can't be sent from elsewhere.")
    if site.people.is_blocked(name):
        return page("sign_in.html", 429, to=to, error=_BLOCKED)
    token = site.people.sign_in(name, form.get("secret", ""))
    if not token:
        return page("sign_in.html", 401, to=to, error=_WRONG)
    site.people.sign_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(to, 303, headers=page_headers())
    return _with_session(request, answer, token)


def _sign_out(visit: Visit) -> Response:
    visit.site.people.sign_out(visit.token)
    return _with_session(visit.request, visit.redirect(SIGN_IN), "")


def _with_session(request: Request, answer: Response, token: str) -> Response:
    forwarded = request.headers.get("x-forwarded-proto", request.url.scheme)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_S) if token else 0,
        path="/",
        secure=forwarded == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _trouble(status: int, title: str, advice: str) -> Response:
    return page("trouble.html", status, title=title, advice=advice)
