"""A small client of the control plane, for commands and tests."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from headrace.control.route import BASE
from headrace.model.errors import ConfigurationError, Refused, Unauthorised, Unreachable
from headrace.model.secret_text import is_address

_TIMEOUT_S = 600.0
"""Long, because restoring a large snapshot takes a while."""


class ControlClient:
    """A client for one hub; every call opens its own connection."""

    def __init__(self, origin: str, token: str) -> None:
        """`origin` is `http://HOST:PORT`. Raises ConfigurationError for anything else."""
        if not origin.startswith(("http://", "https://")) or not is_address(origin):
            raise ConfigurationError(f"{origin} is no address of a hub: http://HOST:PORT is.")
        self._parts = urlsplit(origin)
        self._token = token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON, None for an answer without a body; `path` is below /_hub,
        encoded.

        `body` is a JSON value, or bytes that are sent unchanged. Raises Refused, Unauthorised or
        Unreachable.
        """
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(str(self._parts.hostname), self._parts.port, timeout=_TIMEOUT_S)
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, BASE + path, body=data, headers=headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"The hub at {self._parts.netloc} does not answer: {error or type(error).__name__}."
            ) from None
        finally:
            connection.close()
        return _content(response.status, raw)

    @property
    def _is_secure(self) -> bool:
        return self._parts.scheme == "https"


def path_of(*segments: str) -> str:
    """Return a path with its names percent-encoded."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def _content(status: int, raw: bytes) -> Any:
    try:
        content = msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        raise Unreachable(f"The hub answered {status} with something that is no JSON.") from None
    if status < http.HTTPStatus.BAD_REQUEST:
        return content
    message = content.get("message", "") if isinstance(content, dict) else ""
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        raise Unauthorised(message)
    if status == http.HTTPStatus.NOT_FOUND and "API is below /v1" in message:
        raise Unreachable("This hub has no control plane: it was started with --control off.")
    raise Refused(status, message)
