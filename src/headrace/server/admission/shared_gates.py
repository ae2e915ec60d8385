"""The gates of all workers of one `headrace serve`, in memory that they share.

A file without a name, inherited by the workers, holds a block for each organisation: how many
requests each worker has under way, and the arrivals of the last 60 seconds as a ring of
(millisecond, how many). Arrivals are taken as a millisecond later and windows as ending a
millisecond earlier than they may be, so that rounding never lets one request more through. A
worker locks an organisation's block while it looks and counts; the lock goes with the process that
holds it, and so does what a dead worker had under way.
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
"""Cells of a block: the ring's first entry, its entries, the arrivals in them, then the workers."""
_WINDOW_MS = int(WINDOW_S * 1000)
_SEGMENT_BLOCKS = 64
_COUNT = 1 << 32
"""A worker's cell is its generation times this, plus its requests under way."""


class SharedMemory:
    """Made by the process that starts the workers, before it starts them."""

    def __init__(self, limits: Limits, workers: int) -> None:
        self.limits = limits
        self.workers = workers
        # By the rounding, arrivals of two more milliseconds than the window has may be kept.
        self.ring = min(limits.per_minute or 0, _WINDOW_MS + 2)
        cells = _FIRST_WORKER + workers + 2 * self.ring
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
        """The worker of this number has gone: nothing of it is under way."""
        self.generations[worker] += 1


class SharedGates:
    """One worker's view. Not for several threads."""

    def __init__(self, memory: SharedMemory, worker: int) -> None:
        self._memory = memory
        self._worker = worker
        self._mine = memory.generations[worker]
        self._segments: dict[int, memoryview] = {}
        self._blocks: dict[int, memoryview] = {}

    def enter(self, organisation: int, now: float) -> int:
        """As `Gate.enter`, over all workers; `now` is the machine's monotonic clock."""
        limits = self._memory.limits
        file = self._memory.file
        cells = self._blocks.get(organisation)
        if cells is None:
            cells = self._blocks[organisation] = self._block(organisation)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, organisation)
        try:
            wait = self._expire(cells, now) if limits.per_minute is not None else 0.0
            in_flight = self._in_flight(cells)
            if limits.per_minute is not None and cells[_USED] >= limits.per_minute:
                raise too_fast(limits, in_flight, wait)
            if limits.concurrent is not None and in_flight >= limits.concurrent:
                raise too_many(limits, in_flight, cells[_USED], wait)
            if limits.per_minute is not None:
                self._arrive(cells, math.ceil(now * 1000))
            cells[_FIRST_WORKER + self._worker] += 1
            return in_flight + 1
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, organisation)

    def leave(self, organisation: int) -> None:
        """As `Gate.leave`."""
        # No lock: only this worker writes the cell.
        self._blocks[organisation][_FIRST_WORKER + self._worker] -= 1

    def _expire(self, cells: memoryview, now: float) -> float:
        """Drop arrivals that left the window; gives the seconds until the next does."""
        ring, end = self._memory.ring, math.floor(now * 1000) - _WINDOW_MS
        base = _FIRST_WORKER + self._memory.workers
        head, entries = cells[_HEAD], cells[_ENTRIES]
        while entries and cells[base + 2 * head] <= end:
            cells[_USED] -= cells[base + 2 * head + 1]
            head, entries = (head + 1) % ring, entries - 1
        cells[_HEAD], cells[_ENTRIES] = head, entries
        return (cells[base + 2 * head] - end) / 1000 if entries else 0.0

    def _arrive(self, cells: memoryview, moment: int) -> None:
        ring, entries = self._memory.ring, cells[_ENTRIES]
        base = _FIRST_WORKER + self._memory.workers
        last = base + 2 * ((cells[_HEAD] + entries - 1) % ring)
        if entries and cells[last] >= moment:
            cells[last + 1] += 1
        else:
            at = base + 2 * ((cells[_HEAD] + entries) % ring)
            cells[at], cells[at + 1] = moment, 1
            cells[_ENTRIES] = entries + 1
        cells[_USED] += 1

    def _in_flight(self, cells: memoryview) -> int:
        """Of all workers that live; a cell of an earlier life counts for nothing."""
        total = 0
        for worker, generation in enumerate(self._memory.generations[: self._memory.workers]):
            cell = cells[_FIRST_WORKER + worker]
            if cell // _COUNT == generation:
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
