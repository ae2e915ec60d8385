"""What every page must be, looked at in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, expect

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
_FIRST_SIZE = {"width": 1280, "height": 720}
"""Of a page, where its options name no other."""
_PATIENCE_MS = 30_000
"""Nothing waits so long; a busy machine may take some seconds for a page."""
_FREE: dict[str, list[Any]] = {}
"""Pages that no test uses, by browser and options."""
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
    with _lent(browser, {"locale": "en-GB", "reduced_motion": "reduce", **options}) as page:
        if storage_state is not None:
            page.context.add_cookies(storage_state["cookies"])
        with _listening(page, complaints):
            if url:
                page.goto(url)
            yield page
            refused = [one for one in complaints if "status of 4" not in one]
            assert refused == []


@contextmanager
def _lent(browser: Any, options: dict[str, Any]) -> Iterator[Any]:
    """Lend a page of a context of its own, without cookies.

    A new context costs as much as to open three pages, and a new page has a process of its own,
    which compiles every script anew: that of axe takes longer than to examine a page.
    """
    options = dict(sorted(options.items()))
    free = _FREE.setdefault(f"{id(browser)} {options}", [])
    if free and free[-1].context.browser is browser:
        page = free.pop()
    else:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(_PATIENCE_MS)
    yield page
    # One with which a test failed is not used again, nor one that is just going elsewhere.
    try:
        page.evaluate("location.protocol === 'about:' || sessionStorage.clear()")
        page.goto("about:blank")
    except Error:
        page.context.close()
        return
    page.set_viewport_size(options.get("viewport") or _FIRST_SIZE)
    page.emulate_media(color_scheme="light", media="null")
    page.context.clear_cookies()
    free.append(page)


@contextmanager
def _listening(page: Any, complaints: list[str]) -> Iterator[None]:
    """Note what the browser complains of."""

    def hear(said: Any) -> None:
        if said.type == "error":
            complaints.append(said.text)

    def fail(error: Any) -> None:
        complaints.append(str(error))

    page.on("pageerror", fail)
    page.on("console", hear)
    yield
    page.remove_listener("pageerror", fail)
    page.remove_listener("console", hear)


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
