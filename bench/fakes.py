"""The hub against other local copies of APIs: creating and reading a document of about a kilobyte.

    python bench/fakes.py [--full]

localstripe and moto's server come from PyPI, json-server from npm, into environments of their own
below bench/.fakes (kept for the next time). The same client for all, in the same run; the hub's
writes are durable, with its limits and its journal of requests on, theirs go to memory. Bars: 20 x
localstripe, and ahead of the other two.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from headrace.testkit.hub import hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parent))

import load
from environments import python_with

PLACE = Path(__file__).parent / ".fakes"
CLIENTS = 4
FILLED = 1_000
"""Documents that are there before, as in any use."""
ROUNDS = 3
LIMIT = "100000000"
"""Requests a minute: the limits are on, and never reached."""
NOTE = "A note of some length, as people write them below an address. " * 8

Requests = Callable[[int], bytes]


class Fake(msgspec.Struct):
    """A running server: its origin, how to create a document, how to read one."""

    name: str
    origin: str
    create: Requests
    read: Callable[[int], Requests]
    """Given how many there should be, makes them and gives the requests that read them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more requests")
    count = 4_000 if parser.parse_args().full else 800
    with tempfile.TemporaryDirectory(prefix="bench-fakes-") as folder:
        found = {}
        for open_fake in (hub, localstripe, moto, json_server):
            try:
                with open_fake(Path(folder)) as fake:
                    found[fake.name] = measure(fake, count)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{open_fake.__name__}: not measured, {error}")
    for name, bar in (("localstripe", 20), ("moto", 1), ("json-server", 1)):
        if name not in found:
            continue
        for kind in ("create", "read", "create and read"):
            ours, theirs = found["hub"][kind], found[name][kind]
            said = f"(bar: {bar}) " if kind == "create and read" else ""
            print(
                f"{kind}: {ours / theirs:.1f} x {name} {said}= {ours:,.0f} / {theirs:,.0f} "
                f"a second, {CLIENTS} clients, {FILLED:,} documents there"
            )


def measure(fake: Fake, count: int) -> dict[str, float]:
    """The best rates of creating, of reading, and of doing both with a document."""
    best = {"create": 0.0, "read": 0.0}
    read, start, rate = fake.read(20), FILLED, 0.0
    load.run(fake.origin, [[fake.create(n) for n in range(20, FILLED)]])
    for _ in range(ROUNDS):
        # Slow servers get fewer, so that nobody waits for minutes.
        number = min(count, max(40, int(rate * 2)))
        for kind, make in (("create", fake.create), ("read", read)):
            queues = [[make(start + n) for n in range(c, number, CLIENTS)] for c in range(CLIENTS)]
            result = load.run(fake.origin, queues)
            if set(result.statuses) - {200, 201}:
                raise OSError(f"{fake.name} answered {result.statuses} to {kind}")
            best[kind] = max(best[kind], result.rate)
        start, rate = start + number, best["create"]
    both = 1 / (1 / best["create"] + 1 / best["read"])
    return {**best, "create and read": both}


def document(number: int) -> dict[str, Any]:
    return {"name": f"Customer {number}", "vatNumber": f"FR{number:09d}", "accountingRef": NOTE}


@contextmanager
def hub(folder: Path) -> Iterator[Fake]:
    with hub_process(folder / "hub", LIMIT) as running:
        pair = make_keys(running.place, "bench")
        head = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}

        def create(number: int) -> bytes:
            body = {"externalId": f"c-{number}", **document(number)}
            return load.request("POST", "/v1/customers", head, msgspec.json.encode(body))

        def read(count: int) -> Requests:
            load.run(running.origin, [[create(n) for n in range(count)]])
            return lambda n: load.request("GET", f"/v1/customers/external:c-{n % count}", head)

        yield Fake("hub", running.origin, create, read)


@contextmanager
def localstripe(folder: Path) -> Iterator[Fake]:
    python = python_with(PLACE / "localstripe", "localstripe")
    head = {"Authorization": "Bearer sk_test_12345"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def body(number: int) -> bytes:
        fields = {"name": f"Customer {number}", "email": f"c{number}@x.io", "description": NOTE}
        return urllib.parse.urlencode(fields).encode()

    def create(number: int) -> bytes:
        content = body(number)
        lines = load.request("POST", "/v1/customers", {**head, **form})
        return (
            lines.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(content)) + content
        )

    port = _free_port()
    command = [str(python), "-c", _LOCALSTRIPE, str(port)]
    with _running(command, port, folder):
        origin = f"http://127.0.0.1:{port}"

        def read(count: int) -> Requests:
            made = []
            for number in range(count):
                call = urllib.request.Request(
                    f"{origin}/v1/customers", body(number), {**head, **form}
                )
                with urllib.request.urlopen(call) as answer:
                    made.append(msgspec.json.decode(answer.read())["id"])
            return lambda n: load.request("GET", f"/v1/customers/{made[n % count]}", head)

        yield Fake("localstripe", origin, create, read)


_LOCALSTRIPE = """
import sys
from aiohttp import web
from localstripe import server
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""
"""Its own command listens on every interface."""


@contextmanager
def moto(folder: Path) -> Iterator[Fake]:
    python = python_with(PLACE / "moto", "moto[server]")
    port = _free_port()
    target = "DynamoDB_20120810."
    head = {
        "Authorization": "AWS4-HMAC-SHA256 "
        "Credential=key/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=no"
    }

    def call(name: str, content: dict[str, Any]) -> bytes:
        body = msgspec.json.encode(content)
        lines = load.request("POST", "/", {**head, "X-Amz-Target": target + name}, body)
        return lines.replace(b"application/json", b"application/x-amz-json-1.0", 1)

    def create(number: int) -> bytes:
        fields = {name: {"S": value} for name, value in document(number).items()}
        return call("PutItem", {"TableName": "t", "Item": {"id": {"S": f"c-{number}"}, **fields}})

    with _running(
        [str(python.parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, folder
    ):
        origin = f"http://127.0.0.1:{port}"
        table = {
            "TableName": "t",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        load.run(origin, [[call("CreateTable", table)]])

        def read(count: int) -> Requests:
            load.run(origin, [[create(n) for n in range(count)]])
            return lambda n: call(
                "GetItem", {"TableName": "t", "Key": {"id": {"S": f"c-{n % count}"}}}
            )

        yield Fake("moto", origin, create, read)


@contextmanager
def json_server(folder: Path) -> Iterator[Fake]:
    place = PLACE / "json-server"
    program = place / "node_modules" / ".bin" / "json-server"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise OSError("there is no npm")
        subprocess.run([npm, "install", "--silent", "json-server@0.17.4"], cwd=place, check=True)
    database = folder / "db.json"
    database.write_text('{"customers": []}')
    port = _free_port()
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), "--quiet", str(database)]
    with _running(command, port, folder):
        origin = f"http://127.0.0.1:{port}"

        def create(number: int) -> bytes:
            return load.request("POST", "/customers", {}, msgspec.json.encode(document(number)))

        def read(count: int) -> Requests:
            load.run(origin, [[create(n) for n in range(count)]])
            return lambda n: load.request("GET", f"/customers/{n % count + 1}", {})

        yield Fake("json-server", origin, create, read)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(process, port)
            yield
        finally:
            process.terminate()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise OSError(f"{process.args!r} did not start")


if __name__ == "__main__":
    main()
