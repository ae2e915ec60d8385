"""Runs the hub: a socket, uvicorn on it, and a graceful shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from msgspec import Struct

from headrace.model.errors import Busy, ConfigurationError
from headrace.server.process.connections import Connections, protocol_of, raise_file_limit
from headrace.store.engine.place import DATABASE as DATABASE
from headrace.store.engine.place import PDFS as PDFS

_LOCK = "hub.lock"
_TICKS = 10
"""Ticks of the server from one look at overdue connections to the next, about a second."""
_SHUTDOWN_S = 30
"""How long requests in flight may take to finish before they are cancelled."""


@contextlib.contextmanager
def folder_lock(data: Path) -> Iterator[None]:
    """Lock a data folder for one hub, creating it if needed. Raises Busy or ConfigurationError."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"The data folder {data} can't be used: {error}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Busy(f"Another hub serves the data folder {data}: stop it first.") from None
    try:
        yield
    finally:
        os.close(handle)


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one. Raises ConfigurationError."""
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise ConfigurationError(f"Can't listen on {host}:{port}: {error.strerror}.") from None
    except OverflowError:
        raise ConfigurationError(f"There is no port {port}: they end with 65535.") from None


class Tls(Struct, frozen=True):
    """The certificate chain and the private key, both in PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise ConfigurationError when the files can't be used together."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, lambda: "")
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"{self.certificate} and {self.key} can't be used for TLS ({reason}): name a "
                "certificate chain and its unencrypted private key, both in PEM."
            ) from None


def address_of(sock: socket.socket, tls: Tls | None = None) -> str:
    """Return `http://HOST:PORT` of a listening socket; https with TLS."""
    host, port = sock.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{host}:{port}"


class HubServer(uvicorn.Server):
    """A uvicorn server that reports when it accepts connections, and exits with code 0 on
    SIGTERM or SIGINT."""

    def __init__(
        self,
        app: Any,
        ready: Callable[[], None],
        alive: int | None = None,
        tls: Tls | None = None,
    ) -> None:
        """`ready` is called when the server accepts connections. The server ends when the file
        descriptor `alive` becomes readable, such as a pipe whose other end is closed."""
        self._connections = Connections(raise_file_limit())
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol_of(self._connections),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_SHUTDOWN_S,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.key if tls else None,
            )
        )
        self._ready = ready
        self._alive = alive

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Like uvicorn's; also reports when the sockets accept."""
        await super().startup(sockets)
        if self._alive is not None:
            asyncio.get_running_loop().add_reader(self._alive, self._end)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Like uvicorn's, ten times a second; also closes connections that are overdue."""
        if counter % _TICKS == 0:
            self._connections.close_overdue(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _end(self) -> None:
        assert self._alive is not None
        asyncio.get_running_loop().remove_reader(self._alive)
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Like uvicorn's, but does not raise the signal again after shutdown."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run_on(self, sock: socket.socket) -> None:
        """Serve on a new event loop until told to end."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.serve([sock]))
