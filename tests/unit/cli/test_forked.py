"""Forks in place of processes of headrace have all that a process has."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import forked
from forked import Before

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are started as such")
_TELL = Before(
    "import os, sys; print(os.getcwd(), os.getppid(), os.getsid(0) == os.getpid(), "
    "sys.stdin.read(), file=sys.stderr)"
)


def headrace(*words: str) -> list[str]:
    return [sys.executable, "-m", "headrace", *words]


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of all that were made."""
    made: list[int] = []
    start = forked._starter.start

    def counted(*given: object) -> int:
        made.append(start(*given))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(forked._starter, "start", counted)
    return made


def test_a_fork_has_its_arguments_streams_folder_and_environment(
    tmp_path: Path, forks: list[int]
) -> None:
    done = subprocess.run(
        headrace("status", "--project", "nowhere"), cwd=tmp_path, preexec_fn=_TELL,
        input="given", capture_output=True, text=True, start_new_session=True, check=False,
    )  # fmt: skip
    told, said = done.stderr.splitlines()
    assert told == f"{tmp_path} {os.getpid()} True given"
    assert said.startswith("error: There is no nowhere")
    assert (done.returncode, len(forks)) == (6, 1)
    (tmp_path / "headrace.toml").write_text(
        '[organisation.shop]\ntarget = { url = "env:A", key = "env:B", secret = "env:C" }\n'
        'source = { kind = "sql", url = "env:D" }\n'
    )
    done = subprocess.run(
        headrace("check"), cwd=tmp_path, env={**os.environ, "A": "http://127.0.0.1:9/v1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "environment variable B" in done.stdout + done.stderr
    assert len(forks) == 2


def test_a_fork_is_killed_and_waited_for(tmp_path: Path, forks: list[int]) -> None:
    command = headrace("serve", "--ephemeral", "--port", "0")
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"listening on ")
            assert process.poll() is None
            process.send_signal(number)
            assert process.wait(30) == code
    assert len(forks) == 2


def test_what_python_reads_when_it_starts_gets_a_process_of_its_own(forks: list[int]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    subprocess.run(headrace("--version"), env=environment, check=True, capture_output=True)
    subprocess.run(headrace("--version"), preexec_fn=os.getpid, check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    assert forks == []


def test_a_terminal_is_written_to_line_by_line(forks: list[int]) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(headrace("--version"), stdout=theirs) as process:
        os.close(theirs)
        assert os.read(ours, 100).startswith(b"headrace ")
        assert process.wait(30) == 0
    os.close(ours)
    assert len(forks) == 1
