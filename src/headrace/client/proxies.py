"""Proxies of the environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, one rule for all requests."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_NAMES = ("http_proxy", "https_proxy")


def any_named() -> bool:
    """Whether the environment names a proxy at all: looking for the one of an address costs each
    request as much as encoding its body."""
    return any(name.lower() in _NAMES for name in os.environ)


def goes_by_proxy(url: str) -> bool:
    """Whether a request to this address goes to a proxy instead."""
    parts = urlsplit(url)
    if not any_named() or not parts.hostname or proxy_bypass(parts.hostname):
        return False
    return parts.scheme in getproxies()
