"""Programs that a source reads end with the process, whenever they began."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import psutil
import pytest

from headrace.model.errors import SourceError
from headrace.sources.programs import process
from headrace.sources.programs.process import end_programs, messages

_SLEEPS = ["sleep", "300"]
_LEAVES = """
import sys, threading
from headrace.cli import interruptible
from headrace.sources.programs import process
read = threading.Thread(target=lambda: list(process.messages("tap", ["sleep", "300"])), daemon=True)
read.start()
while not process._RUNNING:
    pass
print(next(iter(process._RUNNING)).pid, flush=True)
interruptible._leave("enough")
"""


class Starts:
    """The programs that start; each is known to be running only once it may `go_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[subprocess.Popen[bytes]] = []
        self.started, self.go_on = threading.Event(), threading.Event()
        self._popen = subprocess.Popen
        monkeypatch.setattr(subprocess, "Popen", self._start)

    def _start(self, *given: Any, **named: Any) -> subprocess.Popen[bytes]:
        self.made.append(self._popen(*given, **named))
        self.started.set()
        self.go_on.wait(30)
        return self.made[0]


def _reader(said: list[SourceError]) -> threading.Thread:
    def read() -> None:
        with pytest.raises(SourceError) as caught:
            list(messages("tap", _SLEEPS))
        said.append(caught.value)

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def test_a_program_that_just_starts_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, said = Starts(monkeypatch), list[SourceError]()
    monkeypatch.setattr(process, "_START_S", 30.0)
    reader, ender = _reader(said), threading.Thread(target=end_programs)
    assert starts.started.wait(30)
    ender.start()
    starts.go_on.set()
    reader.join(30)
    ender.join(30)
    assert starts.made[0].returncode == -9
    assert "ended with code -9" in str(said[0])


def test_one_that_never_starts_keeps_no_others_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, said = Starts(monkeypatch), list[SourceError]()
    monkeypatch.setattr(process, "_START_S", 0.01)
    starts.go_on.set()
    reader = _reader(said)
    assert starts.started.wait(30)
    with process._STARTING:  # now the first is known, and another one starts
        end_programs()
    reader.join(30)
    assert starts.made[0].returncode == -9
    assert said


def test_a_process_that_leaves_ends_what_was_started_since_its_interrupt() -> None:
    done = subprocess.run([sys.executable, "-c", _LEAVES], capture_output=True, timeout=60)
    assert done.returncode == 130, done.stderr
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(30)


def test_a_program_that_ends_before_it_has_read_says_why() -> None:
    command = ["sh", "-c", "echo there is no such account >&2; exit 3"]
    with pytest.raises(SourceError, match="it: there is no such account"):
        list(messages("it", command, b"more than a pipe holds" * 100_000))
