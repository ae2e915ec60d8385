"""Whether a form comes from a page of the same site."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request


def is_own_site(request: Request) -> bool:
    """Whether a form comes from a page of the same site, as far as the browser says."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")
    if site != "same-origin" or origin == "null":
        return site == "same-origin"
    try:
        return urlsplit(origin).netloc == request.headers.get("host", "")
    except ValueError:
        return False
