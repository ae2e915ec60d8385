"""Static files of the pages. Each address contains the hash of its content, so that browsers may
keep the file for good and still see every change at once."""

from __future__ import annotations

import functools
import hashlib
import re
from importlib import resources

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BASE = "/assets"
_KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_HASH_LENGTH = 12
_BRAND = re.compile(r"brand-([0-9a-f]{6})\.css")
COLOUR = r"^#[0-9a-fA-F]{6}$"
"""Pattern of a colour that a brand may have."""


class Asset(Struct, frozen=True):
    """A static file; `name` contains the hash of its content."""

    name: str
    content: bytes
    media_type: str


def asset_url(name: str) -> str:
    """Return the address of a file of `pages/static`, such as `style.css`. Raises KeyError."""
    return f"{_BASE}/{_assets()[name].name}"


def asset_text(name: str) -> str:
    """Return the content of a file, for pages that are files themselves. Raises KeyError."""
    return _assets()[name].content.decode()


def brand_url(colour: str) -> str:
    """Return the address of a style sheet that sets the colour of a brand, such as `#1d4ed8`.

    The address says the colour, so there is nothing to store, and a page needs no inline style.
    """
    return f"{_BASE}/brand-{colour.removeprefix('#').lower()}.css"


def asset_route() -> Route:
    """Return the route of all static files; they need no key."""
    return Route(f"{_BASE}/{{name}}", _serve, methods=["GET"])


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    headers = {"Cache-Control": _FOR_GOOD, "X-Content-Type-Options": "nosniff"}
    if brand := _BRAND.fullmatch(name):
        text = f":root {{ --brand: #{brand[1]}; }}\n"
        return Response(text, headers=headers, media_type=_KINDS["css"])
    asset = _by_name().get(name)
    if asset is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    return Response(asset.content, headers=headers, media_type=asset.media_type)


@functools.cache
def _assets() -> dict[str, Asset]:
    found = {}
    for entry in resources.files(__name__.rpartition(".")[0]).joinpath("static").iterdir():
        stem, _, kind = entry.name.rpartition(".")
        if kind in _KINDS:
            content = entry.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
            found[entry.name] = Asset(f"{stem}.{digest}.{kind}", content, _KINDS[kind])
    return found


@functools.cache
def _by_name() -> dict[str, Asset]:
    return {asset.name: asset for asset in _assets().values()}
