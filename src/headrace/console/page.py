"""The console: sign-in, the organisations of a hub, and the overview of one."""

from __future__ import annotations

import functools

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headrace.console.inspector.api import API_PAGES
from headrace.console.inspector.hub import HUB_PAGES
from headrace.console.inspector.requests import REQUEST_PAGES
from headrace.console.inspector.testing import TESTING_PAGES
from headrace.console.operations import Operations, Pace
from headrace.console.overview import Overviews, ageing_rows, debtor_rows, figures_of, total_of
from headrace.console.passwords import is_password
from headrace.console.records.customer import CUSTOMER_PAGES
from headrace.console.records.document import document_pages
from headrace.console.records.finder import FINDER_PAGES
from headrace.console.records.lists import list_pages
from headrace.console.session import (
    COOKIE,
    HOME,
    SIGN_IN,
    Desk,
    Pages,
    Seat,
    new_token,
    place_of,
    render,
    signed_in,
    with_session,
)
from headrace.console.settings.entries import entry_pages
from headrace.console.settings.keys import KEY_PAGES
from headrace.console.settings.portal import PORTAL_PAGES
from headrace.model.errors import RequestError
from headrace.pages.form import read_form
from headrace.pages.origin import is_own_site
from headrace.pages.policy import page_headers
from headrace.store.admin.console_users import (
    FAILURES_LAST,
    begin_session,
    end_session,
    find_account,
    note_failure,
    organisations_of,
)
from headrace.store.admin.frozen_clock import Times
from headrace.store.engine.interface import Store
from headrace.store.records.organisation_overview import DEBTORS

ORGANISATION = f"{HOME}/organisations/{{organisation}}"
_METHODS = {"GET": "GET", "POST": "POST", "UPLOAD": "POST"}
_REFRESH_S = 2
"""When a page asks again whose figures are being computed."""
_WRONG = "The e-mail or the password is wrong."
_BLOCKED = (
    "Too many attempts with this e-mail have failed. Try again in "
    f"{int(FAILURES_LAST.total_seconds()) // 60} minutes."
)


def console_pages(overviews: Overviews) -> Pages:
    """Return all pages by their paths; each needs a session."""
    inside: Pages = {
        "": ("GET", functools.partial(overview, overviews)),
        "/debtors": ("GET", functools.partial(debtors, overviews)),
        **FINDER_PAGES,
        **list_pages(),
        **CUSTOMER_PAGES,
        **document_pages(),
        **entry_pages(),
        **KEY_PAGES,
        **PORTAL_PAGES,
        **REQUEST_PAGES,
        **TESTING_PAGES,
        **API_PAGES,
    }
    return {
        HOME: ("GET", organisations),
        f"{HOME}/sign-out": ("POST", sign_out),
        **HUB_PAGES,
        **{f"{ORGANISATION}{path}": page for path, page in inside.items()},
    }


def console_routes(
    store: Store, times: Times, operations: Operations, sync_pages: str = ""
) -> list[Route]:
    """Return the routes of the console. Everything but the sign-in needs a session. Organisations
    link to the pipeline's pages at `sync_pages`, if there is such an address."""
    desk = Desk(store, times, operations, sync_pages)
    return [
        Route(SIGN_IN, functools.partial(_sign_in, desk), methods=["GET", "POST"]),
        *(
            Route(path, signed_in(desk, page, method), methods=[_METHODS[method]])
            for path, (method, page) in console_pages(Overviews()).items()
        ),
    ]


async def organisations(seat: Seat) -> Response:
    """The organisations that the person sees."""
    rows = await seat.desk.store.scan(organisations_of, seat.session)
    return seat.render("organisations.html", rows=rows)


async def overview(overviews: Overviews, seat: Seat) -> Response:
    """What an organisation is owed, how old it is, and by whom."""
    desk = seat.desk
    shown = await overviews.of(desk.store, desk.clock, seat.context)
    pace = await desk.operations.pace(seat.name)
    if shown is None:
        return _computing(seat, pace)
    return seat.render(
        "overview.html",
        overview=shown,
        pace=pace,
        total=await seat.read(total_of, shown),
        figures=[figures_of(one) for one in shown.currencies],
        ageing=[ageing_rows(one) for one in shown.currencies],
        debtors=[debtor_rows(one) for one in shown.currencies],
    )


async def debtors(overviews: Overviews, seat: Seat) -> Response:
    """The families that owe most, in one currency."""
    shown = await overviews.of(seat.desk.store, seat.desk.clock, seat.context)
    trail = (("Who owes most", ""),)
    if shown is None:
        return _computing(seat, None)
    currency = seat.request.query_params.get("currency", seat.context.organisation.currency)
    found = [one for one in shown.currencies if one.currency == currency]
    return seat.render(
        "debtors.html",
        overview=shown,
        currency=currency if found else "",
        others=[one.currency for one in shown.currencies if one.currency != currency],
        rows=debtor_rows(found[0], DEBTORS) if found else [],
        trail=trail,
    )


def _computing(seat: Seat, pace: Pace | None) -> Response:
    answer = seat.render("computing.html", pace=pace)
    answer.headers["Refresh"] = str(_REFRESH_S)
    return answer


async def sign_out(seat: Seat) -> Response:
    """End the session."""
    await seat.desk.store.write(0, end_session, seat.token)
    answer = RedirectResponse(SIGN_IN, 303, headers=page_headers())
    return with_session(seat.request, answer, None)


async def _sign_in(desk: Desk, request: Request) -> Response:
    if request.method != "POST":
        return render("sign_in.html", to=place_of(request.query_params.get("to", "")), error="")
    try:
        form = await read_form(request)
    except RequestError as error:
        return render("sign_in.html", error.status, to=HOME, error=str(error))
    to = place_of(form.get("to", ""))
    if not is_own_site(request):
        return render("sign_in.html", 403, to=to, error="This form can't be sent from elsewhere.")
    email, password, now = form.text("email"), form.get("password", ""), desk.clock.now()
    account, is_blocked = await desk.store.read(find_account, email, now)
    if is_blocked:
        return render("sign_in.html", 429, to=to, error=_BLOCKED)
    known = account.password if account else None
    right = await to_thread.run_sync(is_password, password, known)
    if account is None or not right:
        await desk.store.write(0, note_failure, email, now)
        return render("sign_in.html", 401, to=to, error=_WRONG)
    token = new_token()
    former = request.cookies.get(COOKIE)
    await desk.store.write(0, begin_session, account, token, former, now)
    answer = RedirectResponse(to, 303, headers=page_headers())
    return with_session(request, answer, token)
