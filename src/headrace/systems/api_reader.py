"""Reads an API for an extraction: JSON over HTTP, with retries, a limit of its own, and no state.

Numbers with decimals are text with all their digits.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import IO, Any, TypeVar

from headrace.model.clock import SYSTEM_CLOCK
from headrace.systems.access import Access, OpenAccess

_TRIES = 6
_TIMEOUT_S = 120.0
_LONGEST_WAIT_S = 120.0
_WORDS = 500
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_Read = TypeVar("_Read")


class ApiReader:
    """Requests to one API."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        rate: int = 0,
        access: Access | None = None,
        advice: str = "",
    ) -> None:
        """`rate` is the number of requests a minute; 0 for as many as the API takes. `advice` is
        what to do when the API refuses access, as the end of its error."""
        self._base = base.rstrip("/")
        self._headers = dict(headers)
        self._pause = 60 / rate if rate else 0.0
        self._access = access or OpenAccess()
        self._advice = advice
        self._next = 0.0
        self._wait = threading.Event().wait

    def get(
        self,
        path: str,
        parameters: Iterable[tuple[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return what a GET answers: None for 404, an empty mapping where nothing was modified.
        Raises RuntimeError for any other error."""
        query = urllib.parse.urlencode([(name, str(value)) for name, value in parameters])
        address = path + (f"?{query}" if query else "")
        return self._answer(address, None, dict(headers or {}), _json)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Return what a POST of JSON answers. Raises RuntimeError."""
        more = {"Content-Type": "application/json", **(headers or {})}
        return self._answer(path, json.dumps(body).encode(), more, _json)

    def post_form(self, path: str, fields: Mapping[str, str]) -> Any:
        """Return what a POST of a form answers. Raises RuntimeError."""
        more = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._answer(path, urllib.parse.urlencode(fields).encode(), more, _json)

    def post_text(self, path: str, body: str, kind: str) -> str:
        """Return the text that a POST of a text answers, nothing for 404; `kind` is the media type.
        Raises RuntimeError."""
        headers = {"Content-Type": f"{kind}; charset=utf-8"}
        return self._answer(path, body.encode(), headers, _text) or ""

    def lines(self, path: str) -> Iterator[Any]:
        """Yield the values of an answer with one JSON value a line. Raises RuntimeError."""
        answer = self._answer(path, None, {}, _open)
        if answer is None:
            raise RuntimeError(f"{_plain(self._base + path)} does not exist")
        try:
            with answer:
                for line in answer:
                    if line.strip():
                        yield json.loads(line, parse_float=str)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RuntimeError(f"{_plain(self._base + path)} ends early: {error}") from None

    def _answer(
        self, path: str, body: bytes | None, more: dict[str, str], take: Callable[[Any], _Read]
    ) -> _Read | None:
        address = self._base + path
        method = "GET" if body is None else "POST"
        renewed = False
        for attempt in range(1, _TRIES + 1):
            self._pace()
            headers = self._headers | more | dict(self._access.headers(method, address))
            request = urllib.request.Request(address, body, headers)
            try:
                return take(urllib.request.urlopen(request, timeout=_TIMEOUT_S))
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return None
                if error.code == HTTPStatus.NOT_MODIFIED:
                    return take(io.BytesIO(b"{}"))
                if error.code == HTTPStatus.UNAUTHORIZED and not renewed:
                    renewed = True
                    if self._access.renew():
                        continue
                passes = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
                if not passes or attempt == _TRIES:
                    raise RuntimeError(self._said(address, error, headers)) from None
                after = error.headers.get("Retry-After", "")
                self._wait(min(float(after) if after.isdecimal() else 2**attempt, _LONGEST_WAIT_S))
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                # A name that nobody knows is a mistake in the settings, not a server that rests.
                unknown = isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME
                if unknown or attempt == _TRIES:
                    raise RuntimeError(f"{_plain(address)}: {reason}") from None
                self._wait(2.0**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _pace(self) -> None:
        now = SYSTEM_CLOCK.monotonic()
        if now < self._next:
            self._wait(self._next - now)
        self._next = max(now, self._next) + self._pause

    def _said(self, address: str, error: urllib.error.HTTPError, headers: Mapping[str, str]) -> str:
        words = " ".join(error.read(4096).decode(errors="replace").split())[:_WORDS]
        # An API may repeat what it was sent; a token that was renewed is none of the options.
        secret = headers.get("Authorization", "").rpartition(" ")[2]
        words = words.replace(secret, "***") if secret else words
        said = f"{_plain(address)} answers {error.code} {error.reason}"
        said += f": {words}" if words else ""
        advice = self._advice if error.code in _REFUSED else ""
        return f"{said.rstrip('. ')}. {advice}" if advice else said


def _json(answer: IO[bytes]) -> Any:
    with answer:
        content = answer.read()
    try:
        return json.loads(content, parse_float=str)
    except ValueError:
        address = _plain(getattr(answer, "url", ""))
        raise RuntimeError(f"{address} answers something that is not JSON: check url") from None


def _text(answer: IO[bytes]) -> str:
    with answer:
        return answer.read().decode()


def _open(answer: IO[bytes]) -> IO[bytes]:
    return answer


def _plain(address: str) -> str:
    """Return an address without its query, which may hold what is private."""
    return address.partition("?")[0]
