"""The event loop while one organisation syncs: the longest time for which nothing else could run.

    python bench/pauses.py [--full]

Quick takes 100,000 records, `--full` a million, for which the bar is. A thousand changes are
delivered to a server that takes everything, while a task wakes up every two milliseconds and notes
how late it is. The same is measured of a loop with nothing to do.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.fleet.project import load_project
from headrace.fleet.sync import Watcher, Way, sync_once
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.planning.plan import Plan
from headrace.testkit.billing import changes, generate, write_project
from plan import CHANGED, acknowledge_everything

PAUSE_MAX = 0.05
_TICK = 0.002


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million records")
    records = 1_000_000 if parser.parse_args().full else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-pauses-") as folder:
        idle = asyncio.run(_watched(asyncio.sleep(5)))
        busy, sent = run(Path(folder), records)
    print(
        f"longest pause of the loop, {sent:,} requests of {records:,} records / idle loop: "
        f"{busy / idle:.1f} (at most {PAUSE_MAX * 1000:.0f} ms): "
        f"{busy * 1000:.0f} / {idle * 1000:.0f} ms"
    )


def run(folder: Path, records: int) -> tuple[float, int]:
    """(seconds, requests) of a sync of a thousand changes."""
    database, project = folder / "billing.db", folder / "project"
    generate(database, records=records, seed=1)
    write_project(project, f"sqlite:///{database}")
    with yes_server() as url:
        os.environ.update(HEADRACE_URL=url, HEADRACE_KEY="-", HEADRACE_SECRET="-")
        loaded = load_project(project)
        name = loaded.only(None)
        with loaded.open(name, SYSTEM_CLOCK) as organisation:
            organisation.refresh()
            acknowledge_everything(organisation)
        changes(database, 2, CHANGED)
        way = Way(command="apply", force=True)
        watcher = _Counter()
        pause = asyncio.run(_watched(sync_once(loaded, name, way, SYSTEM_CLOCK, watcher)))
    return pause, watcher.requests


class _Counter(Watcher):
    requests = 0

    def planned(self, plan: Plan) -> None:
        """Keeps how much it is."""
        self.requests = plan.requests


async def _answer(request: Request) -> Response:
    """Takes every record; lists are empty."""
    if request.method == "GET":
        return Response(b'{"items": [], "customers": [], "invoices": [], "total": 0}', 200)
    if request.method == "DELETE":
        return Response(None, 204)
    record = msgspec.json.decode(await request.body())
    return Response(msgspec.json.encode({**record, "id": f"id-{record.get('externalId')}"}), 200)


def _serve(port: int) -> None:
    uvicorn.run(_answer_app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


_answer_app = Starlette(
    routes=[Route("/{path:path}", _answer, methods=["GET", "POST", "PUT", "DELETE"])]
)


@contextmanager
def yes_server() -> Iterator[str]:
    """A server in a process of its own that takes whatever it is sent; its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,))
    process.start()
    try:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.join()


async def _watched(work: Coroutine[Any, Any, Any]) -> float:
    """Runs it; the longest time by which a task beside it was late."""
    latest = 0.0

    async def tick() -> None:
        nonlocal latest
        before = time.monotonic()
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            latest, before = max(latest, now - before - _TICK), now

    ticking = asyncio.create_task(tick())
    try:
        await work
    finally:
        ticking.cancel()
    return latest


if __name__ == "__main__":
    main()
