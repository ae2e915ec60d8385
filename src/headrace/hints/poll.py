"""APIs: the first page of each resource is asked for now and then.

An API that answers with an ETag or Last-Modified is asked whether the page is still the same, which
costs it next to nothing; else the page's contents are compared. The first page shows new records
where the API lists the newest first, and every change where a resource has one page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.hints.way import Hint, HintsLost, Subject
from headrace.model.clock import Clock
from headrace.model.lazy import lazily
from headrace.sources.address import masked, secrets_in

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")

_EVERY_S = 30.0
_TIMEOUT_S = 20
_MAX_BYTES = 10_000_000
_MARKS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_AUTHS = ("", "bearer", "api_key", "http_basic")


class PollWay:
    """The first page of each resource of a declared API, every 30 seconds."""

    name = "poll"
    delay = "within 30 s, of records on the first page"

    def __init__(self, subject: Subject, clock: Clock) -> None:
        options = subject.source.options
        self._clock = clock
        self._client: dict[str, Any] = options.get("client") or {}
        self._secrets = secrets_in(options)
        self._pages = [page for one in options.get("resources") or [] if (page := _page(one))]

    async def objection(self) -> str:
        auth = self._auth
        if str(auth.get("type", "")) not in _AUTHS:
            return f"pages can't be asked for with auth of the type {auth.get('type')}"
        return "" if self._pages else "no resource has a path of its own"

    async def watch(self, hint: Hint) -> None:
        seen: dict[str, str] = {}
        marks: dict[str, dict[str, str]] = {}
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=self._headers()) as session:
            while True:
                before = dict(seen)
                for path, parameters in self._pages:
                    try:
                        await self._look(session, path, parameters, seen, marks)
                    except (aiohttp.ClientError, TimeoutError) as error:
                        words = masked(str(error) or type(error).__name__, self._secrets)
                        raise HintsLost(f"{path}: {words}") from None
                if seen != before:
                    hint()
                await self._clock.sleep(_EVERY_S)

    @property
    def _auth(self) -> Mapping[str, Any]:
        auth = self._client.get("auth") or {}
        return {"type": auth} if isinstance(auth, str) else auth

    def _headers(self) -> dict[str, str]:
        headers = {str(k): str(v) for k, v in (self._client.get("headers") or {}).items()}
        auth = self._auth
        kind = auth.get("type")
        if kind == "bearer":
            headers["Authorization"] = f"Bearer {auth.get('token', '')}"
        elif kind == "api_key" and auth.get("location", "header") == "header":
            headers[str(auth.get("name", "Authorization"))] = str(auth.get("api_key", ""))
        elif kind == "http_basic":
            basic = aiohttp.BasicAuth(str(auth.get("username")), str(auth.get("password")))
            headers["Authorization"] = basic.encode()
        return headers

    async def _look(
        self,
        session: aiohttp.ClientSession,
        path: str,
        parameters: Mapping[str, str],
        seen: dict[str, str],
        marks: dict[str, dict[str, str]],
    ) -> None:
        """Ask for a page, and note in `seen` what identifies its contents."""
        url = f"{str(self._client.get('base_url', '')).rstrip('/')}/{path.lstrip('/')}"
        given = dict(parameters)
        if self._auth.get("type") == "api_key" and self._auth.get("location") == "query":
            given[str(self._auth.get("name"))] = str(self._auth.get("api_key", ""))
        async with session.get(url, params=given, headers=marks.get(path, {})) as answer:
            if answer.status == 304:
                return
            if answer.status >= 400:
                raise HintsLost(f"{path}: the API answered {answer.status}")
            content = await answer.content.read(_MAX_BYTES)
            seen[path] = hashlib.blake2b(content, digest_size=16).hexdigest()
            marks[path] = {
                _MARKS[name]: answer.headers[name] for name in _MARKS if name in answer.headers
            }


def _page(resource: Any) -> tuple[str, dict[str, str]] | None:
    """Return path and parameters of a resource's first page; None for one that needs others."""
    if isinstance(resource, str):
        return resource, {}
    endpoint = resource.get("endpoint") or {}
    if isinstance(endpoint, str):
        endpoint = {"path": endpoint}
    path = str(endpoint.get("path") or resource.get("name", ""))
    given = endpoint.get("params") or {}
    plain = {str(k): str(v) for k, v in given.items() if not isinstance(v, dict)}
    return None if "{" in path or not path else (path, plain)
