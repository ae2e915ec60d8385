"""Prometheus metrics: requests by route and status, their duration, and requests in flight.

An ASGI layer around the hub. Like `/healthz`, `GET /metrics` needs no key.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from headrace.model.clock import Clock
from headrace.model.errors import MethodNotAllowed, NotFound
from headrace.server.routes import ROUTE, match

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which several processes combine their metrics."""


def has_metrics() -> bool:
    """Whether the library is installed (`pip install 'headrace[metrics]'`)."""
    return importlib.util.find_spec("prometheus_client") is not None


class Metrics:
    """Measures requests and answers `/metrics`; one instance per process."""

    def __init__(self, app: App, clock: Clock) -> None:
        # Imported here: the library is optional, and reads the workers' folder when it is imported.
        library = importlib.import_module("prometheus_client")
        self._app = app
        self._clock = clock
        self._library = library
        self._registry = library.CollectorRegistry()
        self._seconds = library.Histogram(
            "headrace_hub_request_seconds",
            "Seconds from a request's arrival to the end of its answer.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._in_flight = library.Gauge(
            "headrace_hub_requests_in_flight",
            "Requests under way.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._timers: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/metrics":
            await self._expose(send)
        else:
            await self._measure(scope, receive, send)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 499  # the client disconnected before there was an answer

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = self._clock.monotonic()
        self._in_flight.inc()
        try:
            await self._app(scope, receive, watch)
        finally:
            self._in_flight.dec()
            self._timer(scope, status).observe(self._clock.monotonic() - started)

    def _timer(self, scope: Scope, status: int) -> Any:
        key = (scope["method"], _route(scope), status)
        timer = self._timers.get(key)
        if timer is None:
            timer = self._timers[key] = self._seconds.labels(key[0], key[1], str(key[2]))
        return timer

    async def _expose(self, send: Send) -> None:
        registry = self._registry
        if SHARED in os.environ:
            registry = self._library.CollectorRegistry()
            shared = importlib.import_module("prometheus_client.multiprocess")
            shared.MultiProcessCollector(registry)
        body = self._library.generate_latest(registry)
        kind = self._library.CONTENT_TYPE_LATEST.encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", kind), (b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body})


def _route(scope: Scope) -> str:
    """Return the route's path with `{}` for ids, so that the number of time series is bounded by
    the routes."""
    if (found := scope.get(ROUTE)) is not None:
        return f"/v1{found.path}"
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    if not path.startswith(b"/v1/"):
        return scope["path"] if scope["path"] in ("/healthz", "/readyz") else "page"
    try:
        return f"/v1{match(scope['method'], path[3:])[0].path}"
    except (NotFound, MethodNotAllowed):
        return "unknown"
