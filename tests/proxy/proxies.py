"""Starts `headrace proxy` as users do, and servers behind it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RunningProxy:
    """A proxy process; `stop` ends it and collects what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.said = [process.stdout.readline(), process.stdout.readline()]
        self.url = self.said[0].strip().removeprefix("listening on ") + "/v1"

    @property
    def pid(self) -> int:
        """The proxy's process."""
        return self._process.pid

    def stop(self) -> tuple[int, str, str]:
        """Ctrl-C; returns the exit code and all that it printed."""
        self._process.send_signal(signal.SIGINT)
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, "".join(self.said) + out, err


@contextlib.contextmanager
def proxy_process(upstream: str, options: Sequence[str] = ()) -> Iterator[RunningProxy]:
    """Run `headrace proxy` on a free port."""
    command = [sys.executable, "-m", "headrace", "proxy", "--upstream", upstream, "--port", "0"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield RunningProxy(process)
        finally:
            if process.poll() is None:
                process.kill()


Answering = Callable[["Handler"], tuple[int, dict[str, str], bytes]]


class Handler(BaseHTTPRequestHandler):
    """Gives each request, with its body, to the function of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms behind its head
    answering: Answering
    body: bytes

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, headers, body = type(self).answering(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextlib.contextmanager
def server(answering: Answering) -> Iterator[str]:
    """Serve; gives the base URL."""
    kind = type("Answering", (Handler,), {"answering": staticmethod(answering)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()
        thread.join()
