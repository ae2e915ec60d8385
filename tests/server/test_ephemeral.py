"""`headrace serve` for a while: without a folder, with a line for programs, ending with its
parent."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hub_api import Api, customer

from headrace.cli.main import run
from headrace.control.client import ControlClient

WAIT_S = 30.0
SERVE = [sys.executable, "-m", "headrace", "serve", "--port", "0", "--log-level", "warning"]


@contextlib.contextmanager
def _served(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a hub; gives the process and its first line."""
    with subprocess.Popen([*SERVE, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.terminate()


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait(*pids: int) -> None:
    end = time.monotonic() + WAIT_S
    while not all(_gone(pid) for pid in pids):
        assert time.monotonic() < end, "it goes on"
        time.sleep(0.02)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_ready_line_has_all_that_a_program_needs(workers: str, number: signal.Signals) -> None:
    with _served("--ephemeral", "--json", "--workers", workers) as (process, line):
        ready = json.loads(line)
        assert ready["pid"] == process.pid
        api = Api(ready["url"], ready["key"], ready["secret"], ready["organisation"])
        api.post("/customers", customer("c1"))
        api.close()
        control = ControlClient(ready["controlUrl"], ready["controlToken"])
        organisations = control.call("GET", "/organisations")["organisations"]
        assert [one["name"] for one in organisations] == [ready["organisation"]] == ["test"]
        assert control.call("POST", "/sandboxes", {"seed": "saas"})["counts"]["customers"]
        folder = Path(ready["data"])
        assert folder.stat().st_mode & 0o077 == 0
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
        assert not folder.exists()
        assert process.stdout is not None
        assert process.stdout.read() == "", "one line"


def test_people_get_the_same_in_words() -> None:
    with _served("--ephemeral") as (process, line):
        assert line.startswith("listening on http://127.0.0.1:")
        assert process.stdout is not None
        told = dict(process.stdout.readline().split() for _ in range(4))
        assert set(told) == {"organisation", "X-Api-Key", "X-Api-Secret", "token"}
        url = f"{line.split()[2]}/v1"
        api = Api(url, told["X-Api-Key"], told["X-Api-Secret"], told["organisation"])
        assert api.get("/customers")["total"] == 0
        api.close()


def test_without_a_control_plane_there_is_no_token() -> None:
    with _served("--ephemeral", "--json", "--control", "off") as (_, line):
        ready = json.loads(line)
        assert ready["controlUrl"] is ready["controlToken"] is None
        assert ready["key"]


def test_a_lasting_hub_says_no_secret(tmp_path: Path) -> None:
    with _served("--data", str(tmp_path), "--json") as (process, line):
        ready = json.loads(line)
        names = ("organisation", "key", "secret", "controlToken")
        assert [ready[name] for name in names] == [None] * 4
        assert ready["data"] == str(tmp_path)
        assert ready["controlUrl"].endswith("/_hub")
        process.terminate()
        assert process.wait(WAIT_S) == 0
    assert (tmp_path / "hub.db").exists()


@pytest.mark.parametrize("option", ["--data", "--database"])
def test_it_takes_no_place(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert run(["serve", "--ephemeral", option, "postgresql://x/y", "--json"]) == 6
    error: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert "leave --data and --database out" in error["error"]["message"]


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=sys.stdout)
child.wait()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_ends_with_a_parent_that_is_killed(workers: str) -> None:
    options = ["--ephemeral", "--json", "--stop-with-parent", "--workers", workers]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *SERVE, *options], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        ready = json.loads(parent.stdout.readline())
        hub = psutil.Process(ready["pid"])
        family = [hub.pid, *(child.pid for child in hub.children())]
        parent.kill()
        _wait(*family)
        assert not Path(ready["data"]).exists()
        with pytest.raises(OSError):
            http.client.HTTPConnection(ready["url"].split("/")[2]).connect()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux")
def test_without_the_option_it_outlives_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *SERVE, "--ephemeral", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        ready = json.loads(parent.stdout.readline())
        parent.kill()
        parent.wait()
        api = Api(ready["url"], ready["key"], ready["secret"], "test")
        assert api.get("/customers")["total"] == 0
        api.close()
        os.kill(ready["pid"], signal.SIGTERM)
        _wait(ready["pid"])
