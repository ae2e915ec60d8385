"""Proxy settings from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), the same for all
requests."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_NAMES = ("http_proxy", "https_proxy")


def any_named() -> bool:
    """Whether the environment names any proxy. Checked first, because looking up an address's
    proxy costs as much per request as encoding its body."""
    return any(name.lower() in _NAMES for name in os.environ)


def goes_by_proxy(url: str) -> bool:
    """Whether requests to this address go through a proxy."""
    parts = urlsplit(url)
    if not any_named() or not parts.hostname or proxy_bypass(parts.hostname):
        return False
    return parts.scheme in getproxies()
