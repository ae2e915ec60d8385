"""A web server that is not the API, or is one on a bad day."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from headrace.server.process.run import HubServer, address_of, listen

Respond = Callable[[str, str], tuple[int, str, bytes | None]]
"""(method, path) to (status, content type, body), None for the body that came; it may wait by
`Slow`."""


class Slow(Exception):
    """Raised by a `Respond`: no answer for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@contextlib.contextmanager
def odd_server(respond: Respond, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Serves on a free loopback port; gives the address."""

    async def app(
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            while (phase := (await receive())["type"].removeprefix("lifespan.")) == "startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": f"lifespan.{phase}.complete"})
            return
        came = b""
        while True:
            message = await receive()
            came += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            status, kind, body = respond(scope["method"], scope["path"])
        except Slow as slow:
            await asyncio.sleep(slow.seconds)
            status, kind, body = 200, "application/json", b"{}"
        body = came if body is None else body
        named = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
        raw = [(name.encode(), value.encode()) for name, value in named.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    sock = listen("127.0.0.1", 0)
    origin = address_of(sock)
    ready = threading.Event()
    server = HubServer(app, ready.set)
    thread = threading.Thread(target=server.run_on, args=(sock,), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield origin
    finally:
        server.should_exit = True
        thread.join()
