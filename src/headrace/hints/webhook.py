"""The address at which billing systems say that something changed: `POST /hints/ORGANISATION`.

A request carries no data into the sync: whatever it says, it leads to a look at the source.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Struct

from headrace.hints.signatures import is_genuine
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.model.webhook_settings import WebhookSettings

_MAX_BYTES = 2_000_000


class Hook(Struct, frozen=True):
    """An organisation's webhook with its secret."""

    settings: WebhookSettings
    secret: str


FindHook = Callable[[str], Hook | None]
"""Returns an organisation's webhook, None if it has none. Raises ConfigurationError."""


@asynccontextmanager
async def webhooks(
    place: str, find: FindHook, hint: Callable[[str], None], clock: Clock, shared: bool = False
) -> AsyncIterator[int]:
    """Listen at `place`, a host and port, for the length of a `with`; yields the port. With
    `shared`, other processes may listen there too, and each request reaches one of them.

    Calls `hint` with the organisation of each genuine request. Raises ConfigurationError if the
    address can't be listened at.
    """
    host, _, port = place.rpartition(":")

    async def receive(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.read()
        try:
            hook = find(name)
        except ConfigurationError:
            return web.Response(status=503, text="The secret of this webhook can't be read.\n")
        # The same answer whether there is no webhook or the signature is wrong.
        now = clock.now().timestamp()
        if hook is None or not is_genuine(hook.settings, hook.secret, request.headers, body, now):
            return web.Response(status=401, text="No webhook, or not its signature.\n")
        hint(name)
        return web.Response(status=204)

    application = web.Application(client_max_size=_MAX_BYTES)
    application.router.add_post("/hints/{name}", receive)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port), reuse_port=shared or None)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"webhooks: {place} can't be listened at: {os.strerror(error.errno or 0)}."
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
