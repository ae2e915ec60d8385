"""The templates of all pages: the layout and its parts, and what a package has of its own."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from headrace.pages.assets import asset_text, asset_url, brand_url


def environment(*packages: str) -> Environment:
    """Return the templates of these packages, on top of those of `headrace.pages`.

    Everything is escaped, and a name that is not defined is an error.
    """
    found = Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in (*packages, "headrace.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(asset=asset_url, asset_text=asset_text, brand_url=brand_url)
    return found


def wants_page(request: Request) -> bool:
    """Whether the client reads HTML, as browsers do; programs get JSON."""
    return "text/html" in request.headers.get("accept", "")
