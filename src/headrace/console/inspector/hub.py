"""The hub as a whole: sandboxes, snapshots, exchange rates, and what is known of its likeness."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from headrace.console.inputs import Input, body_of, errors_in, errors_of
from headrace.console.session import HOME, Pages, Seat
from headrace.model.errors import NotFound, RequestError

PLACE = f"{HOME}/hub"
_ENTITIES_MAX = 10_000
_SANDBOX = (
    Input("name", "Name", hint="Made up when it is empty."),
    Input("profile", "Data", "select"),
    Input("entities", "Size", "number", hint="Customers, documents, payments and refunds.",
        value="200", length=5),
    Input("expiresIn", "Lasts", hint="Such as 2h or 7d.", value="1d", length=20),
    Input("currency", "Currency", value="EUR", length=3),
)  # fmt: skip
_SNAPSHOT = (Input("name", "Name", hint="The moment when it is empty."),)
_RATE = (
    Input("base", "One unit of", value="EUR", required=True, length=3),
    Input("currency", "costs in", hint="Such as USD.", required=True, length=3),
    Input("rate", "this amount", hint="Such as 1.0834.", required=True, length=25),
    Input("day", "From the day", "date", hint="Today when it is empty.", length=10),
)


async def hub_page(
    seat: Seat,
    status: int = 200,
    errors: dict[str, str] | None = None,
    made: dict[str, Any] | None = None,
) -> Response:
    """Sandboxes, snapshots and rates; `made` is a new sandbox, whose secret is shown once."""
    _check(seat)
    call = seat.desk.operations.call
    try:
        snapshots = (await call("GET", "/snapshots"))["snapshots"]
    except RequestError:
        snapshots = []
    return seat.render(
        "hub.html",
        status,
        sandboxes=(await call("GET", "/sandboxes"))["sandboxes"],
        snapshots=snapshots,
        rates=(await call("GET", "/rates"))["rates"],
        sandbox=_with_profiles(seat),
        snapshot=_SNAPSHOT,
        rate=_RATE,
        given=seat.form,
        made=made,
        errors=errors or {},
        trail=(("Hub", ""),),
    )


async def make_sandbox(seat: Seat) -> Response:
    """Make a sandbox."""
    _check(seat)
    inputs = _with_profiles(seat)
    errors = errors_in(inputs, seat.form)
    body = body_of(inputs, seat.form)
    size = str(body.pop("entities", "200"))
    if not (size.isascii() and size.isdecimal() and 1 <= int(size) <= _ENTITIES_MAX):
        errors["entities"] = f"Size: write a number from 1 to {_ENTITIES_MAX:,}."
    if errors:
        return await hub_page(seat, 400, errors)
    if profile := body.pop("profile", ""):
        body["seed"] = {"profile": profile, "entities": int(size)}
    try:
        made = await seat.desk.operations.call("POST", "/sandboxes", body)
    except RequestError as error:
        return await hub_page(seat, 400, errors_of(error, inputs))
    return await hub_page(seat, made=made)


async def remove_sandbox(seat: Seat) -> Response:
    """Delete a sandbox with all its data."""
    return await _carried_out(seat, "DELETE", f"/sandboxes/{_named(seat)}")


async def make_snapshot(seat: Seat) -> Response:
    """Make a snapshot."""
    body = body_of(_SNAPSHOT, seat.form)
    return await _carried_out(seat, "POST", "/snapshots", body, _SNAPSHOT)


async def restore_snapshot(seat: Seat) -> Response:
    """Put everything back as it was; everybody has to sign in again."""
    return await _carried_out(seat, "POST", f"/snapshots/{_named(seat)}/restore")


async def remove_snapshot(seat: Seat) -> Response:
    """Delete a snapshot."""
    return await _carried_out(seat, "DELETE", f"/snapshots/{_named(seat)}")


async def set_rate(seat: Seat) -> Response:
    """Set a rate, or remove all."""
    _check(seat)
    if seat.form.get("remove"):
        return await _carried_out(seat, "DELETE", "/rates")
    if errors := errors_in(_RATE, seat.form):
        return await hub_page(seat, 400, errors)
    body = body_of(_RATE, seat.form)
    body["rates"] = {body.pop("currency"): body.pop("rate")}
    return await _carried_out(seat, "POST", "/rates", body, _RATE)


async def likeness(seat: Seat) -> Response:
    """The rules that conformance cases verify, and what a proxy found."""
    _check(seat)
    operations = seat.desk.operations
    rules = operations.verified()
    counts = Counter(name for rule in rules for name in rule.operation.split(", "))
    wanted = seat.request.query_params.get("operation", "")
    return seat.render(
        "likeness.html",
        operations=[("", "Choose one"), *((k, f"{k} ({n})") for k, n in sorted(counts.items()))],
        wanted=wanted if wanted in counts else "",
        total=len(rules),
        rules=[rule for rule in rules if wanted in rule.operation.split(", ")],
        differences=operations.differences(),
        trail=(("Hub", PLACE), ("Likeness to Upflow", "")),
    )


HUB_PAGES: Pages = {
    PLACE: ("GET", hub_page),
    f"{PLACE}/sandboxes": ("POST", make_sandbox),
    f"{PLACE}/sandboxes/remove": ("POST", remove_sandbox),
    f"{PLACE}/snapshots": ("POST", make_snapshot),
    f"{PLACE}/snapshots/restore": ("POST", restore_snapshot),
    f"{PLACE}/snapshots/remove": ("POST", remove_snapshot),
    f"{PLACE}/rates": ("POST", set_rate),
    f"{PLACE}/likeness": ("GET", likeness),
}
"""Pages by their paths."""


def _check(seat: Seat) -> None:
    """Raise NotFound for people who see some organisations only."""
    if seat.session.limited:
        raise NotFound("The hub as a whole is not shown.")


def _named(seat: Seat) -> str:
    return quote(seat.form.get("name", ""), safe="")


async def _carried_out(
    seat: Seat, method: str, path: str, body: Any = None, inputs: tuple[Input, ...] = ()
) -> Response:
    _check(seat)
    try:
        await seat.desk.operations.call(method, path, body)
    except RequestError as error:
        return await hub_page(seat, 400, errors_of(error, inputs))
    return seat.redirect(PLACE)


def _with_profiles(seat: Seat) -> tuple[Input, ...]:
    names = seat.desk.operations.profiles()
    options = (("", "No data"), *((name, name.replace("-", " ")) for name in names))
    return tuple(
        Input(one.name, one.label, "select", options=options) if one.name == "profile" else one
        for one in _SANDBOX
    )
