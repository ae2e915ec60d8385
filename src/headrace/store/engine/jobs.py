"""Jobs: calls handed to an engine's thread, and their results handed back to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct


class Job(Struct, eq=False):
    """A store function to run as `run(db, *arguments)`, with the future that awaits it."""

    run: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


def new_job(run: Callable[..., Any], arguments: tuple[Any, ...]) -> Job:
    """Return a job whose future belongs to the running event loop."""
    loop = asyncio.get_running_loop()
    return Job(run, arguments, loop, loop.create_future())


def hand_back(jobs: Sequence[Job]) -> None:
    """Resolve the futures of finished jobs; may be called from any thread."""
    for loop in {job.loop for job in jobs}:
        mine = [job for job in jobs if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # a closed loop: nothing awaits the result
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
