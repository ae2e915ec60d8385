"""Reads an API for an extraction: JSON over HTTP, with retries, a limit of its own, and no state.

Numbers with decimals are text with all their digits.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from headrace.model.clock import SYSTEM_CLOCK

_TRIES = 6
_TIMEOUT_S = 120.0
_LONGEST_WAIT_S = 120.0
_WORDS = 300


class ApiReader:
    """Requests to one API."""

    def __init__(self, base: str, headers: Mapping[str, str], rate: int = 0) -> None:
        """`rate` is the number of requests a minute; 0 for as many as the API takes."""
        self._base = base.rstrip("/")
        self._headers = dict(headers)
        self._pause = 60 / rate if rate else 0.0
        self._next = 0.0
        self._wait = threading.Event().wait

    def get(self, path: str, parameters: Iterable[tuple[str, Any]] = ()) -> Any:
        """Return what a GET answers, None for 404. Raises RuntimeError for any other error."""
        query = urllib.parse.urlencode([(name, str(value)) for name, value in parameters])
        return self._answer(path + (f"?{query}" if query else ""), None, {})

    def post(self, path: str, body: Any) -> Any:
        """Return what a POST of JSON answers. Raises RuntimeError."""
        headers = {"Content-Type": "application/json"}
        return self._answer(path, json.dumps(body).encode(), headers)

    def _answer(self, path: str, body: bytes | None, more: dict[str, str]) -> Any:
        address = self._base + path
        for attempt in range(1, _TRIES + 1):
            self._pace()
            request = urllib.request.Request(address, body, self._headers | more)
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                    return json.loads(answer.read(), parse_float=str)
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return None
                passes = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
                if not passes or attempt == _TRIES:
                    raise RuntimeError(_said(address, error)) from None
                after = error.headers.get("Retry-After", "")
                self._wait(min(float(after) if after.isdecimal() else 2**attempt, _LONGEST_WAIT_S))
            except OSError as error:
                if attempt == _TRIES:
                    reason = getattr(error, "reason", error)
                    raise RuntimeError(f"{_plain(address)}: {reason}") from None
                self._wait(2.0**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _pace(self) -> None:
        now = SYSTEM_CLOCK.monotonic()
        if now < self._next:
            self._wait(self._next - now)
        self._next = max(now, self._next) + self._pause


def _plain(address: str) -> str:
    """Return an address without its query, which may hold what is private."""
    return address.partition("?")[0]


def _said(address: str, error: urllib.error.HTTPError) -> str:
    words = " ".join(error.read(4096).decode(errors="replace").split())[:_WORDS]
    return f"{_plain(address)} answers {error.code} {error.reason}: {words}"
