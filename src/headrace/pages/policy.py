"""The headers with which pages are answered: what a page may load, who may frame it, who may keep
it."""

from __future__ import annotations

NOBODY = "'none'"


def page_headers(frame_ancestors: str | None = None, *, private: bool = True) -> dict[str, str]:
    """Return the headers of a page. It may load the hub's own static files and nothing else, inline
    styles and scripts included, and send forms to the hub only.

    Only the hosts of `frame_ancestors` may frame it. A `private` page is not kept by anybody, and
    no search engine may list it.
    """
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"base-uri 'none'; form-action 'self'; frame-ancestors {frame_ancestors or NOBODY}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store" if private else "no-cache",
    }
    if private:
        headers["X-Robots-Tag"] = "noindex, nofollow"
    if not frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    return headers
