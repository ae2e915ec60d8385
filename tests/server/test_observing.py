"""Observing a hub: metrics, readiness, its log, traces."""

from __future__ import annotations

import http.client
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.testkit.hub import HubProcess, hub_process, make_keys


def _get(hub: HubProcess, path: str, **headers: str) -> tuple[int, str]:
    host, _, port = hub.url.removeprefix("http://").removesuffix("/v1").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_metrics_count_requests_by_route_over_all_workers(tmp_path: Path, workers: int) -> None:
    with hub_process(tmp_path / "hub", "off", options=("--workers", str(workers))) as hub:
        pair = make_keys(tmp_path / "hub", "acme")
        keys = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        for number in range(20):
            assert _get(hub, f"/v1/customers/external:{number}", **keys)[0] == 404
        assert _get(hub, "/v1/customers", **keys)[0] == 200
        assert _get(hub, "/v1/nowhere")[0] == 401
        assert _get(hub, "/readyz") == (200, '{"status":"ready"}')
        status, text = _get(hub, "/metrics")
    assert status == 200
    counts = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("headrace_hub_request_seconds_count")
    }

    def count(method: str, route: str, code: int) -> float:
        labels = f'{{method="{method}",route="{route}",status="{code}"}}'
        return counts.get(f"headrace_hub_request_seconds_count{labels}", 0)

    assert count("GET", "/v1/customers/{}", 404) == 20
    assert count("GET", "/v1/customers", 200) == 1
    assert count("GET", "unknown", 401) == 1
    assert "headrace_hub_requests_in_flight" in text


class _Collector(http.server.BaseHTTPRequestHandler):
    """A server that accepts any POST."""

    received: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[str]:
    _Collector.received.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_traces_are_sent_to_the_configured_address(
    tmp_path: Path, collector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
    with hub_process(tmp_path / "hub", "off") as hub:
        assert _get(hub, "/v1/customers")[0] == 401
        hub.terminate()
    paths = {path for path, _ in _Collector.received}
    assert paths == {"/v1/traces"}
    assert any(b"headrace-hub" in body for _, body in _Collector.received)


def test_the_log_can_be_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headrace", "serve", "--data", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--log-format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().removeprefix("listening on ").strip()
    process.terminate()
    _, said = process.communicate(timeout=20)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(line["event"], line["address"]) for line in lines] == [
        ("the hub serves", address),
        ("the hub has ended", address),
    ]
    assert all({"level", "timestamp", "logger"} <= line.keys() for line in lines)
