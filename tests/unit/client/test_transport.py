"""The transport against a server in the same process: what is sent, and what becomes of answers."""

from __future__ import annotations

import asyncio
import errno
import io
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from headrace import __version__
from headrace.client import transport as module
from headrace.client.answer import Answer
from headrace.client.proxies import any_named, goes_by_proxy
from headrace.client.transport import HttpTransport
from headrace.model.errors import ConfigurationError, NotTheApi, Unreachable

PEM = Path(__file__).resolve().parents[2] / "sync" / "self_signed.pem"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Use = Callable[[HttpTransport], Awaitable[Any]]


class Server:
    """Answers every request by one function; counts requests and connections."""

    def __init__(self, handler: Handler) -> None:
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.peers: set[object] = set()
        self._handler = handler

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        self.bodies.append(await request.read())
        return await self._handler(request)

    def used(
        self, use: Use, *, timeout: float = 30, connections: int = 3, tls: bool = False, **more: Any
    ) -> Any:
        """What `use` returns, with a transport to this server."""

        async def run() -> Any:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self._answer)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            context = None
            if tls:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(PEM)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            port = runner.addresses[0][1]
            scheme = "https" if tls else "http"
            # Cookies of an address without a name would be dropped anyway.
            base = f"{scheme}://localhost:{port}/v1//"
            try:
                async with HttpTransport(base, "key", "secret", timeout, connections, **more) as to:
                    return await use(to)
            finally:
                await runner.cleanup()

        return asyncio.run(run())


async def fine(request: web.Request) -> web.StreamResponse:
    return web.json_response({"id": "1"}, headers={"X-Some": "Thing"})


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_a_read_carries_the_keys_and_says_who_asks() -> None:
    server = Server(fine)
    answer = server.used(lambda to: to.send("GET", "/customers/external:a%2Fb?limit=1"))
    (seen,) = server.seen
    assert (seen.method, seen.raw_path) == ("GET", "/v1/customers/external:a%2Fb?limit=1")
    assert seen.headers["X-Api-Key"] == "key"
    assert seen.headers["X-Api-Secret"] == "secret"
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers["User-Agent"] == f"headrace/{__version__}"
    assert "Content-Type" not in seen.headers
    assert server.bodies == [b""]
    assert answer.status == 200
    assert answer.headers["x-some"] == "Thing"
    assert answer.object() == {"id": "1"}


def test_a_body_is_sent_as_json_unless_its_headers_are_given() -> None:
    server = Server(fine)

    async def both(to: HttpTransport) -> None:
        await to.send("POST", "/customers", b'{"a": 1}')
        await to.send("POST", "/customers", b"a,b", {"Content-Type": "text/csv"})
        await to.send("POST", "/customers", None, {"X-More": "1"})

    server.used(both)
    assert server.bodies == [b'{"a": 1}', b"a,b", b""]
    assert [one.headers.get("Content-Type") for one in server.seen[:2]] == [
        "application/json",
        "text/csv",
    ]
    assert server.seen[2].headers["X-More"] == "1"


def test_a_pdf_is_the_field_file_of_a_form() -> None:
    server = Server(fine)
    pdf = io.BytesIO(b"%PDF-1.7 it")
    server.used(lambda to: to.upload("/invoices/external:1/pdf", pdf, "one.pdf"))
    (seen,), (body,) = server.seen, server.bodies
    assert (seen.method, seen.path) == ("POST", "/v1/invoices/external:1/pdf")
    assert seen.headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="file"; filename="one.pdf"' in body
    assert b"Content-Type: application/pdf" in body
    assert b"%PDF-1.7 it" in body


def test_a_redirect_is_an_answer_and_cookies_are_forgotten() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        headers = {"Location": "/v1/elsewhere", "Set-Cookie": "a=b"}
        return web.Response(status=302, headers=headers)

    server = Server(elsewhere)

    async def twice(to: HttpTransport) -> list[Answer]:
        return [await to.send("GET", "/x") for _ in range(2)]

    assert [answer.status for answer in server.used(twice)] == [302, 302]
    assert len(server.seen) == 2
    assert "Cookie" not in server.seen[1].headers


def test_connections_are_kept_and_there_are_no_more_than_allowed() -> None:
    busy = most = 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return web.json_response({})

    server = Server(slow)

    async def many(to: HttpTransport) -> None:
        await asyncio.gather(*(to.send("GET", "/x") for _ in range(8)))

    server.used(many, connections=2)
    assert (len(server.seen), most) == (8, 2)
    assert len(server.peers) == 2


@pytest.mark.parametrize(
    ("method", "path", "over"),
    [
        ("GET", "/x?limit=1", "PAGE_MOST"),
        ("GET", "/x", "ENTITY_MOST"),
        ("POST", "/x?y", "ENTITY_MOST"),
    ],
)
def test_an_answer_may_be_so_large_and_no_larger(
    method: str, path: str, over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAGE_MOST", "ENTITY_MOST"):
        monkeypatch.setattr(module, name, 200_000 if name == over else 900_000)
    size = 200_000

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=b"a" * size, content_type="text/plain", charset="utf-8")
        response.enable_compression()
        return response

    server = Server(large)
    answer = server.used(lambda to: to.send(method, path))
    assert answer.body == b"a" * size
    size += 1
    with pytest.raises(NotTheApi, match=r"^status 200, text/plain, over 200,000 bytes$"):
        server.used(lambda to: to.send(method, path))


def test_a_large_answer_without_a_type_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTITY_MOST", 10)

    kind = ""

    async def raw(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers["Content-Type"] = kind
        await response.prepare(request)
        await response.write(b"a" * 20)
        return response

    with pytest.raises(NotTheApi, match=r"^status 200, no content type, over 10 bytes$"):
        Server(raw).used(lambda to: to.send("GET", "/x"))
    kind = "text/plain"
    with pytest.raises(NotTheApi, match=r"^status 200, text/plain, over 10 bytes$"):
        Server(raw).used(lambda to: to.send("GET", "/x"))


def test_an_answer_that_takes_too_long_is_none() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.json_response({})

    with pytest.raises(Unreachable, match=r"^no answer in time$") as caught:
        Server(never).used(lambda to: to.send("GET", "/x"), timeout=0.2)
    assert caught.value.left


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_request_whose_connection_breaks_is_sent_once(method: str) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        if len(server.seen) > 1 and request.transport is not None:
            request.transport.close()
        return web.json_response({})

    server = Server(breaks)

    async def twice(to: HttpTransport) -> None:
        await to.send(method, "/x")
        await to.send(method, "/x")

    with pytest.raises(Unreachable, match=r"^the connection broke \(Client") as caught:
        server.used(twice)
    assert caught.value.left
    assert len(server.seen) == 2


def failing(base: str, **more: Any) -> Unreachable:
    """What becomes of a GET to an address where no API is."""

    async def run() -> None:
        async with HttpTransport(base, "key", "secret", 30, 1, **more) as to:
            await to.send("GET", "/x")

    with pytest.raises(Unreachable) as caught:
        asyncio.run(run())
    return caught.value


def test_nobody_at_the_port_means_that_nothing_was_sent() -> None:
    error = failing("http://127.0.0.1:1")
    assert (str(error), error.left) == ("no connection: Connection refused", False)


def test_an_address_that_is_none_is_named() -> None:
    error = failing("http://127.0.0.1:99999999/")
    assert (str(error), error.left) == ("http://127.0.0.1:99999999 is not a URL", False)


def test_a_server_without_tls_is_told() -> None:
    async def run() -> Unreachable:
        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 no\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, HttpTransport(f"https://127.0.0.1:{port}", "k", "s", 30, 1) as to:
            with pytest.raises(Unreachable) as caught:
                await to.send("GET", "/x")
            return caught.value

    error = asyncio.run(run())
    assert str(error).startswith("no TLS connection: ")
    assert str(error) != "no TLS connection: "
    assert not error.left


def test_a_certificate_that_nobody_knows_is_not_trusted_unless_it_is_named() -> None:
    server = Server(fine)
    with pytest.raises(Unreachable) as caught:
        server.used(lambda to: to.send("GET", "/x"), tls=True)
    assert str(caught.value).startswith("its certificate is not trusted: self")
    assert str(caught.value).endswith("name its certificates in target.ca_file")
    assert not caught.value.left
    assert server.seen == []


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name, said in (("empty.pem", "no certificate"), ("absent.pem", "No such file")):
        with pytest.raises(ConfigurationError) as caught:
            asyncio.run(_opened(tmp_path / name))
        assert str(caught.value).startswith(f"target.ca_file: {tmp_path / name} can't be used")
        assert said in str(caught.value)


async def _opened(ca: Path) -> None:
    async with HttpTransport("http://127.0.0.1:1", "k", "s", 1, 1, ca):
        pass


def test_the_systems_own_message_is_preferred() -> None:
    reason = module.reason_of
    assert reason(OSError(errno.ECONNREFUSED, "Connect call failed")) == "Connection refused"
    assert reason(OSError(errno.EPERM, "odd")) == "Operation not permitted"
    assert reason(OSError(-2, "Name or service not known")) == "Name or service not known"
    assert reason(OSError(0, "odd")) == "odd"
    assert reason(OSError("just text")) == "just text"
    assert reason(ssl.SSLError(1, "[SSL] wrong version number")) == "[SSL] wrong version number"


def test_why_a_certificate_is_not_trusted() -> None:
    assert module._untrusted(ValueError("plain")).startswith(
        "its certificate is not trusted: plain; where"
    )


def test_a_proxy_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Unreachable:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        async with server, HttpTransport("https://api.test", "k", "s", 30, 1) as to:
            with pytest.raises(Unreachable) as caught:
                await to.send("GET", "/x")
            return caught.value

    error = asyncio.run(run())
    assert (str(error), error.left) == ("the proxy answered 407", False)


def test_proxies_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any_named()
    assert not goes_by_proxy("https://api.test/x")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "inside.test")
    assert any_named()
    assert goes_by_proxy("https://api.test/x")
    assert not goes_by_proxy("http://api.test/x")
    assert not goes_by_proxy("https://inside.test/x")
    assert not goes_by_proxy("https:///x")
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert any_named()
    assert goes_by_proxy("http://api.test/x")
