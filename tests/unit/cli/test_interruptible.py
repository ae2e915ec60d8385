"""What interrupts do to a command that closes its files."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

_WORK = """
import asyncio
from headrace.cli.interruptible import run_work

async def work():
    print("works", flush=True)
    try:
        await asyncio.sleep(300)
    finally:
        print("closes", flush=True)
        await asyncio.sleep({closing})
        print("closed", flush=True)

run_work(work(), wind_up_s={limit})
"""
Start = Callable[[str], subprocess.Popen[str]]


def program(closing: float, limit: float | None) -> str:
    """A program that closes for so many seconds, with a limit."""
    return _WORK.format(closing=closing, limit=limit)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program, interrupts it once it works, and waits until it closes."""
    started: list[subprocess.Popen[str]] = []

    def run(text: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "closes\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_interrupt_waits_for_nothing(start: Start) -> None:
    process = start(program(300, None))
    process.send_signal(signal.SIGINT)
    said, error = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert error.startswith("error: interrupted again")


def test_closing_has_a_limit(start: Start) -> None:
    process = start(program(300, 0.1))
    said, error = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert error.startswith("error: interrupted while")


@pytest.mark.parametrize("limit", [60.0, None])
def test_what_closes_in_time_is_closed(start: Start, limit: float | None) -> None:
    said, error = start(program(0.1, limit)).communicate(timeout=60)
    assert said == "closed\n"
    assert "KeyboardInterrupt" in error  # `main` makes a sentence of it


_WHILE_THE_LOOP_IS_MADE = """
import asyncio, os, signal
from headrace.cli.interruptible import run_work

make = asyncio.events.new_event_loop

def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    return make()

async def work():
    print("works", flush=True)

asyncio.events.new_event_loop = interrupted
try:
    run_work(work())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
_WHILE_THE_LOOP_FALLS_ASLEEP = """
import asyncio, os, signal, threading
from headrace.cli.interruptible import run_work

async def work():
    asyncio.get_running_loop().call_soon(fall_asleep)
    await asyncio.sleep(300)

def fall_asleep():
    # The signal reaches another thread, so the wait for files is not interrupted.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

other = threading.Thread(target=threading.Event().wait, daemon=True)
other.start()
try:
    run_work(work())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    "text", [_WHILE_THE_LOOP_IS_MADE, _WHILE_THE_LOOP_FALLS_ASLEEP], ids=["made", "asleep"]
)
def test_an_interrupt_is_not_lost_and_python_complains_of_nothing(text: str) -> None:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)


_CLEAN_UP_FAILS = """
import asyncio, threading
from headrace.cli.interruptible import run_work

async def work():
    try:
        print("works", flush=True)
        await asyncio.to_thread(threading.Event().wait)
    finally:
        print("closes", flush=True)
        raise OSError("the disk is full")

run_work(work())
"""


def test_threads_have_a_limit_although_closing_fails(start: Start) -> None:
    process = start(_CLEAN_UP_FAILS)
    said, error = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert error.startswith("error: interrupted while")
