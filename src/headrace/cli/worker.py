"""`headrace worker`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.interruptible import leave_reading
from headrace.cli.long_run import run_long
from headrace.cli.show.console import JsonOption, ProjectOption, console, several
from headrace.cli.show.long_rounds import LongRounds
from headrace.cli.show.rounds import RoundLines
from headrace.cli.signals import SignalCallbacks
from headrace.fleet.observer import Observers
from headrace.fleet.workers.worker import TAKEOVER_S, Worker
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.model.errors import ConfigurationError
from headrace.watching.watch import Watch

_AT_ONCE = 8
_TAKEOVER_MIN_S = 2.0


def command(
    project: ProjectOption = Path(),
    at_once: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            help="How many organisations this worker has open at the same time, each with its "
            "book in memory. A round mostly waits for the API, so several fit on a core.",
        ),
    ] = _AT_ONCE,
    takeover: Annotated[
        str,
        typer.Option(
            help="How long this worker may not answer until others take its rounds over, such as "
            "20s. Within three fifths of it, it stops sending by itself."
        ),
    ] = f"{TAKEOVER_S:g}s",
    metrics: Annotated[
        str,
        typer.Option(
            help="Serve metrics, health checks and the status page at this address, such as 9464 "
            "for a port of this machine only.",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Take rounds of organisations from the queue, together with other workers, until stopped.

    All workers share the PostgreSQL database of the setting `state`: on any number of machines,
    started and stopped at any time. It has the organisations of headrace.toml and those that
    `headrace fleet add` made. Each gets a round at its interval and after `headrace fleet sync`; no
    two workers work on the same one at a time. If a worker dies or is cut off, others take over.
    Alerts are sent as by `headrace run`: each worker watches over the organisations whose last
    round it did. Ctrl-C and SIGTERM let requests in flight finish. With --json, one JSON document
    per round and line.

    Example: headrace worker --project /srv/billing-sync --at-once 16
    """
    try:
        seconds = parse_interval(takeover).total_seconds()
    except ValueError as error:
        raise ConfigurationError(f"--takeover: {error}.") from None
    if seconds < _TAKEOVER_MIN_S:
        raise ConfigurationError(f"--takeover must be at least {_TAKEOVER_MIN_S:g}s.")

    def complain(sentence: str) -> None:
        print(f"warning: {sentence}", file=sys.stderr, flush=True)

    watch = Watch(metrics, SYSTEM_CLOCK)
    lines = RoundLines(SYSTEM_CLOCK, json=json)
    observers = Observers(watch.observers, LongRounds(SYSTEM_CLOCK, lines.say))
    worker = Worker(project, at_once, seconds, SYSTEM_CLOCK, lines.show, complain, observers)
    if not json:
        text = f"worker {worker.name}: {several(at_once, 'organisation')} at a time"
        console.print(text, markup=False)
    with watch:
        if watch.url:
            print(f"status, metrics and health at {watch.url}", file=sys.stderr, flush=True)
        run_long(_stoppable(worker, watch))


async def _stoppable(worker: Worker, watch: Watch) -> None:
    signals = SignalCallbacks(lambda number: worker.stop())
    try:
        left = await worker.run()
    finally:
        signals.restore()
    if left:
        leave_reading(left, watch.stop)
