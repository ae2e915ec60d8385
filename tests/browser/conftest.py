"""A browser for the tests of pages, and what every page is held against."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from headrace.testkit.hub import RunningHub, hub

# The shell draws no window around the page, and so takes less than half of the time.
_CHROMIUM = (
    os.environ.get("HEADRACE_TEST_BROWSER")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
)
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_WHY = (
    "no browser: install Debian's (apt install chromium-headless-shell, or chromium), or name one "
    "by HEADRACE_TEST_BROWSER; these pages are not tested"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a module; without one they are skipped, in CI they fail.

    Not for longer: while it runs, other tests of this process could run no event loop.
    """
    if _CHROMIUM is None or not Path(_CHROMIUM).exists():
        if os.environ.get("CI"):
            pytest.fail(_WHY)
        pytest.skip(_WHY)
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=_CHROMIUM, args=list(_OPTIONS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def running() -> Iterator[RunningHub]:
    with hub() as started:
        yield started
