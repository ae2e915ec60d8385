"""How many rounds a worker has at a time, besides those whose source does not answer."""

from __future__ import annotations

import asyncio
from typing import Any


class Places:
    """The places of one of Procrastinate's workers, which has no setting for this."""

    def __init__(self, work: Any) -> None:
        """`work` has begun to run: it makes its semaphore only then."""
        self._semaphore: asyncio.Semaphore = work._job_semaphore
        self._added = 0

    async def add(self, count: int) -> None:
        """Have `count` places more than at first. One that is taken stays until it is free."""
        while self._added < count:
            self._semaphore.release()
            self._added += 1
        while self._added > count and not self._semaphore.locked():
            await self._semaphore.acquire()
            self._added -= 1
