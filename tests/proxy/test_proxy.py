"""`headrace proxy` as a process: what passes, what it refuses, what it says and records."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil
import pytest
from proxies import Handler, proxy_process, server

from headrace.cli.main import run as run_command
from headrace.model.errors import ConfigurationError, Forbidden
from headrace.oracle.difference import Difference
from headrace.oracle.recording import DifferenceLine, Head, load
from headrace.proxy.consent import target_of
from headrace.testkit.hub import RunningHub, hub, hub_process, make_keys

CERTIFICATE = Path(__file__).parents[1] / "sync" / "self_signed.pem"


class Answered:
    """An answer as bytes."""

    def __init__(self, base: str, method: str, path: str, body: Any = None,
                 headers: dict[str, str] | None = None) -> None:  # fmt: skip
        parts = urlsplit(base)
        connection = HTTPConnection(parts.netloc, timeout=30)
        data = json.dumps(body) if body is not None else None
        kind = {"Content-Type": "application/json"} if data else {}
        connection.request(method, parts.path + path, data, kind | (headers or {}))
        answer = connection.getresponse()
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()
        connection.close()


@pytest.fixture
def running() -> Iterator[RunningHub]:
    with hub() as one:
        yield one


def test_a_client_gets_what_the_real_one_answers_and_a_hub_differs_in_nothing(
    running: RunningHub, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jsonl"
    options = ("--consent", "--record", str(kept))
    with proxy_process(running.url, options) as proxy:
        new = {"externalId": "C/1", "name": "Zoë"}
        for method, path, body in (
            ("GET", "/customers/external:C%2F1", None),
            ("POST", "/customers", new),
            ("POST", "/customers", new),
            ("GET", "/customers/external:C%2F1", None),
            ("GET", "/customers?limit=5000&strange=%20x", None),
            ("GET", "/customers?limit=none", None),
            ("HEAD", "/customers", None),
            ("PATCH", "/customers", None),
            ("GET", "/custmers", None),
        ):
            mine = Answered(proxy.url, method, path, body, running.headers)
            if method != "POST":
                real = Answered(running.url, method, path, body, running.headers)
                assert (mine.status, mine.body) == (real.status, real.body)
                varying = ("date", "x-request-id")
                for name in varying:
                    mine.headers.pop(name), real.headers.pop(name)
                assert mine.headers == real.headers
        assert Answered(proxy.url, "GET", "/customers").status == 401
        code, out, err = proxy.stop()
    assert (code, err) == (0, "")
    assert "10 requests compared, 3 of them in every field" in out
    assert "no differences" in out
    assert running.key not in out + kept.read_text()
    assert len(load(kept).exchanges) == 10


def test_bytes_and_headers_pass_unchanged_and_hops_do_not() -> None:
    seen: list[Any] = []

    def answering(request: Handler) -> tuple[int, dict[str, str], bytes]:
        seen.append((request.command, request.path, dict(request.headers), request.body))
        body = gzip.compress(b'{"offset":0,"limit":50,"total":0,"customers":[]}')
        headers = {"Content-Type": "application/json; charset=x", "Content-Encoding": "gzip",
                   "X-Strange": "kept", "Set-Cookie": "a=b"}  # fmt: skip
        return 200, headers, body

    with server(answering) as upstream, proxy_process(upstream, ("--json",)) as proxy:
        sent = {"X-Api-Key": "k-1", "X-Api-Secret": "s-1", "Accept-Encoding": "gzip",
                "User-Agent": "mine/1", "Connection": "keep-alive", "Keep-Alive": "5"}  # fmt: skip
        got = Answered(proxy.url, "GET", "/customers?a=%2f+b", headers=sent)
        code, out, _ = proxy.stop()
    assert gzip.decompress(got.body).startswith(b'{"offset"')
    assert got.headers["x-strange"] == "kept"
    assert got.headers["set-cookie"] == "a=b"
    ((method, path, headers, body),) = seen
    assert (method, path, body) == ("GET", "/v1/customers?a=%2f+b", b"")
    assert headers["x-api-key"] == "k-1"
    assert headers["x-api-secret"] == "s-1"
    assert headers["user-agent"] == "mine/1"
    assert "keep-alive" not in headers
    told = [json.loads(line) for line in out.splitlines()[2:]]
    assert told[0]["place"] == "header x-request-id", "the compressed body is compared as well"
    assert (code, told[-1]["compared"], told[-1]["differences"]) == (9, 1, 1)
    assert "k-1" not in out
    assert "s-1" not in out


def test_writes_need_consent_and_it_listens_on_loopback_and_on_nothing_but_the_api(
    running: RunningHub,
) -> None:
    with proxy_process(running.url) as proxy:
        assert urlsplit(proxy.url).hostname == "127.0.0.1"
        away = Answered(proxy.url.removesuffix("/v1"), "GET", "/_hub/organisations")
        assert away.status == 404
        assert "below /v1" in json.loads(away.body)["message"]
        one = "/customers/external:A"
        for method, path in (("POST", "/customers"), ("DELETE", one), ("PUT", one), ("PURGE", one)):
            refused = Answered(proxy.url, method, path, {"name": "A"}, running.headers)
            assert refused.status == 403
            assert "--consent" in json.loads(refused.body)["message"]
        assert Answered(proxy.url, "GET", "/customers", None, running.headers).status == 200
        code, _, _ = proxy.stop()
    assert code == 0
    assert [one.method for one in running.requests()] == ["GET"]


@pytest.mark.parametrize(
    "url",
    ["https://api.upflow.io/v1", "https://API.upflow.io./v1", "http://api.upflow.io:80",
     "https://eu.api.upflow.io/v1", "https://upflow.io/v1"],
)  # fmt: skip
def test_production_is_never_written_to(url: str) -> None:
    target = target_of(url, consent=True)
    target.check("GET")
    with pytest.raises(Forbidden, match="production"):
        target.check("POST")


def test_the_sandbox_is_written_to_with_consent_only() -> None:
    target_of("https://api.sandbox.upflow.io/v1", consent=True).check("POST")
    with pytest.raises(Forbidden, match="--consent"):
        target_of("https://api.sandbox.upflow.io/v1", consent=False).check("POST")


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "https://", "https://user:word@h/v1", "h/v1", "http://h:bad/v1", "http://h?x"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        target_of(url, consent=False)


def test_a_server_that_is_away_is_one_clear_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with proxy_process(f"http://127.0.0.1:{port}", ("--timeout", "0.3")) as proxy:
            late = Answered(proxy.url, "GET", "/customers")
            silent.close()
            away = Answered(proxy.url, "GET", "/customers")
            code, out, err = proxy.stop()
    assert (late.status, away.status) == (504, 502)
    assert "did not answer in 0.3 seconds" in json.loads(late.body)["message"]
    assert "can't be reached: " in json.loads(away.body)["message"]
    assert (code, err) == (0, "")
    assert "no differences" in out


def test_a_broken_answer_and_a_redirect_are_no_answers_of_the_proxys_own() -> None:
    broken = socket.create_server(("127.0.0.1", 0))

    def cut() -> None:
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
                       b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                       b"Content-Length: 0\r\n\r\n"):  # fmt: skip
            connection, _ = broken.accept()
            connection.recv(65_536)
            connection.sendall(answer)
            connection.close()

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()
    with broken, proxy_process(f"http://127.0.0.1:{broken.getsockname()[1]}") as proxy:
        assert Answered(proxy.url, "GET", "/customers").status == 502
        moved = Answered(proxy.url, "GET", "/customers")
        assert (moved.status, moved.headers["location"]) == (302, "http://127.0.0.1:1/")
        code, out, _ = proxy.stop()
    thread.join()
    assert code == 9
    assert "status: status: the hub has 200, the server 302" in out


def test_a_client_gets_its_answers_when_the_comparison_has_died(running: RunningHub) -> None:
    with proxy_process(running.url) as proxy:
        (witness,) = psutil.Process(proxy.pid).children()
        witness.kill()
        for _ in range(3):
            assert Answered(proxy.url, "GET", "/customers", None, running.headers).status == 200
        code, _, err = proxy.stop()
    assert code == 1
    assert "The comparison ended early" in err


def test_a_certificate_is_verified_and_ones_own_can_be_named(tmp_path: Path) -> None:
    tls = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(CERTIFICATE))
    with hub_process(tmp_path / "hub", options=tls) as real:
        assert real.url.startswith("https://")
        pair = make_keys(tmp_path / "hub", "acme")
        keys = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        with proxy_process(real.url) as proxy:
            refused = Answered(proxy.url, "GET", "/customers", None, keys)
            proxy.stop()
        with proxy_process(real.url, ("--ca-file", str(CERTIFICATE))) as proxy:
            trusted = Answered(proxy.url, "GET", "/customers", None, keys)
            proxy.stop()
    assert (refused.status, trusted.status) == (502, 200)
    assert "certificate of the server behind the proxy is not trusted" in refused.body.decode()


def test_odd_bytes_in_headers_and_paths_pass() -> None:
    seen: list[Any] = []

    def answering(request: Handler) -> tuple[int, dict[str, str], bytes]:
        seen.append((request.path, request.headers["x-name"]))
        return 404, {"X-Name": "caf\xe9"}, b"{}"

    with server(answering) as upstream, proxy_process(upstream) as proxy:
        parts = urlsplit(proxy.url)
        with socket.create_connection((str(parts.hostname), parts.port or 0)) as connection:
            connection.sendall(b"GET /v1/a%2Fb/%c3%A9?q=%zz&r='+|{} HTTP/1.1\r\nHost: x\r\n"
                               b"X-Name: Zo\xc3\xab\r\nConnection: close\r\n\r\n")  # fmt: skip
            got = b"".join(iter(lambda: connection.recv(65_536), b""))
        proxy.stop()
    assert seen == [("/v1/a%2Fb/%c3%A9?q=%zz&r='+|{}", "Zo\xc3\xab")]
    assert b"x-name: caf\xe9" in got.lower()


def test_a_recording_is_a_new_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.jsonl").write_text("mine")
    arguments = ["proxy", "--upstream", "http://127.0.0.1:1", "--port", "0"]
    assert run_command([*arguments, "--record", str(tmp_path / "old.jsonl")]) == 6
    assert "a recording is a new file" in capsys.readouterr().err
    assert (tmp_path / "old.jsonl").read_text() == "mine"


ALTERED = (
    Difference("POST /customers", "status", "status", "201", 202),
    Difference("GET /customers", "field", "body.customers[].vatNumber", "this field",
               "no such field"),
    Difference("GET /customers/{}", "null", "body.name", "string", "null"),
    Difference("GET /invoices/{}", "status", "status", "404", 410),
)  # fmt: skip


def test_a_hub_can_be_as_a_recorded_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real one does four things otherwise. The proxy finds these; its recording fails on an
    unaltered hub; and a hub that is told to be like it passes."""
    made, kept = tmp_path / "made.jsonl", tmp_path / "kept.jsonl"
    lines = [Head(kind="traffic", server="another"), *map(DifferenceLine, ALTERED)]
    made.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    with hub_process(tmp_path / "real", options=("--like", str(made))) as real:
        pair = make_keys(tmp_path / "real", "acme")
        keys = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        with proxy_process(real.url, ("--consent", "--record", str(kept))) as proxy:
            for method, path, body in (
                ("GET", "/customers/external:A", None),
                ("POST", "/customers", {"externalId": "A", "name": "A"}),
                ("GET", "/customers/external:A", None),
                ("GET", "/customers", None),
                ("GET", "/invoices/external:none", None),
                ("GET", "/payments?dateFrom=2026-01-31&dateTo=2026-02-01", None),
                ("GET", "/payments?dateFrom=yesterday", None),
            ):
                Answered(proxy.url, method, path, body, keys)
            code, out, _ = proxy.stop()
        found = load(kept).differences
        assert code == 9
        assert {(one.operation, one.kind, one.place, one.server) for one in found} == {
            (one.operation, one.kind, one.place, one.server) for one in ALTERED
        }, out
        monkeypatch.setenv("HEADRACE_KEY", pair.key)
        monkeypatch.setenv("HEADRACE_SECRET", pair.secret)
        against = ["conformance", "--against", str(kept), "--rate", "10000", "--base-url"]
        assert run_command([*against, real.url]) == 0, capsys.readouterr().out
        assert "answers as recorded" in capsys.readouterr().out
    with hub() as plain:
        monkeypatch.setenv("HEADRACE_KEY", plain.key)
        monkeypatch.setenv("HEADRACE_SECRET", plain.secret)
        assert run_command([*against, plain.url]) == 9
        assert "GET /customers: field: body.customers[].vatNumber" in capsys.readouterr().out
    with hub_process(tmp_path / "other", options=("--like", str(kept))) as alike:
        pair = make_keys(tmp_path / "other", "acme")
        monkeypatch.setenv("HEADRACE_KEY", pair.key)
        monkeypatch.setenv("HEADRACE_SECRET", pair.secret)
        assert run_command([*against, alike.url]) == 0, capsys.readouterr().out


@pytest.mark.soak
def test_the_whole_suite_through_the_proxy_differs_in_its_absent_limits_only(
    running: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept.jsonl"
    monkeypatch.setenv("HEADRACE_KEY", running.key)
    monkeypatch.setenv("HEADRACE_SECRET", running.secret)
    suite = ["conformance", "--rate", "100000", "--base-url"]
    with proxy_process(running.url, ("--consent", "--record", str(kept))) as proxy:
        assert run_command([*suite, proxy.url]) == 0
        proxy.stop()
    assert {(one.operation, one.kind) for one in load(kept).differences} == {
        ("any request", "limit")
    }
    assert run_command([*suite, running.url, "--against", str(kept)]) == 0
