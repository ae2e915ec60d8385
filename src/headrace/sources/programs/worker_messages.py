"""What a worker says (see `worker.py`), as messages; its failure is one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from headrace.model.errors import SourceError
from headrace.sources.address import masked
from headrace.sources.programs.forks import start_worker
from headrace.sources.programs.process import messages
from headrace.sources.programs.worker import LOADED


def worker_messages(
    what: str, task: dict[str, Any], secrets: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the messages of a worker for a task, its last one left out.

    Raises SourceError with the worker's own words, without secrets, and when it ends early.
    """
    command = [sys.executable, "-m", "headrace.sources.programs.worker"]
    start = partial(start_worker, command, LOADED.get(task["kind"], ()))
    done = False
    for message in messages(what, command, msgspec.json.encode(task), secrets, start=start):
        if "error" in message:
            words = " ".join(str(message["error"]).split())
            raise SourceError(f"{what}: {masked(words, secrets).rstrip('.')}.")
        if "done" in message:
            done = True
        else:
            yield message
    if not done:
        raise SourceError(f"{what}: it ended before all records were read.")
