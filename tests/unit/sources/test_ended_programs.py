"""Programs that a source reads end with the process, whenever they began."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from headrace.model.errors import SourceError
from headrace.sources import process
from headrace.sources.process import end_programs, messages

_SLEEPS = ["sleep", "300"]
_LEAVES = """
import sys, threading
from headrace.cli import interruptible
from headrace.sources import process
read = threading.Thread(target=lambda: list(process.messages("tap", ["sleep", "300"])), daemon=True)
read.start()
while not process._RUNNING:
    pass
print(next(iter(process._RUNNING)).pid, flush=True)
interruptible._leave("enough")
"""


def _waited_for(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_over(pid: int) -> bool:
    """Also one that nobody has asked how it ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_program_that_just_starts_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on = threading.Event(), threading.Event()
    popen = subprocess.Popen
    made: list[subprocess.Popen[bytes]] = []
    said: list[SourceError] = []

    def slow(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
        made.append(popen(*given, **named))
        started.set()
        go_on.wait(30)
        return made[0]

    def read() -> None:
        with pytest.raises(SourceError) as caught:
            list(messages("tap", _SLEEPS))
        said.append(caught.value)

    monkeypatch.setattr(subprocess, "Popen", slow)
    monkeypatch.setattr(process, "_START_S", 30.0)
    reader, ender = threading.Thread(target=read), threading.Thread(target=end_programs)
    reader.start()
    assert started.wait(30)
    ender.start()
    go_on.set()
    reader.join(30)
    ender.join(30)
    assert made[0].returncode == -9
    assert "ended with code -9" in str(said[0])


def test_one_that_never_starts_keeps_no_others_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START_S", 0.01)
    reader = threading.Thread(target=lambda: list(messages("tap", _SLEEPS)))
    failed: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    reader.start()
    _waited_for(lambda: bool(process._RUNNING))
    with process._STARTING:
        end_programs()
    reader.join(30)
    assert isinstance(failed[0].exc_value, SourceError)


def test_a_process_that_leaves_ends_what_was_started_since_its_interrupt() -> None:
    done = subprocess.run([sys.executable, "-c", _LEAVES], capture_output=True, timeout=60)
    assert done.returncode == 130, done.stderr
    pid = int(done.stdout)
    _waited_for(lambda: _is_over(pid))
