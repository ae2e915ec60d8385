"""A service that takes alerts: a real HTTP server, addressed by apprise as json://."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Receiver:
    """Keeps the messages that it accepted; `refusing` answers that many requests with 500."""

    def __init__(self, port: int) -> None:
        self.address = f"json://127.0.0.1:{port}/alerts"
        self.messages: list[dict[str, Any]] = []
        self.refusing = 0
        self.refused = 0

    def take(self) -> list[dict[str, Any]]:
        """The messages since the last call."""
        messages, self.messages = self.messages, []
        return messages

    def titles(self) -> list[str]:
        """Their titles, without `headrace: `."""
        return [one["title"].removeprefix("headrace: ") for one in self.take()]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Starts one, and stops it at the end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if running.refusing:
                running.refusing -= 1
                running.refused += 1
                self.send_response(500)
            else:
                running.messages.append(json.loads(body))
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
