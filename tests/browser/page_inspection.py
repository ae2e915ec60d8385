"""What every page must be, looked at in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
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
_AXE = Axe()


@contextmanager
def opened(browser: Any, url: str = "", **options: Any) -> Iterator[Any]:
    """Open a page in a context of its own, and check at the end that the browser complained of
    nothing: no script failed, and the policy refused nothing."""
    complaints: list[str] = []
    context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
    try:
        page = context.new_page()
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
        context.close()


def assert_accessible(page: Any, part: str | None = None) -> None:
    """No violation of any impact, in light and in dark; of the whole page or of one part."""
    # Dark has the same page in other colours.
    for scheme, options in (("light", None), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        found = _AXE.run(page, part, options).response["violations"]
        said = [
            (one["id"], one["impact"], [n["html"][:160] for n in one["nodes"]]) for one in found
        ]
        assert said == [], scheme
    page.emulate_media(color_scheme="light")


def assert_fits(page: Any, name: str) -> None:
    """At every width nothing is cut off, and nothing has to be scrolled sideways; keeps a picture
    of each."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        assert page.evaluate(_SIDEWAYS) <= 0, f"{name} at {width} px scrolls sideways"
        assert page.evaluate(_CUT_OFF) == [], f"{name} at {width} px"
        assert not page.evaluate(_SCROLLED), f"a table of {name} at {width} px scrolls sideways"
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": _NEARLY_TOO_NARROW, "height": _HEIGHT})
    assert not page.evaluate(_SCROLLED), f"a table of {name} scrolls sideways"
    page.set_viewport_size({"width": WIDTHS[0], "height": _HEIGHT})


def keep_dark(page: Any, name: str) -> None:
    """Keep a picture of the page in dark."""
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=SCREENSHOTS / f"{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
