"""The headers with which pages are answered: what a page may load, who may frame it, who may keep
it."""

from __future__ import annotations

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[^\w.,()+=@ -]+")
_NAME_MAX = 120

NOBODY = "'none'"
_CONNECT = "connect-src 'self'; "
_FRAME = "frame-src 'self'; "


def page_headers(
    frame_ancestors: str | None = None,
    *,
    private: bool = True,
    scripted: bool = False,
    framing: bool = False,
) -> dict[str, str]:
    """Return the headers of a page. It may load the hub's own static files and nothing else, inline
    styles and scripts included, and send forms to the hub only.

    Only the hosts of `frame_ancestors` may frame it. A `private` page is not kept by anybody, and
    no search engine may list it. The scripts of a `scripted` page may ask the hub, and a `framing`
    page may show another page of the hub in a frame.
    """
    more = f"{_CONNECT if scripted else ''}{_FRAME if framing else ''}"
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"{more}base-uri 'none'; form-action 'self'; "
        f"frame-ancestors {frame_ancestors or NOBODY}"
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


def file_name(text: str) -> str:
    """Return text as the name of a file: without what no name can contain, line breaks included."""
    return _UNSAFE.sub("_", text).strip(". ")[:_NAME_MAX] or "document"


def download_headers(name: str) -> dict[str, str]:
    """Return the headers of a file that is saved under this name, whatever characters it has."""
    safe = file_name(name)
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f'attachment; filename="{plain}"'
    if plain != safe:
        disposition += f"; filename*=UTF-8''{quote(safe, safe='')}"
    return {
        "Content-Disposition": disposition,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
