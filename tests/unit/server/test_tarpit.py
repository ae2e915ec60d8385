"""Connections on which request after request is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace.server.admission import tarpit
from headrace.server.admission.tarpit import note_refusal, note_service


class Connection:
    """A transport, and the timers that were set for it."""

    def __init__(self) -> None:
        self.refusals = 0
        self.reads = True
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def call_later(self, seconds: float, run: Callable[[], None]) -> None:
        self.timers.append((seconds, run))


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()
    monkeypatch.setattr(tarpit.asyncio, "get_running_loop", lambda: made)
    return made


def test_one_refusal_costs_nothing_and_more_in_a_row_wait_longer_and_longer(
    connection: Connection,
) -> None:
    note_refusal(connection)
    assert connection.reads
    for _ in range(7):
        note_refusal(connection)
        assert not connection.reads
        connection.timers[-1][1]()
        assert connection.reads
    waits = [seconds for seconds, _ in connection.timers]
    assert waits == [0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25]


def test_a_request_that_is_carried_out_ends_the_row(connection: Connection) -> None:
    for _ in range(5):
        note_refusal(connection)
    note_service(connection)
    connection.reads = True
    note_refusal(connection)
    assert connection.reads


def test_without_a_connection_nothing_happens() -> None:
    note_refusal(None)
    note_service(None)
