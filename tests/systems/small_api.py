"""A small JSON API of a test's own, over HTTP, and the project that reads a system by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Said:
    """An answer with headers of its own, or one that is a text."""

    value: Any
    headers: dict[str, str]


Answer = Callable[[Asked], tuple[int, Any]]


def _read(kind: str, body: bytes) -> Any:
    """The body of a request: a form as its fields, a text as it is, else JSON."""
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode()))
    if "xml" in kind:
        return body.decode()
    return json.loads(body) if body else None


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = _read(self.headers.get("Content-Type", ""), self.rfile.read(length))
        answer: Answer = self.server.answer  # type: ignore[attr-defined]
        try:
            status, value = answer(Asked(self.path, dict(self.headers), body))
        except Exception as error:  # said at once: a broken connection would be tried again
            status, value = 400, f"the stand-in fails: {error}"
        said = value if isinstance(value, Said) else Said(value, {})
        text = said.value if isinstance(said.value, str) else json.dumps(said.value)
        content = text.encode()
        self.send_response(status)
        for name, header in said.headers.items():
            self.send_header(name, header)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *words: Any) -> None: ...


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server whose answers are a function's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.answer = answer  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def write_project(folder: Path, system: str, options: dict[str, str]) -> None:
    """A project that reads a system by its API, with the system's models."""
    listed = ", ".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
    (folder / "headrace.toml").write_text(
        f'[organisation.it]\nmodels = "system:{system}"\n'
        'target = { url = "env:URL", key = "env:KEY", secret = "env:SECRET" }\n'
        f'[organisation.it.source]\nkind = "system:{system}"\noptions = {{ {listed} }}\n'
    )
