"""The pages of the hub itself, in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from page_inspection import assert_accessible, assert_fits, keep_dark, opened

from headrace.testkit.hub import RunningHub

_PAGES = {
    "/": "headrace hub",
    "/design": "Design",
    "/no/such/page": "There is no such page",
}


@pytest.mark.parametrize("path", _PAGES)
def test_each_page_is_accessible_and_fits(running: RunningHub, browser: Any, path: str) -> None:
    with opened(browser, _origin(running) + path) as page:
        assert page.get_by_role("heading", level=1).inner_text() == _PAGES[path]
        assert_accessible(page)
        assert_fits(page, f"hub{path.replace('/', '-')}")
        keep_dark(page, f"hub{path.replace('/', '-')}")


def test_the_api_page_opens_by_keyboard(running: RunningHub, browser: Any) -> None:
    with opened(browser, _origin(running) + "/docs") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert page.locator("details").first.get_attribute("open") is not None


@pytest.mark.soak
def test_the_api_page_is_accessible(running: RunningHub, browser: Any) -> None:
    with opened(browser, _origin(running) + "/docs") as page:
        page.set_default_timeout(60_000)
        assert_accessible(page)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert_accessible(page)


def _origin(running: RunningHub) -> str:
    return running.url.removesuffix("/v1")
