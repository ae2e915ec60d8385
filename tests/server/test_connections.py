"""Connections that ask for more than their share: of memory, of time, of open files."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest
from hub_api import Api, customer

from headrace.server.process import connections, run
from headrace.testkit.hub import RunningHub, hub

WAIT_S = 20.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningHub]:
    """A hub whose deadlines are short, with room for five connections of an address."""
    monkeypatch.setattr(connections, "HEAD_S", 0.4)
    monkeypatch.setattr(connections, "BODY_S", 0.4)
    monkeypatch.setattr(connections, "UNREAD_S", 1.5)
    monkeypatch.setattr(run, "raise_file_limit", lambda: connections._FILES_KEPT + 20)
    with hub(limits="1000000") as running:
        yield running


def _connect(running: RunningHub) -> socket.socket:
    parts = urlsplit(running.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=WAIT_S)


def _read(connection: socket.socket) -> bytes:
    """All that comes until the hub closes."""
    got = b""
    try:
        while part := connection.recv(65_536):
            got += part
    except ConnectionError:
        pass
    return got


def _head(running: RunningHub, request: str, *more: str) -> bytes:
    pair = running.headers
    lines = [f"{request} HTTP/1.1", "Host: hub", *(f"{k}: {v}" for k, v in pair.items()), *more]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("first", [80_000, 60_000], ids=["in one part", "in two parts"])
def test_a_head_that_is_too_large_is_refused(impatient: RunningHub, first: int) -> None:
    head = _head(impatient, "GET /v1/customers", f"X: {'x' * 70_000}")
    with closing(_connect(impatient)) as connection, closing(_connect(impatient)) as other:
        connection.sendall(head[:first])
        # Once another request is answered, the hub has read this part.
        other.sendall(_head(impatient, "GET /v1/customers", "Connection: close"))
        assert _read(other).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head[first:])
        answer = _read(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["statusCode"] == 431


def test_a_head_without_end_is_refused(impatient: RunningHub) -> None:
    with closing(_connect(impatient)) as connection:
        connection.sendall(b"GET /v1/customers HTTP/1.1\r\nX: ")
        sent = 0
        try:
            while sent < 100_000_000:
                sent += connection.send(b"x" * 65_536)
        except ConnectionError:
            pass
        answer = _read(connection)
    assert sent < 20_000_000
    assert not answer or json.loads(answer.partition(b"\r\n\r\n")[2])["statusCode"] == 431


def test_a_large_body_is_no_large_head(impatient: RunningHub) -> None:
    body = json.dumps({"externalId": "C", "name": "C", "notes": "x" * 300_000}).encode()
    head = _head(impatient, "POST /v1/customers", f"Content-Length: {len(body)}")
    with closing(_connect(impatient)) as connection:
        connection.sendall(head + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "begun", ["", "GET /v1/cust", "body"], ids=["nothing", "half a head", "half a body"]
)
def test_a_request_that_does_not_arrive_is_given_up(impatient: RunningHub, begun: str) -> None:
    data = begun.encode()
    if begun == "body":
        data = _head(impatient, "POST /v1/customers", "Content-Length: 1000") + b'{"name":'
    with closing(_connect(impatient)) as connection:
        connection.sendall(data)
        started = time.monotonic()
        assert _read(connection) == b""
        assert time.monotonic() - started < 10


def test_an_idle_connection_between_requests_stays(impatient: RunningHub) -> None:
    with closing(_connect(impatient)) as connection:
        for pause in (0.0, 2.0):
            time.sleep(pause)
            connection.sendall(_head(impatient, "GET /v1/customers?limit=1"))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_answers_that_are_not_read_count_as_under_way_and_are_given_up(
    impatient: RunningHub,
) -> None:
    pair = impatient.headers
    api = Api(impatient.url, pair["X-Api-Key"], pair["X-Api-Secret"], "test")
    for number in range(3):
        contacts = [{"email": f"a{n}@x.io", "lastName": "x" * 9_000} for n in range(300)]
        api.post("/customers", customer(f"C{number}", contacts=contacts))
    with ExitStack() as stack:
        stack.callback(api.close)
        for _ in range(4):
            connection = stack.enter_context(closing(_connect(impatient)))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(_head(impatient, "GET /v1/customers"))
        while len([one for one in impatient.requests() if one.method == "GET"]) < 4:
            time.sleep(0.05)
        assert api.get("/users")["total"] == 0
        assert impatient.requests()[-1].in_flight > 1, "they are still under way"
        end = time.monotonic() + WAIT_S
        while api.get("/users")["total"] == 0 and impatient.requests()[-1].in_flight != 1:
            assert time.monotonic() < end, "they were not given up"
            time.sleep(0.1)


def test_an_address_has_a_budget_of_connections(impatient: RunningHub) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(closing(_connect(impatient))) for _ in range(5)]
        for connection in held:  # each is served, and stays
            connection.sendall(_head(impatient, "GET /v1/customers?limit=1"))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with closing(_connect(impatient)) as sixth:
            assert _read(sixth).startswith(b"HTTP/1.1 503 ")
        held[0].close()
        time.sleep(0.2)
        with closing(_connect(impatient)) as another:
            another.sendall(_head(impatient, "GET /v1/customers?limit=1"))
            assert another.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_form_of_many_fields_is_refused_at_once(impatient: RunningHub) -> None:
    pair = impatient.headers
    api = Api(impatient.url, pair["X-Api-Key"], pair["X-Api-Secret"], "test")
    api.post("/customers", customer("C"))
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
    body = part * 450_000
    head = _head(
        impatient,
        "POST /v1/invoices/external:none/pdf",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(body)}",
    )
    api.close()
    with closing(_connect(impatient)) as connection:
        began = time.process_time()
        connection.sendall(head + body[:1_000_000])
        answer = connection.recv(65_536)
        assert time.process_time() - began < 1.0
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
