"""What tests do with an organisation: faults, time, seeds, and a new beginning."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response

from headrace.console.inputs import Input, body_of, errors_in, errors_of
from headrace.console.session import Pages, Seat
from headrace.model.errors import NotFound, RequestError

_METHODS = "POST /invoices, GET /customers/{} or * /payments"
_TIMES_MAX = 1_000_000
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "unavailable": ("503, the server is away", {"kind": "status", "status": 503}),
    "failure": ("500, the server fails", {"kind": "status", "status": 500}),
    "limit": (
        "429, too many requests, again in 5 s",
        {"kind": "status", "status": 429, "retryAfter": 5},
    ),
    "gateway": ("502 as a page of a gateway", {"kind": "html", "status": 502}),
    "slow": ("An answer after 2 s", {"kind": "latency", "seconds": 2}),
    "uneven": (
        "Answers after about half a second, some later",
        {"kind": "log-normal-latency", "median": 0.5},
    ),
    "stall": ("No answer for 60 s", {"kind": "stall", "seconds": 60}),
    "reset": ("The connection is reset", {"kind": "reset"}),
    "lost": ("Carried out, and the answer is lost", {"kind": "reply-lost"}),
    "cut": ("Carried out, and half of the answer arrives", {"kind": "truncated", "share": 0.5}),
}
"""What people choose from, by its name: the text, and the fault as a script has it."""
_FAULT = (
    Input("preset", "Fault", "select", options=tuple((k, v[0]) for k, v in PRESETS.items()),
        required=True),
    Input("on", "Requests", hint=f"Such as {_METHODS}; all when it is empty."),
    Input("times", "How many", "number", hint="Requests that it hits.", value="1", length=7),
)  # fmt: skip
_FREEZE = (Input("at", "Moment, UTC", hint="Such as 2026-11-27T10:00:00Z; now when it is empty."),)
_ADVANCE = (Input("by", "Interval", hint="Such as 30s, 12h or 45d.", required=True),)


class ScriptLine(Struct, frozen=True):
    """A fault that is armed."""

    id: str
    text: str
    fired: int
    left: str


async def testing_page(
    seat: Seat,
    status: int = 200,
    errors: dict[str, str] | None = None,
    seeded: dict[str, Any] | None = None,
) -> Response:
    """Everything for tests of this organisation."""
    clock = await seat.operate("GET", "/clock")
    scripts = await seat.desk.operations.call("GET", "/faults")
    return seat.render(
        "testing.html",
        status,
        clock=clock,
        test_mode=seat.desk.times.test_mode,
        scripts=[one for script in scripts["scripts"] for one in _lines(seat, script)],
        fault=_FAULT,
        freeze=_FREEZE,
        advance=_ADVANCE,
        given=seat.form,
        errors=errors or {},
        seeded=seeded,
        trail=(("Testing", ""),),
    )


async def arm(seat: Seat) -> Response:
    """Arm a fault."""
    errors = errors_in(_FAULT, seat.form)
    times = seat.form.text("times")
    if times and not (times.isascii() and times.isdecimal() and 1 <= int(times) <= _TIMES_MAX):
        errors["times"] = "How many: write a number of at least 1."
    if errors:
        return await testing_page(seat, 400, errors)
    fault = dict(PRESETS[seat.form.text("preset")][1])
    if on := seat.form.text("on"):
        fault["on"] = on
    if times:
        fault["times"] = int(times)
    script = {"organisation": seat.name, "faults": [fault]}
    try:
        await seat.desk.operations.call("POST", "/faults", script)
    except RequestError as error:
        message = str(error).removeprefix("faults[0].on: ")
        return await testing_page(seat, 400, {"on": message} if "faults" in str(error) else
            errors_of(error, _FAULT))  # fmt: skip
    return seat.redirect(seat.at("testing") + "#faults")


async def disarm(seat: Seat) -> Response:
    """Disarm a script of this organisation."""
    id = quote(seat.form.get("id", ""), safe="")
    found = await seat.desk.operations.call("GET", f"/faults/{id}")
    if found["organisation"] != seat.name:
        raise NotFound("There is no such script of faults.")
    await seat.desk.operations.call("DELETE", f"/faults/{id}")
    return seat.redirect(seat.at("testing") + "#faults")


async def change_clock(seat: Seat) -> Response:
    """Stop the organisation's time, move it on, or let it go."""
    action = seat.form.get("action", "")
    inputs = {"freeze": _FREEZE, "advance": _ADVANCE}.get(action, ())
    if errors := errors_in(inputs, seat.form):
        return await testing_page(seat, 400, errors)
    try:
        if action == "release":
            await seat.operate("DELETE", "/clock")
        elif inputs:
            await seat.operate("POST", f"/clock/{action}", body_of(inputs, seat.form))
    except RequestError as error:
        return await testing_page(seat, 400, errors_of(error, inputs))
    return seat.redirect(seat.at("testing") + "#clock")


async def seed(seat: Seat) -> Response:
    """Play a file of API calls, all of it or nothing."""
    content = seat.files.get("file") or seat.form.text("lines").encode()
    if not content:
        return await testing_page(seat, 400, {"lines": "Choose a file, or write lines."})
    try:
        made = await seat.operate("POST", "/seed", content)
    except RequestError as error:
        return await testing_page(seat, 400, {"lines": str(error)})
    return await testing_page(seat, seeded=made)


async def reset(seat: Seat) -> Response:
    """Remove all data of the organisation but its keys."""
    if seat.form.text("name") != seat.name:
        errors = {"confirm": "Write the name of the organisation to confirm."}
        return await testing_page(seat, 400, errors)
    await seat.operate("POST", "/reset")
    return seat.redirect(seat.at("testing"))


TESTING_PAGES: Pages = {
    "/testing": ("GET", testing_page),
    "/testing/faults": ("POST", arm),
    "/testing/disarm": ("POST", disarm),
    "/testing/clock": ("POST", change_clock),
    "/testing/seed": ("UPLOAD", seed),
    "/testing/reset": ("POST", reset),
}
"""Pages by their paths below an organisation's."""


def _lines(seat: Seat, script: dict[str, Any]) -> list[ScriptLine]:
    """Return a script's faults; those of other organisations are not shown."""
    if script["organisation"] != seat.name:
        return []
    found = []
    for one in script["faults"]:
        fault = one["fault"]
        parts = [f"{k} {v}" for k, v in fault.items() if k not in ("kind", "on", "times")]
        text = " ".join([fault["kind"], *parts, "on", fault.get("on", "any request")])
        left = "no end" if one["left"] is None else str(one["left"])
        found.append(ScriptLine(script["id"], text, one["fired"], left))
    return found
