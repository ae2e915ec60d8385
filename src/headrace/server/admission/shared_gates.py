"""The limits of all worker processes of one `headrace serve`, in shared memory.

An anonymous file, inherited by the workers, holds a block per organisation: the requests in flight
of each worker, and the arrivals of the last 60 seconds as a ring of (millisecond, count). A worker
locks the organisation's block while it checks and counts.

Times are rounded so that an error can only refuse a request, never admit one too many: arrivals are
rounded up to the next millisecond, the start of the window down. Example: an arrival at 0.0004 s is
stored as 1 ms and still counts at 60.0009 s, though it left the exact window half a millisecond
before.

A worker that crashes can't clean up. The operating system releases its file lock, and the parent
process raises the worker's generation, which invalidates all its counts at once.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import tempfile

from headrace.server.admission.limits import WINDOW_S, Limits, too_fast, too_many

_CELL = 8
_HEAD, _ENTRIES, _USED, _FIRST_WORKER = range(4)
"""Cells of a block: index of the ring's first entry, number of entries, sum of their arrivals,
then one cell for each worker."""
_WINDOW_MS = int(WINDOW_S * 1000)
_RING_MAX = _WINDOW_MS + 2
"""Because of the rounding, arrivals can span two milliseconds more than the window."""
_SEGMENT_BLOCKS = 64
_COUNT = 1 << 32
"""A worker's cell holds its generation times this number, plus its requests in flight."""


class SharedMemory:
    """The shared memory; created by the parent process before it starts the workers."""

    def __init__(self, limits: Limits, workers: int) -> None:
        self.limits = limits
        self.workers = workers
        # Room for the largest ring, as a sandbox may have any limits of its own. The file is
        # sparse: pages that no ring reaches take no memory.
        cells = _FIRST_WORKER + workers + 2 * _RING_MAX
        self.block = -(-cells * _CELL // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        if hasattr(os, "memfd_create"):
            self.file = os.memfd_create("headrace-gates")
        else:
            with tempfile.TemporaryFile() as file:
                self.file = os.dup(file.fileno())
        generations = -(-workers * _CELL // mmap.ALLOCATIONGRANULARITY)
        self.start = generations * mmap.ALLOCATIONGRANULARITY
        os.ftruncate(self.file, self.start)
        self.generations = memoryview(mmap.mmap(self.file, self.start)).cast("q")

    def renew(self, worker: int) -> None:
        """Invalidate the counts of a worker that has died."""
        self.generations[worker] += 1


class SharedGates:
    """One worker's access to the shared limits. Not thread-safe."""

    def __init__(self, memory: SharedMemory, worker: int) -> None:
        self._memory = memory
        self._worker = worker
        self._mine = memory.generations[worker]
        self._segments: dict[int, memoryview] = {}
        self._blocks: dict[int, memoryview] = {}

    def enter(self, organisation: int, now: float, limits: Limits | None = None) -> int:
        """Like `Gate.enter`, counting all workers; `now` is the machine's monotonic clock."""
        limits = limits or self._memory.limits
        file = self._memory.file
        cells = self._blocks.get(organisation)
        if cells is None:
            cells = self._blocks[organisation] = self._block(organisation)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, organisation)
        try:
            ring = min(limits.per_minute or 0, _RING_MAX)
            wait = self._expire(cells, now, ring) if ring else 0.0
            in_flight = self._in_flight(cells)
            if limits.per_minute is not None and cells[_USED] >= limits.per_minute:
                raise too_fast(limits, in_flight, wait)
            if limits.concurrent is not None and in_flight >= limits.concurrent:
                raise too_many(limits, in_flight, cells[_USED], wait)
            if limits.per_minute is not None:
                self._arrive(cells, math.ceil(now * 1000), ring)
            cells[_FIRST_WORKER + self._worker] += 1
            return in_flight + 1
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, organisation)

    def leave(self, organisation: int) -> None:
        """Like `Gate.leave`."""
        # No lock is needed: only this worker writes its cell.
        self._blocks[organisation][_FIRST_WORKER + self._worker] -= 1

    def forget(self, organisation: int) -> None:
        """Do nothing: the pages stay, as other workers may be counting there."""

    def _expire(self, cells: memoryview, now: float, ring: int) -> float:
        """Drop arrivals that have left the window; returns the seconds until the next one
        leaves."""
        end = math.floor(now * 1000) - _WINDOW_MS
        base = _FIRST_WORKER + self._memory.workers
        head, entries = cells[_HEAD], cells[_ENTRIES]
        while entries and cells[base + 2 * head] <= end:
            cells[_USED] -= cells[base + 2 * head + 1]
            head, entries = (head + 1) % ring, entries - 1
        cells[_HEAD], cells[_ENTRIES] = head, entries
        return (cells[base + 2 * head] - end) / 1000 if entries else 0.0

    def _arrive(self, cells: memoryview, moment: int, ring: int) -> None:
        entries = cells[_ENTRIES]
        base = _FIRST_WORKER + self._memory.workers
        last = base + 2 * ((cells[_HEAD] + entries - 1) % ring)
        if entries and cells[last] >= moment:
            # Several arrivals in one millisecond share an entry. That bounds the ring: it never
            # needs more entries than the window has milliseconds, nor more than the limit allows
            # arrivals.
            cells[last + 1] += 1
        else:
            at = base + 2 * ((cells[_HEAD] + entries) % ring)
            cells[at], cells[at + 1] = moment, 1
            cells[_ENTRIES] = entries + 1
        cells[_USED] += 1

    def _in_flight(self, cells: memoryview) -> int:
        """Count the requests in flight of all living workers. Cells of an earlier generation are
        ignored."""
        total = 0
        for worker, generation in enumerate(self._memory.generations[: self._memory.workers]):
            cell = cells[_FIRST_WORKER + worker]
            if cell // _COUNT == generation:
                # A cell belongs to the present generation only if the parent has not raised it
                # since. Example: worker 2 dies with 3 requests in flight, cell = 0 * 2^32 + 3. Its
                # generation becomes 1, so the cell no longer counts. The replacement sets the cell
                # to 1 * 2^32 + 0 when it first admits a request of that organisation.
                total += cell % _COUNT
            elif worker == self._worker:
                cells[_FIRST_WORKER + worker] = self._mine * _COUNT
        return total

    def _block(self, organisation: int) -> memoryview:
        memory = self._memory
        number, place = divmod(organisation, _SEGMENT_BLOCKS)
        segment = self._segments.get(number)
        if segment is None:
            length = _SEGMENT_BLOCKS * memory.block
            start = memory.start + number * length
            fcntl.lockf(memory.file, fcntl.LOCK_EX, 1, 0)
            try:
                if os.fstat(memory.file).st_size < start + length:
                    os.ftruncate(memory.file, start + length)
            finally:
                fcntl.lockf(memory.file, fcntl.LOCK_UN, 1, 0)
            segment = memoryview(mmap.mmap(memory.file, length, offset=start))
            self._segments[number] = segment
        return segment[place * memory.block : (place + 1) * memory.block].cast("q")
