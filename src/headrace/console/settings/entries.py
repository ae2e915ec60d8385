"""The page of a section: its entries, and the forms that add and remove them."""

from __future__ import annotations

import functools

from starlette.responses import Response

from headrace.console.inputs import body_of, errors_in, errors_of
from headrace.console.session import Pages, Seat
from headrace.console.settings.sections import SECTIONS, Section
from headrace.model.errors import RequestError

SETTINGS = "settings"


async def index(seat: Seat) -> Response:
    """What can be set."""
    return seat.render("settings.html", sections=SECTIONS.values(), trail=(("Settings", ""),))


async def section_page(
    section: Section, seat: Seat, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The entries of a section."""
    entries = await seat.read(section.read)
    return seat.render(
        "section.html",
        status,
        section=section,
        entries=entries,
        given=seat.form,
        errors=errors or {},
        trail=(("Settings", seat.at(SETTINGS)), (section.title, "")),
    )


async def make_entry(section: Section, seat: Seat) -> Response:
    """Add an entry."""
    if errors := errors_in(section.inputs, seat.form):
        return await section_page(section, seat, 400, errors)
    try:
        await section.make(seat, body_of(section.inputs, seat.form))
    except RequestError as error:
        return await section_page(section, seat, 400, errors_of(error, section.inputs))
    return seat.redirect(seat.at(SETTINGS, section.slug))


async def remove_entry(section: Section, seat: Seat) -> Response:
    """Remove an entry that nothing names."""
    try:
        await section.remove(seat, seat.form.get("id", ""))
    except RequestError as error:
        return await section_page(section, seat, 400, errors_of(error))
    return seat.redirect(seat.at(SETTINGS, section.slug))


def entry_pages() -> Pages:
    """Return the pages by their paths below an organisation's."""
    found: Pages = {"/settings": ("GET", index)}
    for slug, section in SECTIONS.items():
        base = f"/settings/{slug}"
        found[base] = ("GET", functools.partial(section_page, section))
        found[f"{base}/new"] = ("POST", functools.partial(make_entry, section))
        found[f"{base}/remove"] = ("POST", functools.partial(remove_entry, section))
    return found
