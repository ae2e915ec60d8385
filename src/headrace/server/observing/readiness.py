"""`GET /readyz`: whether the hub can serve requests at this moment."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.store.admin.keys import keys_version
from headrace.store.engine.interface import Store


def readiness_route(store: Store) -> Route:
    """Return the route: 200 when the database answers, 503 with the reason when it does not."""

    async def ready(request: Request) -> Response:
        try:
            await store.read(keys_version)
        except Exception as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, 503)
        return JSONResponse({"status": "ready"})

    return Route("/readyz", ready)
