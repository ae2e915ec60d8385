"""`headrace proxy`: the real server beside a hub."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from headrace.cli.exit_codes import ExitCode
from headrace.cli.options.record import with_options
from headrace.cli.show.console import JsonOption
from headrace.client.transport import trusting
from headrace.fleet.secrets import resolve
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError, Defect
from headrace.oracle.recording import server_name
from headrace.proxy.application import Proxy
from headrace.proxy.backlog import Backlog
from headrace.proxy.consent import Target, target_of
from headrace.proxy.upstream import Upstream
from headrace.server.process.run import HubServer, address_of, listen

_DRAIN_S = 60
"""How long what was passed on may still be compared after the proxy has been told to end."""


class Options(Struct, frozen=True, kw_only=True):
    """Options of `headrace proxy`."""

    upstream: Annotated[
        str, typer.Option(help="The real server's base URL: https://api.sandbox.upflow.io/v1.")
    ]
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = 8090
    consent: Annotated[
        bool,
        typer.Option(
            "--consent", help="Pass on writes as well; never to Upflow's production, which is read."
        ),
    ] = False
    record: Annotated[
        Path | None,
        typer.Option(help="Keep the shapes of what passes in this new file, to be shared."),
    ] = None
    timeout: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds that an answer may take.")
    ] = 60.0
    ca_file: Annotated[
        Path | None,
        typer.Option(help="PEM file of certificates to trust instead of the system's."),
    ] = None
    json: JsonOption = False


@with_options(Options)
def command(options: Options) -> None:
    """Pass requests on to the real server, and tell where a hub would answer otherwise.

    Point a client at it instead of Upflow. The client gets what the real server answered; behind
    its back the same request is played on a hub of the proxy's own, and each difference in shape
    is printed once: status, fields, types, null, enumerations, envelope, pages, order, headers and
    limits. It passes on reads; writes only with --consent. A recording has no values, only their
    shapes. Ctrl-C ends it, with a summary and exit code 9 when there were differences.

    Example: headrace proxy --upstream https://api.sandbox.upflow.io/v1 --record sandbox.jsonl
    """
    url = resolve(options.upstream, "--upstream", Path(), os.environ)
    target = target_of(url, options.consent)
    if options.ca_file is not None:
        trusting(options.ca_file, "--ca-file")
    with listen(options.host, options.port) as sock:
        witness = _witness(options, target)
        try:
            assert witness.stdin is not None
            backlog = Backlog(witness.stdin)
            upstream = functools.partial(Upstream, target.base, options.timeout, options.ca_file)
            proxy = Proxy(target, upstream, backlog.offer, SYSTEM_CLOCK, os.urandom(32))
            server = HubServer(proxy, lambda: _say(address_of(sock), target))
            server.config.date_header = False  # the real server's date is passed on
            server.run_on(sock)
            backlog.close()
            code = witness.wait(_DRAIN_S)
        finally:
            if witness.poll() is None:
                witness.kill()
                witness.wait()
    if code not in (ExitCode.DONE, ExitCode.DIFFERS) or backlog.broken:
        raise Defect("The comparison ended early: some of what passed was not compared.")
    if code:
        raise typer.Exit(code)


def _witness(options: Options, target: Target) -> subprocess.Popen[bytes]:
    """Start the process that compares. Raises ConfigurationError when it can't start."""
    arguments = ["from headrace.cli.witness import main; main()", server_name(target.host)]
    arguments += ["json" if options.json else "text"]
    if options.record is not None:
        if options.record.exists():
            raise ConfigurationError(f"{options.record} exists: a recording is a new file.")
        arguments.append(str(options.record))
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        # Ctrl-C is for the proxy, which ends this process when all has been compared.
        start_new_session=True,
    )


def _say(address: str, target: Target) -> None:
    passes = "reads and writes" if target.consent and not target.is_production else "reads"
    print(f"listening on {address}", flush=True)
    print(f"passes {passes} on to {target.base}", flush=True)
