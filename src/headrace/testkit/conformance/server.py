"""The server under test: one connection pool, the vendor's rate limit and advice on retries."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from headrace.client.answer import Answer
from headrace.client.pace import Pace
from headrace.client.transport import HttpTransport
from headrace.client.verdict import message_of, retry_after
from headrace.model.clock import Clock
from headrace.model.errors import Unauthorised, Unreachable

_ATTEMPTS = 5
_PASSING = frozenset({502, 503, 504})


class ServerUnderTest(Struct, frozen=True):
    """The server's address, and the limits for its use."""

    url: str
    """The API's base URL, with its version."""
    key: str
    secret: str
    rate: int = 600
    """Requests in any 60 seconds (docs/api-evidence.md, Rate limit)."""
    in_flight: int = 5
    """Requests at a time; 5 are advised, 10 accepted (docs/api-evidence.md, Rate limit)."""
    timeout: float = 30.0
    """Time limit of a request in seconds."""


class Server:
    """Sends requests at the pace, waits after a 429, and retries errors that may be temporary."""

    def __init__(self, target: ServerUnderTest, transport: HttpTransport, clock: Clock) -> None:
        self.target = target
        self._transport = transport
        self._clock = clock
        self._pace = Pace(target.rate, target.in_flight, clock)

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send a request and return the answer. Raises Unreachable after some attempts."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._clock.sleep(float(2 ** (attempt - 1)))
            await self._pace.acquire()
            try:
                answer = await self._transport.send(method, path, body, headers)
            except Unreachable:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            finally:
                self._pace.release()
            if answer.status == 429:
                self._pace.close_for(retry_after(answer, self._clock))
            elif answer.status not in _PASSING:
                return answer
        return answer

    async def greet(self) -> None:
        """Check, before any case, that this is the API. Raises Unauthorised or Unreachable."""
        path = "/customers?limit=1"
        answer = await self.send("GET", path, None, {})
        if answer.status in (401, 403):
            raise Unauthorised(f"{self.target.url} does not accept the key pair")
        if answer.status != 200 or not answer.is_json:
            raise Unreachable(
                f"{self.target.url} is not the API: GET {path} answers {answer.status}, "
                f"{message_of(answer)}. Does the base URL end with the version, as in /v1?"
            )
