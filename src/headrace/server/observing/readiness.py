"""`GET /readyz`: whether the hub can serve requests at this moment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.store.admin.keys import keys_version
from headrace.store.engine.interface import Store

_LOGGER = logging.getLogger("headrace.server")


def readiness_route(
    store: Store, may_know: Callable[[Mapping[str, str]], bool] = lambda headers: False
) -> Route:
    """Return the route: 200 when the database answers, 503 when it does not.

    The reason may name hosts and files, so only requests whose headers `may_know` accepts get it.
    """

    async def ready(request: Request) -> Response:
        try:
            await store.read(keys_version)
        except Exception as error:
            _LOGGER.error("the hub is not ready: %s", error)
            reason = {"reason": str(error)} if may_know(request.headers) else {}
            return JSONResponse({"status": "unavailable", **reason}, 503)
        return JSONResponse({"status": "ready"})

    return Route("/readyz", ready)
