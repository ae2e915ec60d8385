"""Watches hints in a test, and waits for them without guessing how long they take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from headrace.hints.way import Subject, Way
from headrace.model.source_settings import SourceSettings

_PATIENCE_S = 20.0

_MODEL = "select id as external_id, name from {table}"


class Hints:
    """The hints so far."""

    def __init__(self) -> None:
        self.count = 0
        self._came = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._came.set()

    async def more_than(self, count: int) -> None:
        """Wait until there are more."""
        async with asyncio.timeout(_PATIENCE_S):
            while self.count <= count:
                self._came.clear()
                await self._came.wait()


def subject(folder: Path, table: str = "clients", **source: Any) -> Subject:
    """An organisation `shop` whose one model reads one table."""
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "customers.sql").write_text(_MODEL.format(table=table), encoding="utf-8")
    return Subject("shop", SourceSettings(**source), folder, models)


@asynccontextmanager
async def watching(way: Way) -> AsyncIterator[Hints]:
    """Watch for the length of a `with`, from the first hint on."""
    hints = Hints()
    task = asyncio.create_task(way.watch(hints))
    try:
        waiting = asyncio.create_task(hints.more_than(0))
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        await waiting
        yield hints
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
