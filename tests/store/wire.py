"""A TCP proxy in front of PostgreSQL that fails as networks and servers do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class Wire:
    """A proxy that passes bytes on until a test interrupts it; `url` connects through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._down = False
        self._cut: tuple[bytes, bool] | None = None
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, but accept new ones."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def down(self) -> None:
        """Break every connection and accept none until `up`."""
        self._down = True
        self.cut()

    def up(self) -> None:
        self._down = False

    def cut_at(self, text: bytes, *, deliver: bool) -> None:
        """Break the connection that sends `text`, once: after passing it on, or before."""
        self._cut = (text, deliver)

    def close(self) -> None:
        self._listener.close()
        self.down()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._down:
                client.close()
                continue
            self.connections += 1
            server = socket.create_connection(self._server)
            with self._lock:
                self._open |= {client, server}
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self._cut is not None and self._cut[0] in data:
                    (_, deliver), self._cut = self._cut, None
                    with contextlib.suppress(OSError):
                        source.shutdown(socket.SHUT_RDWR)  # its sender learns nothing more
                    if deliver:
                        sink.sendall(data)
                        sink.recv(1 << 16)  # the server has done it
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with self._lock:
            self._open -= {source, sink}


@contextlib.contextmanager
def wire(url: str) -> Iterator[Wire]:
    made = Wire(url)
    try:
        yield made
    finally:
        made.close()
