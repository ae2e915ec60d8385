"""How an extraction shows an API who it is, where a header that never changes is not enough."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Protocol


class Access(Protocol):
    """The headers of each request, and what to do when the API refuses them."""

    def headers(self, method: str, address: str) -> Mapping[str, str]:
        """Return the headers of a request. Raises RuntimeError where there is no access."""

    def renew(self) -> bool:
        """Get a new token after a 401; whether the request may be sent once more."""


class OpenAccess:
    """No headers besides those of the reader."""

    def headers(self, method: str, address: str) -> Mapping[str, str]:
        """Return no headers."""
        return {}

    def renew(self) -> bool:
        """Return False: there is nothing to renew."""
        return False


def basic(user: str, password: str = "") -> dict[str, str]:
    """Return the header of HTTP's basic authentication."""
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}
