"""Whole commands against a server that answers anything: each ends in time, with one of the known
exit codes and a sentence, never with a traceback."""

from __future__ import annotations

import gzip
import socket
import time
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import msgspec
import pytest
from desk import Desk, HubDesk
from rewound import Rewound
from shop import Shop
from test_hostile_server import server

from headrace.cli.exit_codes import ExitCode
from headrace.model.entity import ENTITIES
from headrace.testkit.hub import RunningHub

COMMANDS = (
    *(("check",), ("plan",), ("apply", "--force"), ("drift",), ("drift", "--repair")),
    *(("reconcile",), ("collected",), ("adopt",), ("adopt", "--write"), ("status",)),
    *(("apply", "--force", "--retry-rejected"), ("plan", "--json"), ("run", "--once")),
)
SECONDS = 40.0
"""For one command, on a busy machine; a request that hangs takes one."""
STATUSES = (100, 101, 199, 200, 200, 200, 200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403)
STATUSES += (404, 405, 408, 409, 413, 418, 422, 423, 425, 429, 500, 502, 503, 504, 520, 529, 599)
KINDS = ("application/json", "application/json; charset=utf-16", "text/html", "", "\x7f")
SHAPES: tuple[object, ...] = (None, True, 0, -1, 10**30, 1.5, "", "x", "\ud7ff", [], [None], {})


class Nonsense:
    """Answers by a seed: so often as the hub does that it stands before, else something like what
    the API says, or nothing like it."""

    def __init__(self, seed: int, hub: str) -> None:
        self._random = Random(seed)
        self._sense = (0.0, 0.5, 0.9, 0.97)[seed % 4]
        self._hub = urlsplit(hub)
        self.answered = 0

    def talk(self, connection: socket.socket, request: bytes) -> None:
        self.answered += 1
        if self._random.random() < self._sense:
            self._forward(connection, request)
            return
        kind = self._random.random()
        if kind < 0.06:
            connection.sendall(self._random.randbytes(self._random.randrange(200)))
            raise ConnectionError
        if kind < 0.1:
            raise ConnectionError
        body = self._body(request)
        if kind < 0.15:
            body = body[: self._random.randrange(len(body) + 1)]
        connection.sendall(self._head(len(body)) + body)

    def _forward(self, connection: socket.socket, request: bytes) -> None:
        with socket.create_connection((self._hub.hostname, self._hub.port)) as hub:
            hub.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            while part := hub.recv(65_536):
                connection.sendall(part)
        raise ConnectionError

    def _head(self, length: int) -> bytes:
        chance = self._random
        lines = [f"HTTP/1.1 {chance.choice(STATUSES)} Whatever"]
        if chance.random() < 0.8:
            lines.append(
                f"content-type: {KINDS[0] if chance.random() < 0.7 else chance.choice(KINDS)}"
            )
        lied = length if chance.random() < 0.95 else chance.randrange(2 * length + 2)
        lines.append(f"content-length: {lied}")
        if chance.random() < 0.1:
            lines.append("content-encoding: gzip")
        if chance.random() < 0.1:
            lines.append(f"location: {chance.choice(['/', 'http://127.0.0.1:9/', 'x:', ''])}")
        if chance.random() < 0.3:
            lines.append(f"retry-after: {chance.choice(['0', '0.1', '-1', 'soon', 'nan'])}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _body(self, request: bytes) -> bytes:
        chance = self._random
        kind = chance.random()
        if kind < 0.1:
            return chance.randbytes(chance.randrange(300))
        if kind < 0.15:
            return b"[" * chance.choice([1, 100_000])
        if kind < 0.2:
            return gzip.compress(b"{}")
        if kind < 0.25:
            return "{}".encode("utf-16")
        if kind < 0.5 and (sent := request.partition(b"\r\n\r\n")[2]):
            return sent  # the record itself
        return msgspec.json.encode(self._document(2))

    def _document(self, depth: int) -> dict[str, object]:
        chance = self._random
        names = ["id", "externalId", "name", "currency", "amount", "grossAmount", "balance"]
        names += [
            "amountOutstanding",
            "customer",
            "contacts",
            "linkedInvoices",
            "createdAt",
            "state",
        ]
        document: dict[str, object] = {
            name: self._value(depth) for name in chance.sample(names, chance.randrange(len(names)))
        }
        if depth == 2:
            for entity in ENTITIES:
                items = [self._document(1) for _ in range(chance.randrange(4))]
                document[entity.envelope] = items if chance.random() < 0.8 else self._value(1)
            document["total"] = chance.choice([0, 1, 2, 3, 1000, -1, None, "3", 10**12])
        return document

    def _value(self, depth: int) -> object:
        kind = self._random.random()
        if kind < 0.4 and depth:
            return self._document(0) if kind < 0.2 else [self._document(0)]
        if kind < 0.7:
            return self._random.choice(["C0", "I1", "EUR", "DUE", "2026-05-05", "1", 100])
        return self._random.choice(SHAPES)


@pytest.fixture(scope="module")
def half_way(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    shop = Shop(tmp_path_factory.mktemp("half-way") / "shop", timeout="1s")
    for n in range(3):
        shop.customer(f"C{n}")
        shop.invoice(f"I{n}", f"C{n}", 1000)
    made = HubDesk(shop.folder, open_hub, "half-way")
    made.apply()
    for n in range(2):
        shop.payment(f"P{n}", f"C{n}", 400, {f"I{n}": 400})
    shop.run("update invoices set name = 'other' where external_id = 'I0'")
    shop.run("delete from invoices where external_id = 'I2'")
    shop.close()
    return Rewound(made)


@pytest.fixture
def desk(half_way: Rewound, tmp_path: Path) -> Desk:
    """Half of its records are told to a hub; the others are new."""
    return half_way.again(tmp_path / "shop")


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits as short as a test's."""
    monkeypatch.setattr("headrace.client.retry.Backoff.wait_after", lambda self, attempt: 0.01)
    monkeypatch.setattr("headrace.client.verdict._ASKED_MAX", 0.05)
    monkeypatch.setattr("headrace.client.verdict._ASKED_DEFAULT", 0.05)


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(n, marks=pytest.mark.soak) for n in range(4, 300))]
)
def test_every_command_ends_with_a_known_code_and_a_sentence(desk: Desk, seed: int) -> None:
    nonsense = Nonsense(seed, desk.environment["HEADRACE_URL"])
    with server(nonsense.talk) as port:
        desk.environment["HEADRACE_URL"] = f"http://127.0.0.1:{port}/v1"
        for words in COMMANDS:
            before = nonsense.answered
            more = ("--patience", "1s") if words[0] == "apply" else ()
            started = time.monotonic()
            done = desk.command(*words, *more)
            took = time.monotonic() - started
            said = f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            assert took < SECONDS, said
            assert nonsense.answered - before < 2_000, said
            assert done.returncode in set(ExitCode) - {ExitCode.DEFECT}, said
            assert "Traceback" not in done.stdout + done.stderr, said
            assert done.stdout.strip() or done.stderr.strip(), said
            if done.stderr:
                assert all(len(line) < 1000 for line in done.stderr.splitlines()), said
