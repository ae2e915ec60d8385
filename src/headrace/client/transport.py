"""The transport: one request, one answer, over aiohttp. Tests replace it."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol

from headrace import __version__
from headrace.client.answer import Answer
from headrace.client.proxies import any_named
from headrace.model.errors import ConfigurationError, NotTheApi, Unreachable
from headrace.model.lazy import lazily
from headrace.model.steps import step

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")

ENTITY_MOST = 8_000_000
"""Maximum size in bytes, uncompressed, of an answer with one record: a customer with thousands
of contacts."""
PAGE_MOST = 128_000_000
"""Maximum size in bytes, uncompressed, of a page of a list."""
_CHUNK = 65_536


class Transport(Protocol):
    """Sends requests to the API's base URL. Raises Unreachable when no complete answer arrived,
    NotTheApi when the answer is larger than any of the API's."""

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send a request; `path` starts with a slash, relative to the base URL, already
        percent-encoded."""

    async def upload(self, path: str, file: IO[bytes], name: str) -> Answer:
        """POST a PDF in the form field `file`, streamed (docs/api-evidence.md, PDFs)."""


_LOADING = threading.Lock()


def load() -> None:
    """Load aiohttp, which takes a tenth of a second: on a thread it holds up no event loop."""
    with _LOADING:
        _ = aiohttp.ClientSession


class HttpTransport:
    """One organisation's connection pool; sends its keys with every request.

    `timeout` covers the complete answer. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. `ca` is
    a file of certificates that are trusted instead of the system's. `may_send` is called before
    each request, and whatever it raises is raised instead of sending.
    """

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        timeout: float,
        connections: int,
        ca: Path | None = None,
        may_send: Callable[[], None] = lambda: None,
    ) -> None:
        self._may_send = may_send
        self._base = url.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={
                "X-Api-Key": key,
                "X-Api-Secret": secret,
                "Accept": "application/json",
                "User-Agent": f"headrace/{__version__}",
            },
            timeout=aiohttp.ClientTimeout(total=timeout),
            connector=aiohttp.TCPConnector(
                limit=connections, keepalive_timeout=75, ssl=True if ca is None else trusting(ca)
            ),
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=any_named(),
            middlewares=(once_only,),
        )

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """See the protocol. `headers` are added to the keys; without them a body is sent as
        JSON."""
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
        self._may_send()
        most = PAGE_MOST if method == "GET" and "?" in path else ENTITY_MOST
        try:
            request = self._session.request(
                method, self._base + path, data=data, headers=headers, allow_redirects=False
            )
            with step("request"):
                async with request as response:
                    content = await _read(response, most)
                named = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, named, content)
        except TimeoutError:
            raise Unreachable("no answer in time") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise Unreachable(_untrusted(error.certificate_error), left=False) from None
        except aiohttp.ClientConnectorSSLError as error:
            raise Unreachable(
                f"no TLS connection: {reason_of(error.os_error)}", left=False
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"no connection: {reason_of(error.os_error)}", left=False) from None
        except aiohttp.InvalidURL:
            raise Unreachable(f"{self._base} is not a URL", left=False) from None
        except aiohttp.ClientHttpProxyError as error:
            said = f"the proxy answered {error.status}"
            raise Unreachable(said, left=False) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"the connection broke ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the pool."""
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


async def once_only(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Disable aiohttp's hidden retry. When a connection breaks, aiohttp repeats a DELETE or GET
    immediately and has no setting to prevent it; that request would escape the pace and the
    journal. The exceptions that trigger the retry are therefore raised as another type."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(type(error).__name__) from error


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read the whole body, at most `most` bytes after decompression."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > most:
            response.close()
            kind = response.headers.get("content-type", "").partition(";")[0]
            raise NotTheApi(
                f"status {response.status}, {kind or 'no content type'}, over {most:,} bytes"
            )
        parts.append(part)
    return b"".join(parts)


def trusting(ca: Path, setting: str = "target.ca_file") -> ssl.SSLContext:
    """Return a context that trusts the certificates of a file instead of the system's. Raises
    ConfigurationError that names the setting."""
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        said = error.strerror or "no certificate"
        raise ConfigurationError(
            f"{setting}: {ca} can't be used as PEM certificates ({said})."
        ) from None


def _untrusted(error: Exception) -> str:
    said = getattr(error, "verify_message", "") or str(error)
    return (
        f"its certificate is not trusted: {said}; where a company's own authority or a proxy "
        "signed it, name its certificates in target.ca_file"
    )


def reason_of(error: OSError) -> str:
    """Return the system's own message, such as `Connection refused`."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return error.strerror or str(error)
