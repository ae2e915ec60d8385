"""Deletes sandboxes that have expired, in whichever process of a hub notices first.

Each process looks when it starts, when the next sandbox is due, and at intervals, as other
processes make sandboxes too. A deletion is one transaction that finds its sandbox or does nothing,
so each is deleted once, and one that was missed while no hub ran is deleted at the next start. The
keys end by themselves at the moment of the expiry.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from pathlib import Path

from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError, ServiceUnavailable
from headrace.server.admission.door import Door
from headrace.server.faults.scripts import Faults
from headrace.server.observing.request_forgetting import forget_organisation
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.sandboxes import Sandbox, expired_sandboxes, next_expiry, remove_sandbox
from headrace.store.engine.interface import Store

_LOGGER = logging.getLogger("headrace.server")
LOOK_EVERY_S = 10.0
_STRAGGLERS_S = 1.0
"""After this time, requests that were being answered during a deletion are in the journal."""


class Expiry:
    """One process's part in deleting sandboxes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keeper: PdfKeeper,
        faults: Faults,
        door: Door,
        journal: Path | None,
    ) -> None:
        """`journal` is the file of the request journal, if the hub may have one."""
        self._store = store
        self._clock = clock
        self._keeper = keeper
        self._faults = faults
        self._door = door
        self._journal = journal
        self._woken = asyncio.Event()
        self._forgetting: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look again, because a sandbox was made."""
        self._woken.set()

    async def run(self) -> None:
        """Delete sandboxes as they expire, until cancelled."""
        try:
            while True:
                self._woken.clear()
                wait = await self._look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), wait)
        finally:
            for task in self._forgetting:
                task.cancel()
            if self._forgetting:
                await asyncio.wait(self._forgetting)

    async def remove(self, sandbox: Sandbox) -> bool:
        """Delete a sandbox with all its data. Returns False when somebody else has done it.

        Raises ServiceUnavailable; then nothing is deleted but requests of the journal.
        """
        await self._forget(sandbox.name, self._clock.now())
        removed = await self._store.write(sandbox.seq, remove_sandbox, sandbox.seq)
        if removed is None:
            return False
        self._faults.remove_all(sandbox.name)
        self._door.forget(sandbox.seq)
        self._keeper.sweep()
        task = asyncio.ensure_future(self._forget_stragglers(sandbox.name, self._clock.now()))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)
        return True

    async def _look(self) -> float:
        """Delete what has expired; returns the seconds until it is worth looking again."""
        try:
            for sandbox in await self._store.read(expired_sandboxes, self._clock.now()):
                if await self.remove(sandbox):
                    about = {"organisation": sandbox.name, "expired": sandbox.expires_at}
                    _LOGGER.info("an expired sandbox is deleted", extra=about)
            following = await self._store.read(next_expiry)
        except ServiceUnavailable as error:
            _LOGGER.warning("expired sandboxes will be deleted later: %s", error)
            return LOOK_EVERY_S
        except Exception:
            # The task must live: it is the only one that deletes sandboxes.
            _LOGGER.exception("expired sandboxes could not be deleted")
            return LOOK_EVERY_S
        if following is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, (following - self._clock.now()).total_seconds()))

    async def _forget_stragglers(self, name: str, until: datetime) -> None:
        try:
            await self._clock.sleep(_STRAGGLERS_S)
        finally:
            await self._forget(name, until)

    async def _forget(self, name: str, until: datetime) -> None:
        if self._journal is None:
            return
        try:
            await asyncio.to_thread(forget_organisation, self._journal, name, until)
        except (ConfigurationError, OSError) as error:
            _LOGGER.warning("requests of a deleted sandbox stay in the journal: %s", error)
