"""A server that means no good: answers that are too large, too slow or never end, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.client.endpoints import Reader
from headrace.client.pace import Pace
from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import CUSTOMER
from headrace.model.errors import ApiError, ConfigurationError, NotTheApi, Unreachable

Talk = Callable[[socket.socket, bytes], None]
"""What is said on a connection, given the request's head."""


@contextlib.contextmanager
def server(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Accepts until the end; every connection is a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            while head := connection.recv(65_536):
                talk(connection, head)

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listening.accept()
                connection.settimeout(5)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listening.close()


def head(*lines: str, status: str = "200 OK") -> bytes:
    named = ["content-type: application/json", *lines]
    return "\r\n".join([f"HTTP/1.1 {status}", *named, "", ""]).encode()


def ask(
    port: int, *, path: str = "/customers/1", timeout: float = 5.0, scheme: str = "http"
) -> str:
    """How a request ends: the error's class and words, or the answer's status."""

    async def one() -> str:
        url = f"{scheme}://127.0.0.1:{port}"
        async with HttpTransport(url, "k", "s", timeout, 1) as transport:
            try:
                answer = await transport.send("GET", "/customers/1")
            except ApiError as error:
                return f"{type(error).__name__}: {error}"
            return str(answer.status)

    return asyncio.run(one())


def _chunks(connection: socket.socket, chunk: bytes, count: int) -> None:
    for _ in range(count):
        connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    connection.sendall(b"0\r\n\r\n")


def test_an_answer_of_a_hundred_megabytes_is_not_read_to_its_end() -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head("transfer-encoding: chunked"))
        _chunks(connection, b" " * 1_000_000, 100)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with server(talk) as port:
        assert ask(port).startswith("NotTheApi: status 200, application/json, over 8,000,000 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_a_small_answer_that_unpacks_to_gigabytes_is_not_unpacked_to_its_end() -> None:
    # A megabyte of zeros packs to a kilobyte; members follow each other.
    member = gzip.compress(bytes(10_000_000))

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head("transfer-encoding: chunked", "content-encoding: gzip"))
        _chunks(connection, member, 400)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with server(talk) as port:
        assert "over 8,000,000 bytes" in ask(port)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_the_timeout_is_for_the_whole_answer() -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head("content-length: 1000"))
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.1)

    started = time.monotonic()
    with server(talk) as port:
        assert ask(port, timeout=0.5) == "Unreachable: no answer in time"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\xff" * 50,
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_connection_that_broke(said: bytes) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(said)
        connection.close()

    with server(talk) as port:
        assert ask(port).startswith("Unreachable: the connection broke")


def test_a_request_is_sent_once_whatever_the_method() -> None:
    came: list[bytes] = []

    def talk(connection: socket.socket, request: bytes) -> None:
        came.append(request)
        if len(came) == 1:
            connection.sendall(head("content-length: 2") + b"{}")
        else:
            connection.close()

    async def both(port: int) -> None:
        async with HttpTransport(f"http://127.0.0.1:{port}", "k", "s", 5.0, 1) as transport:
            await transport.send("GET", "/a")
            with pytest.raises(Unreachable):
                await transport.send("DELETE", "/a")

    with server(talk) as port:
        asyncio.run(both(port))
    assert len(came) == 2


def test_a_list_that_never_ends_is_given_up() -> None:
    number = 0

    def talk(connection: socket.socket, _: bytes) -> None:
        nonlocal number
        items = ",".join(f'{{"id":"{number + n}"}}' for n in range(1000))
        number += 1000
        body = f'{{"customers":[{items}],"total":{number + 5000}}}'.encode()
        connection.sendall(head(f"content-length: {len(body)}") + body)

    async def read(port: int) -> int:
        async with HttpTransport(f"http://127.0.0.1:{port}", "k", "s", 5.0, 1) as transport:
            pace = Pace(10**6, 5, SYSTEM_CLOCK)
            reader = Reader(transport, pace, SYSTEM_CLOCK, lambda: None)
            count = 0
            async for page in reader.pages(CUSTOMER):
                count += len(page)
            return count

    with server(talk) as port, pytest.raises(NotTheApi, match="does not end"):
        asyncio.run(read(port))


# certificates and proxies ------------------------------------------------------------------------


CERTIFICATE = Path(__file__).with_name("self_signed.pem")
"""For 127.0.0.1, signed by nobody but itself, with its key; good for a hundred years."""


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def _fine(connection: socket.socket, _: bytes) -> None:
    connection.sendall(head("content-length: 2") + b"{}")


def test_a_certificate_that_is_not_trusted_is_called_that() -> None:
    with server(_fine, _tls()) as port:
        said = ask(port, scheme="https")
    assert said.startswith("Unreachable: its certificate is not trusted: self-signed certificate")
    assert "target.ca_file" in said


def test_certificates_of_ones_own_can_be_named() -> None:
    async def one(port: int) -> int:
        url = f"https://127.0.0.1:{port}"
        async with HttpTransport(url, "k", "s", 5.0, 1, CERTIFICATE) as transport:
            return (await transport.send("GET", "/customers/1")).status

    with server(_fine, _tls()) as port:
        assert asyncio.run(one(port)) == 200


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")

    async def make() -> None:
        HttpTransport("https://127.0.0.1:1", "k", "s", 5.0, 1, file)

    with pytest.raises(ConfigurationError, match=r"target\.ca_file: .*ca\.pem"):
        asyncio.run(make())


def test_a_proxy_of_the_environment_is_used_and_no_proxy_spares_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    came: list[bytes] = []

    def talk(connection: socket.socket, request: bytes) -> None:
        came.append(request)
        _fine(connection, request)

    with server(talk) as proxy, server(_fine) as api:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(api) == "200"
        assert came[0].startswith(f"GET http://127.0.0.1:{api}/customers/1".encode())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert ask(api) == "200"
    assert len(came) == 1


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head("content-length: 0", status="407 Proxy Authentication Required"))

    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with server(talk) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        assert ask(1, scheme="https") == "Unreachable: the proxy answered 407"
