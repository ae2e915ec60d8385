"""Notices connections that were cut without a word, as by a sleeping laptop, a router or a VPN.

The system's own limit is two hours where there is one at all, and a round would wait as long.
"""

from __future__ import annotations

import socket

from headrace.sources.address import Address

_IDLE_S, _INTERVAL_S, _PROBES = 30, 10, 3
"""A server that is only busy answers the probes; without an answer to any, the connection is cut
after a minute."""
_UNANSWERED_MS = 60_000
"""How long what was sent may stay without an answer."""
LIBPQ = {
    "keepalives_idle": _IDLE_S,
    "keepalives_interval": _INTERVAL_S,
    "keepalives_count": _PROBES,
    "tcp_user_timeout": _UNANSWERED_MS,
}
"""The same as parameters of PostgreSQL's client."""
_CONNECT_S = 30

_OPTIONS = {
    "TCP_KEEPIDLE": _IDLE_S,
    "TCP_KEEPINTVL": _INTERVAL_S,
    "TCP_KEEPCNT": _PROBES,
    "TCP_USER_TIMEOUT": _UNANSWERED_MS,
}


def with_keepalive(url: str) -> str:
    """Return the address of a PostgreSQL database with these parameters where it has none."""
    address = Address(url)
    added = {"connect_timeout": _CONNECT_S, **LIBPQ}
    missing = [f"{k}={v}" for k, v in added.items() if k not in address.parameters]
    if not missing:
        return url
    joint = "&" if address.parameters else "" if url.endswith("?") else "?"
    return f"{url}{joint}{'&'.join(missing)}"


def keep_alive(connected: socket.socket) -> None:
    """Let the system probe a connection while nothing arrives; not all systems have all options."""
    if connected.family == socket.AF_UNIX:
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
