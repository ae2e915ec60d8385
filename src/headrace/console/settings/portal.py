"""What the portal shows and allows, with a sample of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from headrace.console.inputs import Input, body_of, check_answer, errors_in, errors_of
from headrace.console.session import Pages, Seat
from headrace.model.errors import BadRequest, RequestError
from headrace.model.portal import PortalAnswer, PortalSettings
from headrace.model.resource import BANK_ACCOUNT
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.directory import list_entries
from headrace.store.records.page import Window
from headrace.store.records.portal_answers import list_answers
from headrace.store.records.portal_logo import LOGO_MAX, has_logo, read_logo, remove_logo, set_logo
from headrace.store.records.portal_settings import read_settings

_ACCOUNTS = 100
_ANSWERS = 50
_SAMPLE_S = 3_600
_MISSING = 404
_PAYMENTS = (
    ("off", "Nobody can pay by card"),
    ("on", "Every pretended payment succeeds"),
    ("failing", "Every pretended payment fails"),
)
_TEXTS = ("name", "colour", "contactName", "contactEmail", "contactPhone", "bankAccountId")


async def portal_page(
    seat: Seat, status: int = 200, errors: dict[str, str] | None = None, sample: str = ""
) -> Response:
    """The settings; `sample` is the address of a customer's page that is shown in a frame."""
    settings, accounts, logo, answers = await seat.read(_read)
    return seat.render(
        "portal_settings.html",
        status,
        framing=bool(sample),
        inputs=_inputs(accounts),
        values=_values(settings),
        given=seat.form,
        logo=logo,
        logo_max=LOGO_MAX,
        answers=answers,
        sample=sample,
        errors=errors or {},
        trail=(("Settings", seat.at("settings")), ("Portal", "")),
    )


async def change(seat: Seat) -> Response:
    """Change the settings, and show a sample if a customer is named."""
    accounts = (await seat.read(_read))[1]
    inputs = _inputs(accounts)
    if errors := errors_in(inputs, seat.form):
        return await portal_page(seat, 400, errors)
    body: dict[str, Any] = dict.fromkeys(_TEXTS) | body_of(inputs, seat.form)
    try:
        await seat.operate("PUT", "/portal", body)
    except RequestError as error:
        return await portal_page(seat, 400, errors_of(error, inputs))
    if not (customer := seat.form.text("sample")):
        return seat.redirect(seat.at("settings", "portal"))
    try:
        return await portal_page(seat, sample=await _sample(seat, customer))
    except BadRequest as error:
        return await portal_page(seat, 400, {"sample": str(error)})


async def change_logo(seat: Seat) -> Response:
    """Set the logo, or remove it when there is no file."""
    content = seat.files.get("logo", b"")
    try:
        if seat.form.get("remove"):
            await seat.write(remove_logo)
        elif not content:
            return await portal_page(seat, 400, {"logo": "Choose a picture."})
        else:
            await seat.write(set_logo, content)
    except BadRequest as error:
        return await portal_page(seat, 400, {"logo": str(error)})
    return seat.redirect(seat.at("settings", "portal"))


async def logo(seat: Seat) -> Response:
    """The logo itself."""
    found = await seat.read(read_logo)
    if found is None:
        return Response(status_code=404)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
    return Response(found.content, media_type=found.media_type, headers=headers)


async def settle(seat: Seat) -> Response:
    """End what a customer said."""
    await seat.operate("POST", f"/portal/answers/{seat.request.path_params['id']}/settle")
    return seat.redirect(seat.at("settings", "portal"))


PORTAL_PAGES: Pages = {
    "/settings/portal": ("GET", portal_page),
    "/settings/portal/change": ("POST", change),
    "/settings/portal/logo": ("UPLOAD", change_logo),
    "/settings/portal/picture": ("GET", logo),
    "/settings/portal/answers/{id}": ("POST", settle),
}
"""Pages by their paths below an organisation's."""


def _read(
    db: Connection, context: Context
) -> tuple[PortalSettings, list[Any], bool, list[PortalAnswer]]:
    accounts: list[Any] = list_entries(db, context, BANK_ACCOUNT, Window(0, _ACCOUNTS)).items
    answers = [one for one in list_answers(db, context) if one.settled_at is None]
    return read_settings(db, context), accounts, has_logo(db, context), answers[:_ANSWERS]


def _inputs(accounts: list[Any]) -> tuple[Input, ...]:
    choices = (("", "The first one with an IBAN"), *((one.id, one.name) for one in accounts))
    return (
        Input("name", "Name", hint="What customers know the organisation by."),
        Input("colour", "Colour", hint="Such as #1d4ed8.", length=7),
        Input("contactName", "Contact: name"),
        Input("contactEmail", "Contact: e-mail", "email"),
        Input("contactPhone", "Contact: phone"),
        Input("bankAccountId", "Bank account", "select", options=choices),
        Input("payments", "Payments by card", "select", options=_PAYMENTS),
        Input("disputes", "Customers may dispute invoices", "check"),
        Input("promises", "Customers may promise to pay", "check"),
        Input("partial", "Customers may pay a part of one invoice", "check"),
    )


def _values(settings: PortalSettings) -> dict[str, str]:
    built = msgspec.json.decode(msgspec.json.encode(settings), type=dict[str, Any])
    texts = {name: "" if value is None else str(value) for name, value in built.items()}
    return texts | {name: "1" for name, value in built.items() if value is True}


async def _sample(seat: Seat, customer: str) -> str:
    host = seat.request.headers.get("host", "")
    body = msgspec.json.encode({"expiresIn": _SAMPLE_S, "frameAncestors": host})
    names = (customer, f"external:{customer}")
    for name in names:
        answer = await seat.ask("POST", f"/v1/customers/{quote(name, safe='')}/portal", body)
        if answer.status != _MISSING or name == names[-1]:
            check_answer(answer)
            url = msgspec.json.decode(answer.body, type=dict[str, str])["url"]
            return url[url.index("/portal/") :]
    raise BadRequest("There is no such customer.")
