"""A server under test held against a recording of `headrace proxy`."""

from __future__ import annotations

from headrace.client.transport import HttpTransport
from headrace.model.errors import ConfigurationError
from headrace.oracle.contract import Contract
from headrace.oracle.difference import Difference
from headrace.oracle.holding import held
from headrace.oracle.player import Played
from headrace.oracle.recording import Traffic
from headrace.testkit.conformance.server import Server, ServerUnderTest


class ServerPlayer:
    """Plays requests on the server under test, at its pace."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def play(self, method: str, target: str, body: bytes, content_type: str) -> Played:
        """Send a request. Raises Unreachable."""
        headers = {"Content-Type": content_type} if content_type else {}
        answer = await self._server.send(method, target, body or None, headers)
        return Played(answer.status, answer.headers, answer.body)


async def description_of(target: ServerUnderTest) -> Contract:
    """Fetch a hub's description. Raises ConfigurationError for a server that has none."""
    origin = target.url.rpartition("/")[0]
    async with HttpTransport(origin, target.key, target.secret, target.timeout, 1) as transport:
        answer = await transport.send("GET", "/openapi.json")
    if answer.status != 200:
        raise ConfigurationError(
            f"{origin}/openapi.json answers {answer.status}: a recording of the proxy can be held "
            "against a hub only. Record the cases instead: headrace conformance --record."
        )
    return Contract(answer.body)


async def against_traffic(server: Server, recording: Traffic, run: str) -> list[Difference]:
    """Return where a hub would answer otherwise; `run` begins the names of what is made for it
    and deleted again."""
    contract = await description_of(server.target)
    player = ServerPlayer(server)
    return [one async for one in held(contract, player, recording, f"{run}-")]
