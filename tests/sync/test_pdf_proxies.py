"""PDFs come by the proxies of the environment, as everything from the API does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_hostile_server import head, server

from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.sync.operations.pdf_reader import Unreadable, read_pdf

PDF = b"%PDF-1.4 by proxy"


class Proxy:
    """What it was asked for, and how it answers."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.answer = head(f"content-length: {len(PDF)}") + PDF
        self.port = 0

    def talk(self, connection: socket.socket, request: bytes) -> None:
        self.came.append(request.partition(b"\r\n")[0])
        connection.sendall(self.answer)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The environment's, at a loopback address, which no place of `documents` names."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    made = Proxy()
    with server(made.talk) as made.port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{made.port}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{made.port}")
        yield made


def read(places: PdfPlaces, location: str) -> bytes:
    return asyncio.run(read_pdf(places, location)).read()


def test_a_pdf_comes_by_the_proxy_though_its_host_is_unknown_here(
    proxy: Proxy, tmp_path: Path
) -> None:
    places = PdfPlaces(tmp_path, ["http://files.invalid"])
    assert read(places, "http://files.invalid/one.pdf") == PDF
    assert proxy.came == [b"GET http://files.invalid/one.pdf HTTP/1.1"]


def test_hosts_of_no_proxy_are_asked_directly_and_guarded(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    own = Proxy()
    with server(own.talk) as port:
        places = PdfPlaces(tmp_path, [f"http://127.0.0.1:{port}"])
        assert read(places, f"http://127.0.0.1:{port}/one.pdf") == PDF
    assert own.came == [b"GET /one.pdf HTTP/1.1"]
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", _private)
    places = PdfPlaces(tmp_path, ["http://files.invalid"])
    with pytest.raises(Unreadable, match=r"at the private address 10\.1\.2\.3, which `documents`"):
        read(places, "http://files.invalid/one.pdf")
    assert proxy.came == []


def _private(*given: object, **more: object) -> list[object]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 80))]


def test_a_redirect_that_comes_by_the_proxy_leads_to_named_hosts_alone(
    proxy: Proxy, tmp_path: Path
) -> None:
    places = PdfPlaces(tmp_path, ["http://files.invalid"])
    proxy.answer = head(
        "location: http://169.254.169.254/", "content-length: 0", status="302 Found"
    )
    with pytest.raises(Unreadable, match=r"redirects to 169\.254\.169\.254, which `documents`"):
        read(places, "http://files.invalid/one.pdf")


def test_a_proxy_that_refuses_is_named(proxy: Proxy, tmp_path: Path) -> None:
    proxy.answer = head("content-length: 0", status="407 Proxy Authentication Required")
    places = PdfPlaces(tmp_path, ["https://files.invalid"])
    with pytest.raises(Unreadable, match="the proxy answered 407"):
        read(places, "https://files.invalid/one.pdf")
    assert proxy.came == [b"CONNECT files.invalid:443 HTTP/1.1"]


def test_what_no_place_names_is_not_asked_of_a_proxy_either(proxy: Proxy, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="in no place that `documents` names"):
        read(PdfPlaces(tmp_path), "http://files.invalid/one.pdf")
    assert proxy.came == []
