"""A hub for tests: in a thread of this process, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from headrace.control.access import Access, find_token, make_token
from headrace.control.application import Parts, put_together
from headrace.control.client import ControlClient, path_of
from headrace.model.clock import SYSTEM_CLOCK, format_instant
from headrace.model.errors import Refused
from headrace.server.admission.doors import door_for
from headrace.server.admission.limits import parse_limits
from headrace.server.app import Send
from headrace.server.http.incoming import Receive
from headrace.server.observing.request_journal import JOURNAL, RequestJournal
from headrace.server.observing.request_log import LogRecord
from headrace.server.process.run import PDFS, HubServer, address_of, folder_lock, listen
from headrace.server.visit import Scope
from headrace.store.admin.keys import KeyPair, make_key
from headrace.store.engine.place import Place, open_store, transactions
from headrace.store.pdf_files import FolderPdfs
from headrace.store.records.organisations import make_organisation
from headrace.testkit.billing.company_seed import CompanyProfiles
from headrace.testkit.conformance.verified import verified_rules
from headrace.testkit.hub_control import TEST_ORGANISATION, Controlled, Sandbox, Seed

_START_S = 30.0
_JOURNAL_BYTES = 10_000_000


class RunningHub(Controlled):
    """A hub that serves in a thread of this process; see `hub`."""

    def __init__(
        self,
        place: Place,
        origin: str,
        log: _Log,
        control: ControlClient,
        seed: Seed = None,
    ) -> None:
        self.place = place
        self._control = control
        assert place.folder is not None
        self.folder = place.folder
        self.url = f"{origin}/v1"
        """The API's base."""
        self._log = log
        made = _first_organisation(control, seed)
        self.key: str = made["key"]
        self.secret: str = made["secret"]

    @property
    def control(self) -> ControlClient:
        """Raw client of the control plane."""
        return self._control

    @property
    def headers(self) -> dict[str, str]:
        """The key pair of the organisation `test` as request headers."""
        return {"X-Api-Key": self.key, "X-Api-Secret": self.secret}

    def add_organisation(self, name: str, currency: str = "EUR", time_zone: str = "UTC") -> KeyPair:
        """Add an organisation; returns a key pair of it."""
        return make_keys(self.place, name, currency, time_zone)

    @property
    def options(self) -> tuple[str, ...]:
        """Command-line options that name the hub's data."""
        return _options(self.place)

    def requests(self) -> list[LogRecord]:
        """Return the request log so far, in the order of the answers."""
        return self._log.all()

    @contextlib.contextmanager
    def sandbox(self, **options: Any) -> Iterator[Sandbox]:
        """Make a sandbox as `Controlled.sandbox` does; its requests leave the log with it."""
        with super().sandbox(**options) as made:
            try:
                yield made
            finally:
                self._log.forget(made.name)

    def _log_reader(self) -> Callable[[], Sequence[LogRecord]]:
        return self._log.all


class _Log:
    """The request log, written by the hub's thread and read by the test's."""

    def __init__(self) -> None:
        self._records: list[LogRecord] = []
        self._lock = threading.Lock()

    def __call__(self, record: LogRecord) -> None:
        with self._lock:
            self._records.append(record)

    def all(self) -> list[LogRecord]:
        with self._lock:
            return list(self._records)

    def forget(self, organisation: str) -> None:
        with self._lock:
            self._records = [one for one in self._records if one.organisation != organisation]


def _first_organisation(control: ControlClient, seed: Seed) -> dict[str, Any]:
    """Make the organisation `test`, or in a folder that has it already, another key of it."""
    draft = {"name": TEST_ORGANISATION, "expiresIn": None, "seed": seed}
    try:
        made: dict[str, Any] = control.call("POST", "/sandboxes", draft)
    except Refused as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        made = control.call("POST", path_of("organisations", TEST_ORGANISATION, "keys"), {})
    return made


def make_keys(
    place: Place | Path, name: str, currency: str = "EUR", time_zone: str = "UTC"
) -> KeyPair:
    """Add an organisation to a hub's data and return a key pair; the hub may be running."""
    now = format_instant(SYSTEM_CLOCK.now())
    if isinstance(place, Path):
        place = Place(folder=place)
    with transactions(place, make=True) as transact:
        transact(make_organisation, name, currency, time_zone, now)
        return transact(make_key, name, now)


@contextlib.contextmanager
def hub(
    limits: str = "off",
    folder: Path | None = None,
    *,
    latency: float = 0.0,
    database: str | None = None,
    seed: Seed = None,
    console: bool = False,
    sync_pages: str = "",
) -> Iterator[RunningHub]:
    """Run a hub on a free loopback port, with an organisation `test`, until the end of the block.

    `test` is a sandbox without an end, with the data of `seed`; `sandbox()` of the hub makes more.

    `limits` are those of `headrace serve`. With `folder` the data are kept; without it they are
    deleted at the end, and the hub does not wait for the disk. `database` is the URL of a
    PostgreSQL database to use instead of SQLite. Every answer is delayed by `latency` seconds, as
    on a network. The hub is in test mode, and its control plane is open. With `console` people can
    sign in; requests are kept for it, and it links to `sync_pages`.
    """
    durable = folder is not None
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-")))
        place = Place(folder=folder, url=database)
        if database is None:
            stack.enter_context(folder_lock(folder))
        store = open_store(place, durable=durable)
        stack.callback(store.close)
        log = _Log()
        pdfs = FolderPdfs(folder / PDFS)
        journal = None
        if console:
            journal = RequestJournal(folder / JOURNAL, _JOURNAL_BYTES)
            stack.callback(journal.close)
        access = Access(make_token(folder))
        app: Any = put_together(
            Parts(
                place=place,
                store=store,
                door=door_for(store, SYSTEM_CLOCK, parse_limits(limits)),
                pdfs=pdfs,
                sink=log,
                journal=journal,
                access=access,
                profiles=CompanyProfiles(),
                test_mode=True,
                console=console,
                sync_pages=sync_pages,
                verified=verified_rules,
                limits=parse_limits(limits),
                own_process=False,
            )
        )
        if latency:
            app = _delayed(app, latency)
        sock = listen("127.0.0.1", 0)
        origin = address_of(sock)
        ready = threading.Event()
        server = HubServer(app, ready.set)
        thread = threading.Thread(target=server.run_on, args=(sock,), name="hub", daemon=True)
        thread.start()
        stack.callback(_stop, server, thread)
        if not ready.wait(_START_S):
            raise TimeoutError("the hub did not start")
        yield RunningHub(place, origin, log, ControlClient(origin, access.token), seed)


def _stop(server: HubServer, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join()


def _delayed(app: Any, latency: float) -> Callable[[Scope, Receive, Send], Any]:
    async def delayed(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(message: Any) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(latency)
            await send(message)

        await app(scope, receive, send_late)

    return delayed


class HubProcess(Controlled):
    """`headrace serve` as a separate process, which can be restarted on the same port and data."""

    def __init__(
        self,
        data: Path,
        limits: str,
        request_log: Path | None = None,
        options: Sequence[str] = (),
        database: str | None = None,
    ) -> None:
        self.data = data
        self.place = Place(folder=data, url=database)
        self._options = options
        self._limits = limits
        self._request_log = request_log
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.origin = ""

    @property
    def url(self) -> str:
        """The API's base."""
        return f"{self.origin}/v1"

    @property
    def control(self) -> ControlClient:
        """Raw client of the control plane. Raises ConfigurationError if there is none."""
        return ControlClient(self.origin, find_token(self.data))

    @property
    def pid(self) -> int:
        """Id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the hub, again on its first port; returns when it accepts connections."""
        command = [
            sys.executable,
            "-c",
            "from headrace.cli.main import main; main()",
            "serve",
            *_options(self.place),
            "--port",
            str(self._port),
            "--limits",
            self._limits,
            "--log-level",
            "warning",
        ]
        command += self._options
        if self._request_log:
            command += ["--request-log", str(self._request_log)]
        # In a session of its own, so that its workers can be killed with it.
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise RuntimeError(f"the hub did not start: it said {line!r}")
        self.origin = line.removeprefix("listening on ")
        self._port = int(self.origin.rpartition(":")[2])

    def kill(self) -> None:
        """Kill the hub and its workers by SIGKILL, without finishing anything."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Stop the hub by SIGTERM, which answers requests in flight; returns the exit code."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Wait until the hub has ended by itself, for example by a fault; returns the exit code."""
        return self._end(None)

    def _end(self, number: signal.Signals | None) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if number is not None:
            process.send_signal(number)
        code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        return code


@contextlib.contextmanager
def hub_process(
    data: Path,
    limits: str = "off",
    request_log: Path | None = None,
    options: Sequence[str] = (),
    database: str | None = None,
) -> Iterator[HubProcess]:
    """Run a hub in a separate process, which is killed at the end of the block.

    `options` are more options of `headrace serve`; `database` is the URL of a PostgreSQL database
    to use instead of SQLite.
    """
    process = HubProcess(data, limits, request_log, options, database)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def _options(place: Place) -> tuple[str, ...]:
    database = ("--database", place.url) if place.url else ()
    return ("--data", str(place.folder), *database)
