"""`headrace serve`: the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.model.clock import SYSTEM_CLOCK
from headrace.portal.page import portal_routes
from headrace.server.app import Hub
from headrace.server.doors import door_for
from headrace.server.limits import parse_limits
from headrace.server.request_journal import JOURNAL, RequestJournal
from headrace.server.request_log import FileSink
from headrace.server.run import DATABASE, PDFS, HubServer, address_of, folder_lock, listen
from headrace.store.pdf_files import open_pdfs
from headrace.store.sqlite import SqliteStore


def command(
    data: Annotated[Path, typer.Option(help="The folder of the hub's database; made if missing.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 8080,
    limits: Annotated[
        str,
        typer.Option(
            help="upflow: 600 requests a minute, 10 at a time; off; or a number a minute."
        ),
    ] = "upflow",
    pdfs: Annotated[
        str | None,
        typer.Option(
            help="Where PDFs are kept: a folder, or an address such as s3://bucket/folder. "
            "Unless given, the folder pdfs beside the database."
        ),
    ] = None,
    request_log: Annotated[
        Path | None, typer.Option(help="Append one JSON line per request to this file.")
    ] = None,
    request_journal: Annotated[
        int,
        typer.Option(
            min=0,
            help="MB of requests with their bodies to keep for `headrace logs`; 0 keeps none.",
        ),
    ] = 100,
) -> None:
    """Serve Upflow's API v1 from a database of your own: the hub.

    Use it as the target of a sync, in tests instead of a sandbox, or as the place where your
    receivables live. It prints `listening on http://HOST:PORT` when it accepts requests; the API
    is below /v1. Make a key first or meanwhile with `headrace keys create`. SIGTERM and Ctrl-C
    end it once everything that came in is answered.

    Example: headrace serve --data ./hub --port 8080
    """
    allowed = parse_limits(limits)
    files = open_pdfs(pdfs, data / PDFS)
    with folder_lock(data):
        store = SqliteStore(data / DATABASE)
        sink = FileSink(request_log) if request_log else None
        journal = (
            RequestJournal(data / JOURNAL, request_journal * 1_000_000) if request_journal else None
        )
        try:
            sock = listen(host, port)
            where = f"listening on {address_of(sock)}"
            pages = portal_routes(store, SYSTEM_CLOCK)
            door = door_for(store, SYSTEM_CLOCK, allowed)
            app = Hub(store, SYSTEM_CLOCK, door, files, sink, pages, journal=journal)
            HubServer(app, lambda: print(where, flush=True)).run_on(sock)
        finally:
            store.close()
            if sink is not None:
                sink.close()
            if journal is not None:
                journal.close()
