"""The address under which a client reaches the hub, which links in answers begin with."""

from __future__ import annotations

import functools
import re

_HOST = re.compile(rb"[A-Za-z0-9._~%\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


@functools.lru_cache(maxsize=256)
def origin_of(
    scheme: str, host: bytes | None, forwarded: bytes | None, server: tuple[str, int] | None
) -> str:
    """Return scheme and host, such as `https://hub.example.com`, from the request's Host header.

    `forwarded` is a proxy's X-Forwarded-Proto. An invalid or missing Host is replaced by the
    address that the hub listens on.
    """
    if forwarded in (b"http", b"https"):
        scheme = forwarded.decode()
    if host is not None and _HOST.fullmatch(host):
        return f"{scheme}://{host.decode()}"
    name, port = server or ("localhost", 80)
    return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"
