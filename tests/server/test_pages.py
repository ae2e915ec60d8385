"""What all pages of the hub have in common: the front page, static files, headers."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from importlib import resources

import pytest
from hub_api import Api

from headrace.pages.assets import asset_url, brand_url
from headrace.testkit.hub import RunningHub

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
SCRIPTS_MAX = 60_000
"""Bytes of all scripts together."""


def get(running: RunningHub, path: str, accept: str = BROWSER) -> tuple[int, str, dict[str, str]]:
    origin = running.url.removesuffix("/v1")
    request = urllib.request.Request(origin + path, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.read().decode(), {k.lower(): v for k, v in got.headers.items()}
    except urllib.error.HTTPError as error:
        headers = {k.lower(): v for k, v in error.headers.items()}
        return error.code, error.read().decode(), headers


def test_browsers_get_pages_and_programs_json(running: RunningHub, api: Api) -> None:
    status, page, headers = get(running, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>headrace hub</h1>" in page
    status, page, _ = get(running, "/nowhere")
    assert status == 404
    assert "There is no such page" in page
    for path in ("/", "/nowhere"):
        status, body, headers = get(running, path, "application/json")
        assert (status, headers["content-type"]) == (404, "application/json")
        assert f"There is nothing at {path}: the API is below /v1." in body
    api.base = ""
    assert api.refused("GET", "/", status=404)


@pytest.mark.parametrize("path", ["/", "/design", "/docs", "/nowhere"])
def test_a_page_loads_nothing_from_elsewhere_and_nobody_may_frame_it(
    running: RunningHub, path: str
) -> None:
    _, page, headers = get(running, path)
    assert not re.search(r"<style|<script(?! src=\"/assets/)|\son\w+=|\sstyle=", page)
    loaded = re.findall(r'(?:src|href)="(https?:|//)', page)
    assert loaded == []
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert policy.endswith("frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_static_files_are_kept_for_good_under_their_hash(running: RunningHub) -> None:
    _, page, _ = get(running, "/")
    names = re.findall(r'href="(/assets/[^"]+)"', page)
    assert asset_url("style.css") in names
    for name in names:
        status, _, headers = get(running, name)
        assert status == 200
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
    for unknown in ("/assets/style.css", "/assets/", "/assets/..%2fassets.py", "/assets/x.css"):
        assert get(running, unknown)[0] == 404


def test_the_colour_of_a_brand_is_a_style_sheet(running: RunningHub) -> None:
    status, text, headers = get(running, brand_url("#1D4ED8"))
    assert (status, text) == (200, ":root { --brand: #1d4ed8; }\n")
    assert headers["content-type"] == "text/css; charset=utf-8"
    for bad in ("red", "1d4ed8;}body{display:none", "12345"):
        assert get(running, f"/assets/brand-{bad}.css")[0] == 404


def test_all_scripts_together_are_small(running: RunningHub) -> None:
    sizes = [len(text) for text in _scripts()]
    assert sum(sizes) <= SCRIPTS_MAX


def _scripts() -> list[str]:
    folder = resources.files("headrace.pages").joinpath("static")
    return [one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".js")]
