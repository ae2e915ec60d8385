"""Sends a request on to the real server, and gives back what it answered, byte by byte."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from headrace.client.proxies import any_named
from headrace.client.transport import once_only, reason_of, trusting
from headrace.model.errors import RequestError
from headrace.model.lazy import lazily

if TYPE_CHECKING:
    import aiohttp
    import yarl
else:
    aiohttp = lazily("aiohttp")
    yarl = lazily("yarl")

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

ANSWER_MOST = 256_000_000
"""Maximum size of an answer in bytes, as sent."""
_CHUNK = 262_144
_HOPS = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te",
     b"trailer", b"transfer-encoding", b"upgrade", b"proxy-connection"}
)  # fmt: skip
"""Headers of one connection, which are never passed on (RFC 9110, 7.6.1)."""
_OURS = frozenset({b"host", b"content-length", b"expect"})


class BadGateway(RequestError):
    """The server gave no answer that could be passed on."""

    status = 502
    reason = "Bad Gateway"


class GatewayTimeout(RequestError):
    """The server did not answer in time."""

    status = 504
    reason = "Gateway Timeout"


class Answer(Struct, frozen=True):
    """The server's answer as it arrived, without the headers of the connection."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Upstream:
    """A pool of connections to the server. TLS is verified, redirects are passed on."""

    def __init__(self, base: str, timeout: float, ca: Path | None = None) -> None:
        """`base` has the version; `timeout` covers the whole answer, in seconds; `ca` is a file of
        certificates that are trusted instead of the system's. Raises ConfigurationError."""
        self._base = base
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout),
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=75,
                ssl=True if ca is None else trusting(ca, "--ca-file"),
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=any_named(),
            middlewares=(once_only,),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )

    async def send(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """Send a request; `target` is below the base. Raises BadGateway or GatewayTimeout."""
        passed = [
            (name.decode("latin-1"), _text_of(value))
            for name, value in headers
            if name.lower() not in _HOPS | _OURS
        ]
        url = yarl.URL(self._base + target, encoded=True)
        # An empty body is sent as such: a POST without one has a length of 0 either way.
        data = body or None
        try:
            async with self._session.request(
                method, url, headers=passed, data=data, allow_redirects=False
            ) as response:
                content = await _read(response)
                raw = [
                    (name, value)
                    for name, value in response.raw_headers
                    if name.lower() not in _HOPS
                ]
                return Answer(response.status, raw, content)
        except TimeoutError:
            raise GatewayTimeout(
                f"The server behind the proxy did not answer in {self._timeout:g} seconds. Whether "
                "it carried the request out is not known."
            ) from None
        except aiohttp.ClientConnectorCertificateError as error:
            said = getattr(error.certificate_error, "verify_message", "") or "not valid"
            raise BadGateway(
                f"The certificate of the server behind the proxy is not trusted: {said}. Name its "
                "authority with --ca-file."
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise BadGateway(
                f"The server behind the proxy can't be reached: {_why(error)}."
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise BadGateway(
                f"The connection to the server behind the proxy broke ({type(error).__name__})."
            ) from None

    async def __aenter__(self) -> Upstream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > ANSWER_MOST:
            response.close()
            raise BadGateway(f"The server behind the proxy answered over {ANSWER_MOST:,} bytes.")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _text_of(value: bytes) -> str:
    """A header's value so that aiohttp, which writes UTF-8, sends the same bytes; bytes that are no
    UTF-8 are read as ISO 8859-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _why(error: aiohttp.ClientConnectorError) -> str:
    reason = reason_of(error.os_error)
    return f"no TLS connection: {reason}" if isinstance(error.os_error, ssl.SSLError) else reason
