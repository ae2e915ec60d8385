"""Programs that act in a system through its own interface, each in the Python that it needs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live_cache import Missing

ACTING = Path(__file__).parent / "acting"


class Actor:
    """A program of `acting/`, which is asked for one action after the other."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def __call__(self, action: str, **given: Any) -> Any:
        """Let it act; returns its answer. Raises RuntimeError with the system's own words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": action, "with": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{action}: the program ended, see {self._log}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{action}: {answer['error']}")
        return answer["answer"]


@contextmanager
def actor(
    python: str | Path, program: str, *arguments: str | Path, log: Path, **more: str
) -> Iterator[Actor]:
    """A program that acts until the end of the `with`; its own output goes to the log, and `more`
    into its environment."""
    with log.open("w") as said:
        process = subprocess.Popen(
            [str(python), "-u", str(ACTING / program), *map(str, arguments)],
            env=os.environ | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    try:
        yield Actor(process, log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(command: Sequence[str | Path], probe: str, log: Path, **more: str) -> Iterator[None]:
    """A server that answers at the address `probe`, until the end of the `with`."""
    with log.open("w") as said:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=log.parent,
            env=os.environ | more,
            stdout=said,
            stderr=said,
        )
    try:
        while not _answers(probe):
            try:
                code = process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            raise Missing(f"{command[0]} ended with code {code}: {log.read_text()[-400:]}")
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
