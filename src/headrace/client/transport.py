"""The wire: one request, one answer, over aiohttp. The seam that tests replace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol

from msgspec import Struct

from headrace import __version__
from headrace.model.errors import Unreachable
from headrace.model.lazy import lazily

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")


class Answer(Struct, frozen=True):
    """What came back: status, headers with lower-case names, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body claims to be JSON; an empty one needs no claim."""
        return not self.body or "json" in self.headers.get("content-type", "")


class Transport(Protocol):
    """Sends requests to the API's base URL; Unreachable when no whole answer came."""

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """`path` starts with a slash, below the base, already percent-encoded."""

    async def upload(self, path: str, file: IO[bytes], name: str) -> Answer:
        """A POST of a PDF in the form's field `file`, streamed (guide, Upload the invoice PDF)."""


class HttpTransport:
    """One organisation's connection pool, with its keys on every request."""

    def __init__(self, url: str, key: str, secret: str, timeout: float, connections: int) -> None:
        self._base = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={
                "X-Api-Key": key,
                "X-Api-Secret": secret,
                "Accept": "application/json",
                "User-Agent": f"headrace/{__version__}",
            },
            timeout=aiohttp.ClientTimeout(total=timeout),
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=75),
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """As the protocol says; `headers` come beside the keys, else a body is sent as JSON."""
        if headers is None and body is not None:
            headers = {"Content-Type": "application/json"}
        return await self._send(method, path, body, headers)

    async def upload(self, path: str, file: IO[bytes], name: str) -> Answer:
        form = aiohttp.FormData()
        form.add_field("file", file, filename=name, content_type="application/pdf")
        return await self._send("POST", path, form)

    async def _send(
        self,
        method: str,
        path: str,
        data: bytes | aiohttp.FormData | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            async with self._session.request(
                method, self._base + path, data=data, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
                named = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, named, content)
        except TimeoutError:
            raise Unreachable("no answer in time") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"no connection: {_reason(error.os_error)}") from None
        except aiohttp.InvalidURL:
            raise Unreachable(f"{self._base} is not a URL") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the connection broke ({type(error).__name__})") from None

    async def close(self) -> None:
        """Closes the pool."""
        await self._session.close()

    async def __aenter__(self) -> HttpTransport:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _reason(error: OSError) -> str:
    """The system's own words for it, such as `Connection refused`."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)
