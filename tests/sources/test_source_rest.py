"""An API as a source: tokens that expire, pages, limits and nested lists."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source
from headrace.sources.rest_source import RestSource

pytest.importorskip("dlt")


class _Api(BaseHTTPRequestHandler):
    """Three pages of invoices, behind a token that is good for a few requests."""

    def do_POST(self) -> None:
        self.server.tokens += 1  # type: ignore[attr-defined]
        self._answer({"access_token": f"t{self.server.tokens}", "expires_in": 3600})  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append(self.path)
        if not self.headers.get("Authorization", "").startswith("Bearer t"):
            self._answer({"error": "no token"}, 401)
            return
        if len(server.asked) == 2:
            self._answer({"error": "slow down"}, 429, {"Retry-After": "0"})
            return
        asked = parse_qs(urlsplit(self.path).query)
        page = int(asked.get("page", ["1"])[0])
        rows = [{"id": 10 * page + n, "lines": [{"amount": 1.10}]} for n in range(2)]
        self._answer({"data": rows if page < 4 else []})

    def _answer(self, body: Any, status: int = 200, headers: Any = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: Any) -> None: ...


@contextmanager
def _serving() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        server.tokens, server.asked = 0, []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _options(server: Any) -> dict[str, Any]:
    base = f"http://127.0.0.1:{server.server_port}"
    return {
        "client": {
            "base_url": base,
            "auth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{base}/token",
                "client_id": "me",
                "client_secret": "s3cret-s3cret",
            },
            "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
        },
        "resources": [
            {"name": "Invoices", "endpoint": {"path": "invoices", "data_selector": "data"}}
        ],
    }


def test_a_declared_api_is_read_page_by_page_with_a_token_and_within_its_limit() -> None:
    with _serving() as server:
        settings = SourceSettings(kind="rest", options=_options(server))
        source = open_source(settings, Path())
        assert source.tables() == {"invoices"}
        connection = duckdb.connect()
        assert source.stage(connection, ["invoices"]) == {"invoices": 6}
        assert server.tokens == 1
    found = connection.execute("select id, lines from source.invoices order by id").fetchall()
    assert [row[0] for row in found] == [10, 11, 20, 21, 30, 31]
    assert found[0][1] == '[{"amount":1.1}]'
    lines = connection.execute(
        "select unnest(lines::json[]) ->> 'amount' from source.invoices limit 1"
    ).fetchall()
    assert lines == [("1.1",)]


def test_an_api_that_refuses_is_one_clear_sentence_without_secrets() -> None:
    with _serving() as server:
        options = _options(server)
        options["client"]["auth"] = {"type": "bearer", "token": "s3cret-s3cret"}
        with pytest.raises(SourceError, match="401") as caught:
            RestSource(options).stage(duckdb.connect(), ["invoices"])
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="needs client"):
        RestSource({})
