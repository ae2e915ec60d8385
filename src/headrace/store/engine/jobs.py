"""What is asked of an engine's thread, and how the answer comes back to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct


class Job(Struct, eq=False):
    """A store function to run as `run(db, *arguments)`, and the future that waits for it."""

    run: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


def new_job(run: Callable[..., Any], arguments: tuple[Any, ...]) -> Job:
    """A job whose future belongs to the running event loop."""
    loop = asyncio.get_running_loop()
    return Job(run, arguments, loop, loop.create_future())


def hand_back(jobs: Sequence[Job]) -> None:
    """Resolve the futures of finished jobs, from whichever thread ran them."""
    for loop in {job.loop for job in jobs}:
        mine = [job for job in jobs if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop may be closed: nobody waits then
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
