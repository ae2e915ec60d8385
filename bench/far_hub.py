"""A hub with Upflow's limits in a process of its own, some latency away."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct

from headrace.testkit.hub import hub


class Request(Struct, frozen=True):
    """One request as the hub saw it; moments are monotonic seconds, its latency not counted."""

    arrived: float
    answered: float
    method: str
    status: int
    customer: str | None
    """External id of the customer that it was about."""


class FarHub(Struct):
    """The running hub, with the keys of its one organisation."""

    url: str
    key: str
    secret: str
    pipe: Connection

    def log(self, since: int = 0) -> list[Request]:
        """Every request from the `since`th answer on, in the order of arrival."""
        self.pipe.send(since)
        return sorted((Request(*one) for one in self.pipe.recv()), key=lambda one: one.arrived)


@contextmanager
def far_hub(folder: Path, latency: float) -> Iterator[FarHub]:
    """Serves what `folder` holds; every answer waits `latency` seconds more."""
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=serve_far, args=(other, folder, latency))
    process.start()
    other.close()
    try:
        yield FarHub(*pipe.recv(), pipe)
    finally:
        pipe.send(None)
        process.join()


def serve_far(pipe: Connection, folder: Path, latency: float) -> None:
    """What the process does: answers each number with the requests since, until None comes."""
    with hub("upflow", folder, latency=latency) as running:
        pipe.send((running.url, running.key, running.secret))
        while (since := pipe.recv()) is not None:
            log = running.requests()[since:]
            pipe.send([(r.arrived, r.answered, r.method, r.status, r.customer) for r in log])
