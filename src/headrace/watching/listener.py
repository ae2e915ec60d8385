"""Serves metrics, health and pages on a thread, so that they answer while the loop hangs.

The address is on loopback unless another is given. The status page names organisations and their
errors, so it is only served to this machine; metrics and health have the organisations' names and
figures. `pages/` says who gets the sync pages.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from headrace.alerts.watchman import Watchman
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.pages.assets import asset_route
from headrace.pages.policy import page_headers
from headrace.watching.figures import Figures
from headrace.watching.health import health, readiness
from headrace.watching.metrics import exposition
from headrace.watching.page import StatusPage
from headrace.watching.pages.site import site_routes
from headrace.watching.pages.visit import Site, host_of, is_loopback

_END_S = 5


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of `9464`, `127.0.0.1:9464` or `[::1]:9464`; without a host, this
    machine only. Raises ConfigurationError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise ConfigurationError(f"{text!r} is no address: write a port, or HOST:PORT.")
    return host, int(port)


class Listener:
    """The server, from `start` to `stop`."""

    def __init__(
        self,
        address: str,
        watchman: Watchman,
        figures: Figures,
        clock: Clock,
        site: Site | None = None,
    ) -> None:
        """Bind the address. Raises ConfigurationError when it is taken or wrong."""
        host, port = parse_listen(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With the protocol named, asyncio sends answers at once (TCP_NODELAY), not after 40 ms.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise ConfigurationError(f"{address} can't be used: {error.strerror}.") from None
        app = application(watchman, figures, clock, site)
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_END_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name="listener",
            daemon=True,
        )

    @property
    def url(self) -> str:
        """`http://HOST:PORT` of the socket."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Serve from now on."""
        self._socket.listen()
        self._thread.start()

    def stop(self) -> None:
        """End the server; waits a few seconds for answers."""
        self._server.should_exit = True
        self._thread.join(_END_S)
        self._socket.close()


def application(
    watchman: Watchman, figures: Figures, clock: Clock, site: Site | None = None
) -> Starlette:
    """Return the ASGI application; with `site`, the sync pages instead of the status page."""
    page = StatusPage()

    def status(request: Request) -> Response:
        text = page.render(watchman.view(), clock.now().timestamp())
        return Response(text, media_type="text/html")

    def metrics(request: Request) -> Response:
        try:
            body, kind = exposition(watchman, figures, clock)
        except ConfigurationError as error:
            return PlainTextResponse(f"{error}\n", 501)
        return Response(body, headers={"Content-Type": kind})

    def healthz(request: Request) -> Response:
        code, body = health(watchman)
        return JSONResponse(body, code)

    def readyz(request: Request) -> Response:
        code, body = readiness(watchman)
        return JSONResponse(body, code)

    routes: dict[str, Callable[[Request], Response]] = {
        "/metrics": metrics,
        "/healthz": healthz,
        "/readyz": readyz,
    }
    if site is None:
        routes["/"] = _local(status)
    pages = [Route(path, _safe(make)) for path, make in routes.items()]
    return Starlette(
        routes=[*pages, *(site_routes(site) if site else ()), asset_route()],
        exception_handlers={404: _lost, 405: _lost},
    )


def _lost(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    text = "There is nothing here.\n" if status == 404 else "This is no form's address.\n"
    return PlainTextResponse(text, status, headers=page_headers())


def _local(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer only requests from this machine that name it: a page of another site in the user's
    browser must not read this one by a name that it lets point here."""

    def answer(request: Request) -> Response:
        peer = request.client.host if request.client is not None else ""
        if is_loopback(peer) and is_loopback(host_of(request)):
            return make(request)
        return PlainTextResponse("The status page is only served to this machine.\n", 403)

    return answer


def _safe(make: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        response = make(request)
        response.headers.update(page_headers())
        return response

    return answer
