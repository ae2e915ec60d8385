"""What waits to be compared: a bounded queue to another process, away from the answers' path."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Iterator
from typing import IO

import msgspec
from msgspec import Struct

from headrace.oracle.exchange import Exchange

WAITING_MOST = 64_000_000
"""Bytes of bodies that may wait; what comes then is passed on and not compared."""
_WAITING_COUNT = 5_000
_OVERHEAD = 2_000
_LENGTH = struct.Struct(">I")


class Frame(Struct, frozen=True):
    """What goes to the process that compares."""

    exchange: Exchange | None
    lost: int = 0
    """Exchanges before this one that did not fit into the queue."""


class Backlog:
    """Hands exchanges over, in order. `offer` never waits and never fails."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: deque[Exchange] = deque()
        self._bytes = 0
        self._lost = 0
        self._ending = False
        self.broken = False
        """Whether the other process is gone: nothing is compared any more."""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._hand_over, name="backlog", daemon=True)
        self._thread.start()

    def offer(self, exchange: Exchange) -> bool:
        """Hand an exchange over; returns False when it did not fit."""
        size = _size(exchange)
        with self._changed:
            full = self._bytes + size > WAITING_MOST or len(self._waiting) >= _WAITING_COUNT
            if self.broken or full:
                self._lost += 1
                return False
            self._waiting.append(exchange)
            self._bytes += size
            self._changed.notify()
        return True

    def close(self) -> None:
        """Hand over what waits, then close the pipe."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def _hand_over(self) -> None:
        while (frame := self._next()) is not None:
            data = msgspec.msgpack.encode(frame)
            try:
                self._pipe.write(_LENGTH.pack(len(data)) + data)
                self._pipe.flush()
            except (OSError, ValueError):
                self._break()
                return
        try:
            self._pipe.close()
        except OSError:
            self._break()

    def _next(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending)
            lost, self._lost = self._lost, 0
            if not self._waiting:
                return Frame(None, lost) if lost else None
            exchange = self._waiting.popleft()
            self._bytes -= _size(exchange)
            return Frame(exchange, lost)

    def _break(self) -> None:
        with self._changed:
            self.broken = True
            self._waiting.clear()
            self._bytes = 0


def frames(pipe: IO[bytes]) -> Iterator[Frame]:
    """Read what a `Backlog` writes, until its end."""
    decoder = msgspec.msgpack.Decoder(Frame)
    while len(head := pipe.read(_LENGTH.size)) == _LENGTH.size:
        yield decoder.decode(pipe.read(_LENGTH.unpack(head)[0]))


def _size(exchange: Exchange) -> int:
    return len(exchange.sent) + len(exchange.received) + _OVERHEAD
