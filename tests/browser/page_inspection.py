"""What every page must be, looked at in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
_KEEPS = "HEADRACE_TEST_PICTURES" in os.environ
"""Whether to keep pictures: they take a fifth of the time, and only people look at them."""
WIDTHS = (1280, 768, 390, 320)
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_CUT_OFF = """[...document.querySelectorAll('main *')].filter(one =>
    one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'hidden'
    && !one.closest('.hidden, thead')).map(one => one.outerHTML.slice(0, 80))"""
_SCROLLED = (
    "[...document.querySelectorAll('.scroll')].some(one => one.scrollWidth > one.clientWidth)"
)
_NEARLY_TOO_NARROW = 1030
"""Pixels of a window in which tables just fit."""
_HEIGHT = 900
_PATIENCE_MS = 30_000
"""Nothing waits so long; a busy machine may take some seconds for a page."""
_FREE: dict[str, list[Any]] = {}
"""Contexts that no page uses, by browser and options."""
_AXE = Axe()
expect.set_options(timeout=_PATIENCE_MS)
_VIOLATIONS = """([part, options]) =>
    axe.run(part ?? document, options).then(found => found.violations)"""


@contextmanager
def opened(
    browser: Any, url: str = "", storage_state: dict[str, Any] | None = None, **options: Any
) -> Iterator[Any]:
    """Open a page with only these cookies, and check at the end that the browser complained of
    nothing: no script failed, and the policy refused nothing."""
    complaints: list[str] = []
    with _context(browser, {"locale": "en-GB", "reduced_motion": "reduce", **options}) as context:
        if storage_state is not None:
            context.add_cookies(storage_state["cookies"])
        page = context.new_page()
        try:
            page.set_default_timeout(_PATIENCE_MS)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda said: complaints.append(said.text) if said.type == "error" else None,
            )
            if url:
                page.goto(url)
            yield page
            refused = [one for one in complaints if "status of 4" not in one]
            assert refused == []
        finally:
            page.close()


@contextmanager
def _context(browser: Any, options: dict[str, Any]) -> Iterator[Any]:
    """Lend a context, without cookies: a new one costs as much as to open three pages."""
    options = dict(sorted(options.items()))
    free = _FREE.setdefault(f"{id(browser)} {options}", [])
    context = free.pop() if free and free[-1].browser is browser else browser.new_context(**options)
    try:
        yield context
    finally:
        context.clear_cookies()
        free.append(context)


def assert_accessible(page: Any, part: str | None = None) -> None:
    """No violation of any impact, in light and in dark; of the whole page or of one part."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.axe_script)
    # Dark has the same page in other colours.
    for scheme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(_VIOLATIONS, [part, options | {"resultTypes": ["violations"]}])
        said = [
            (one["id"], one["impact"], [n["html"][:160] for n in one["nodes"]]) for one in found
        ]
        assert said == [], scheme
    page.emulate_media(color_scheme="light")


def assert_fits(page: Any, name: str) -> None:
    """At every width nothing is cut off, and nothing has to be scrolled sideways."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        assert page.evaluate(_SIDEWAYS) <= 0, f"{name} at {width} px scrolls sideways"
        assert page.evaluate(_CUT_OFF) == [], f"{name} at {width} px"
        assert not page.evaluate(_SCROLLED), f"a table of {name} at {width} px scrolls sideways"
        _keep(page, f"{name}-{width}")
    page.set_viewport_size({"width": _NEARLY_TOO_NARROW, "height": _HEIGHT})
    assert not page.evaluate(_SCROLLED), f"a table of {name} scrolls sideways"
    page.set_viewport_size({"width": WIDTHS[0], "height": _HEIGHT})


def keep_dark(page: Any, name: str) -> None:
    """Keep a picture of the page in dark."""
    if _KEEPS:
        page.emulate_media(color_scheme="dark")
        _keep(page, f"{name}-dark")
        page.emulate_media(color_scheme="light")


def _keep(page: Any, name: str) -> None:
    if _KEEPS:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
