"""`headrace serve`: the hub."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer
from msgspec import Struct

from headrace.cli.options.like import like
from headrace.cli.options.record import with_options
from headrace.cli.options.sync_pages import SyncPagesOption
from headrace.cli.ready import announce, say
from headrace.console.passwords import check_installed
from headrace.control.access import Access, Reach, make_token
from headrace.control.application import Parts, put_together
from headrace.model.clock import SYSTEM_CLOCK, format_instant
from headrace.model.errors import ConfigurationError
from headrace.oracle.recording import load
from headrace.server.admission.door import Gates
from headrace.server.admission.doors import door_for
from headrace.server.admission.limits import Limits, parse_limits
from headrace.server.admission.shared_gates import SharedGates, SharedMemory
from headrace.server.observing.metrics import SHARED, Metrics, has_metrics
from headrace.server.observing.own_log import LogFormat, LogLevel, start_log
from headrace.server.observing.request_journal import JOURNAL, RequestJournal, make_journal
from headrace.server.observing.request_log import FileSink
from headrace.server.observing.tracing import traced
from headrace.server.process.parent import watch_parent
from headrace.server.process.run import PDFS, HubServer, Tls, address_of, folder_lock, listen
from headrace.server.process.workers import Workers, listen_together
from headrace.store.admin.keys import KeyPair, make_key
from headrace.store.engine.place import Place, find_place, open_store, transactions
from headrace.store.pdf_files import open_pdfs
from headrace.store.records.organisations import make_organisation
from headrace.testkit.billing.company_seed import CompanyProfiles
from headrace.testkit.conformance.verified import verified_rules

_ORGANISATION = "test"
"""That of an ephemeral hub."""
_LOGGER = logging.getLogger("headrace.hub")


class Options(SyncPagesOption, frozen=True, kw_only=True):
    """Options of `headrace serve`."""

    data: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the hub's database and PDFs; made if missing. With --database, of "
            "what the database does not hold."
        ),
    ] = None
    database: Annotated[
        str | None,
        typer.Option(
            help="A PostgreSQL database instead: postgresql://..., or env:NAME or file:PATH of it."
        ),
    ] = None
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = 8080
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes serve; the limits hold for all.")
    ] = 1
    tls_cert: Annotated[
        Path | None, typer.Option(help="Serve https with this certificate chain (PEM).")
    ] = None
    tls_key: Annotated[Path | None, typer.Option(help="The private key of --tls-cert (PEM).")] = (
        None
    )
    limits: Annotated[
        str,
        typer.Option(
            help="upflow: 600 requests a minute, 10 at a time; off; or a number a minute."
        ),
    ] = "upflow"
    pdfs: Annotated[
        str | None,
        typer.Option(
            help="Where PDFs are kept: a folder, or an address such as s3://bucket/folder. "
            "Defaults to the folder pdfs next to the database."
        ),
    ] = None
    log_format: Annotated[LogFormat, typer.Option(help="The hub's own log on standard error.")] = (
        "text"
    )
    log_level: Annotated[LogLevel, typer.Option(help="Minimum level of what it logs.")] = "info"
    request_log: Annotated[
        Path | None, typer.Option(help="Append one JSON line per request to this file.")
    ] = None
    request_journal: Annotated[
        int,
        typer.Option(
            min=0,
            help="MB of requests with their bodies to keep for `headrace logs`; 0 keeps none.",
        ),
    ] = 100
    control: Annotated[
        Literal["loopback", "anywhere", "off"] | None,
        typer.Option(
            help="Who may use the control plane below /_hub, with its token: loopback for this "
            "machine only, anywhere, or off for nobody. Loopback unless given, and off where a "
            "--database has no --data for the token."
        ),
    ] = None
    like: Annotated[
        Path | None,
        typer.Option(
            help="Answer as the server of this recording of `headrace proxy` does, in statuses and "
            "optional fields."
        ),
    ] = None
    console: Annotated[
        bool,
        typer.Option(
            "--console",
            help="Serve the console below /console, for people who `headrace console add` added.",
        ),
    ] = False
    differences: Annotated[
        Path | None,
        typer.Option(help="What `headrace proxy --json` wrote, for the console to show."),
    ] = None
    test_mode: Annotated[
        bool,
        typer.Option(
            "--test-mode", help="Let the control plane stop and move organisations' time."
        ),
    ] = False
    ephemeral: Annotated[
        bool,
        typer.Option(
            "--ephemeral",
            help="Keep the data in a temporary folder that is removed at the end, with an "
            "organisation `test` and a key pair, instead of --data or --database.",
        ),
    ] = False
    stop_with_parent: Annotated[
        bool,
        typer.Option(
            "--stop-with-parent",
            help="End when the process that started this one has ended, however it did (Linux).",
        ),
    ] = False
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Say in one line of JSON that it accepts requests: url, controlUrl, pid "
            "and, of an ephemeral hub, key, secret and controlToken.",
        ),
    ] = False


@with_options(Options)
def command(options: Options) -> None:
    """Serve Upflow's API v1 from a database of your own: the hub.

    Use it as the target of a sync, in tests instead of a sandbox, or as the place where your
    receivables live. It prints `listening on http://HOST:PORT` when it accepts requests; the API
    is below /v1. Make a key first or meanwhile with `headrace keys create`. SIGTERM and Ctrl-C
    end it once everything that came in is answered.

    For a test or a try, --ephemeral needs no folder and no key: headrace serve --ephemeral --port 0
    --json prints all that a program needs.

    Example: headrace serve --data ./hub --port 8080
    """
    start_log(options.log_format, options.log_level)
    parent = watch_parent() if options.stop_with_parent else None
    options.sync_address()
    if options.console:
        check_installed()
    tls, limits = _tls(options), parse_limits(options.limits)
    if options.like is not None:
        load(options.like)
    with contextlib.ExitStack() as stack:
        place = _place(options, stack)
        if place.url is None:
            assert place.folder is not None
            stack.enter_context(folder_lock(place.folder))
        pair = _make_keys(place) if options.ephemeral else None
        service = _Service(options, place, limits, _access(options.control, place), tls, pair)
        if options.workers > 1:
            service.serve_together(parent)
        else:
            sock = stack.enter_context(listen(options.host, options.port))
            service.serve(sock, lambda: service.say(sock), alive=parent)


def _place(options: Options, stack: contextlib.ExitStack) -> Place:
    """Return where the data are; a temporary folder is removed with `stack`. Raises
    ConfigurationError."""
    if not options.ephemeral:
        return find_place(options.data, options.database)
    if options.data is not None or options.database is not None:
        raise ConfigurationError("--ephemeral keeps no data: leave --data and --database out.")
    # Until the server has its own handlers, SIGTERM would leave the folder behind.
    signal.signal(signal.SIGTERM, _leave)
    # Another thread or a worker may still be closing a file.
    folder = tempfile.TemporaryDirectory(prefix="headrace-hub-", ignore_cleanup_errors=True)
    return Place(folder=Path(stack.enter_context(folder)))


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _make_keys(place: Place) -> KeyPair:
    """Make the organisation of an ephemeral hub; returns its key pair."""
    now = format_instant(SYSTEM_CLOCK.now())
    with transactions(place, make=True) as transact:
        transact(make_organisation, _ORGANISATION, "EUR", "UTC", now)
        return transact(make_key, _ORGANISATION, now)


def _access(reach: Reach | Literal["off"] | None, place: Place) -> Access | None:
    """Return who may use the control plane; None without one. Creates the token when there is
    none."""
    if reach == "off":
        return None
    if reach is None:
        try:
            return Access(make_token(place.folder))
        except ConfigurationError:
            if place.folder is not None:
                raise
            return None
    return Access(make_token(place.folder), reach)


@contextlib.contextmanager
def _shared_metrics() -> Iterator[None]:
    """Create the folder in which the workers combine their metrics; they read its name at start."""
    os.environ[SHARED] = folder = tempfile.mkdtemp(prefix="hub-metrics-")
    try:
        yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)


def _tls(options: Options) -> Tls | None:
    """Return the files, checked. Raises ConfigurationError."""
    if options.tls_cert is None and options.tls_key is None:
        return None
    if options.tls_cert is None or options.tls_key is None:
        raise ConfigurationError("--tls-cert and --tls-key go together: give both.")
    tls = Tls(options.tls_cert, options.tls_key)
    tls.check()
    return tls


class _Service(Struct, frozen=True):
    """The hub in one process or several; each process opens its own resources."""

    options: Options
    place: Place
    limits: Limits
    access: Access | None
    tls: Tls | None
    pair: KeyPair | None
    """Of an ephemeral hub."""

    def say(self, sock: socket.socket) -> None:
        """Say that the hub accepts requests."""
        origin, folder = address_of(sock, self.tls), self.place.folder
        token = self.access.token if self.access else None
        about = announce(origin, str(folder) if folder else None, token, self.pair)
        say(origin, about, self.options.json)

    def serve_together(self, parent: int | None = None) -> None:
        """Run the workers until all are told to end, or `parent` becomes readable."""
        options = self.options
        with transactions(self.place, make=True):
            pass  # create and migrate once, before the workers start
        if options.request_journal and self.place.folder:
            make_journal(self.place.folder / JOURNAL)
        sockets = listen_together(options.host, options.port, options.workers)
        memory = SharedMemory(self.limits, options.workers)

        def work(number: int, ready: Callable[[], None], alive: int) -> None:
            self.serve(sockets[number], ready, SharedGates(memory, number), alive)

        workers = Workers(options.workers, SYSTEM_CLOCK, work, memory.renew, parent)
        with _shared_metrics():
            workers.run(lambda: self.say(sockets[0]))

    def serve(
        self,
        sock: socket.socket,
        ready: Callable[[], None],
        gates: Gates | None = None,
        alive: int | None = None,
    ) -> None:
        """Serve on this process's main thread until told to end."""
        options, folder = self.options, self.place.folder
        with contextlib.ExitStack() as stack:
            store = open_store(self.place, durable=not options.ephemeral)
            stack.callback(store.close)
            files = open_pdfs(options.pdfs, folder / PDFS if folder else None)
            sink = journal = None
            if options.request_log:
                sink = FileSink(options.request_log)
                stack.callback(sink.close)
            if options.request_journal and folder:
                journal = RequestJournal(folder / JOURNAL, options.request_journal * 1_000_000)
                stack.callback(journal.close)
            door = door_for(store, SYSTEM_CLOCK, self.limits, gates)
            app = put_together(
                Parts(
                    place=self.place,
                    store=store,
                    door=door,
                    pdfs=files,
                    sink=sink,
                    journal=journal,
                    access=self.access,
                    profiles=CompanyProfiles(),
                    test_mode=options.test_mode,
                    console=options.console,
                    sync_pages=options.sync_address(),
                    verified=verified_rules,
                    differences=options.differences,
                    limits=self.limits,
                    workers=options.workers,
                )
            )
            alike = app if options.like is None else like(app, options.like)
            watched = traced(Metrics(alike, SYSTEM_CLOCK) if has_metrics() else alike)
            about = {"address": address_of(sock, self.tls)}
            _LOGGER.info("the hub serves", extra=about)
            HubServer(watched, ready, alive, self.tls).run_on(sock)
            _LOGGER.info("the hub has ended", extra=about)
