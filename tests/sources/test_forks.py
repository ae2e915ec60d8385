"""Workers as forks: each starts at once, knows nothing of another, and outlives nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.model.errors import SourceError
from headrace.sources.programs import forks
from headrace.sources.programs.worker_messages import worker_messages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are made on Linux")

Worker = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def work(tmp_path: Path) -> Worker:
    """Runs a worker whose one table `t` is what this code yields, and returns its records."""

    def run(code: str) -> list[dict[str, Any]]:
        return [message["record"] for message in begun(tmp_path, code)]

    return run


def begun(folder: Path, code: str) -> Generator[dict[str, Any]]:
    """The messages of a worker that has just started."""
    file = folder / "user.py"
    file.write_text("def t(options):\n    " + code.replace("\n", "\n    "))
    task = {"kind": "python", "file": str(file), "tables": ["t"], "options": {}, "since": {}}
    yield from worker_messages("it", task, ())


_NUMBERS = "import os\nyield {'id': os.getpid(), 'parent': os.getppid()}"


def test_workers_are_forks_of_one_process_that_is_ready(work: Worker) -> None:
    (first,), (second,) = work(_NUMBERS), work(_NUMBERS)
    assert first["parent"] == second["parent"] != os.getpid()
    assert first["id"] != second["id"]
    server = psutil.Process(first["parent"])
    handles = server.num_fds()
    for _ in range(9):
        work(_NUMBERS)
    assert server.num_fds() < handles + 5, "what the last one used may still be being closed"
    assert server.children() == []


def test_nothing_of_one_worker_or_of_an_earlier_moment_is_in_the_next(
    work: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, sys, decimal, user_rates\n"
        "place, left = os.environ.get('PLACE'), hasattr(sys, 'left')\n"
        "yield {'id': user_rates.rate, 'place': place, 'left': left}\n"
        "sys.left = 1"
    )
    helper = tmp_path / "user_rates.py"
    helper.write_text("rate = 1\n")
    assert work(code) == [{"id": 1, "place": None, "left": False}]
    helper.write_text("rate = 2222\n")
    monkeypatch.setenv("PLACE", "here, with half \udcff a character")
    (record,) = work(code)
    assert record == {"id": 2222, "place": "here, with half \ufffd a character", "left": False}


def test_a_worker_ends_like_python(work: Worker, tmp_path: Path) -> None:
    code = (
        "import atexit, pathlib, threading, time\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "atexit.register((place / 'tidied').touch)\n"
        "def late():\n"
        "    time.sleep(0.05)\n"
        "    (place / 'late').touch()\n"
        "threading.Thread(target=late).start()\n"
        "print('for people')\n"
        "yield {'id': 1}"
    )
    assert work(code) == [{"id": 1}]
    assert (tmp_path / "tidied").exists()
    assert (tmp_path / "late").exists()


def test_a_worker_that_is_killed_is_said_and_the_next_one_works(work: Worker) -> None:
    with pytest.raises(SourceError, match="it: it ended with code -9"):
        work("import os, signal\nyield {'id': 1}\nos.kill(os.getpid(), signal.SIGKILL)")
    assert work("yield {'id': 2}") == [{"id": 2}]


def test_a_worker_that_nobody_reads_any_more_is_ended(tmp_path: Path) -> None:
    messages = begun(
        tmp_path,
        "import os, time\n"
        "yield {'id': os.getpid()}\n"
        "yield {'id': 'more than is written at once' * 10_000}\n"
        "time.sleep(600)",
    )
    number = next(messages)["record"]["id"]
    assert psutil.pid_exists(number)
    messages.close()
    assert not psutil.pid_exists(number)


@pytest.mark.parametrize(("name", "value"), [("TZ", "Asia/Tokyo"), ("PYTHONHASHSEED", "7")])
def test_workers_start_as_usual_where_a_variable_counts_at_the_start(
    work: Worker, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    work(_NUMBERS)
    monkeypatch.setenv(name, value)
    ((as_usual,), (again,)) = (work(_NUMBERS), work(_NUMBERS))
    assert as_usual["parent"] == again["parent"] == os.getpid()
    monkeypatch.undo()
    assert work(_NUMBERS)[0]["parent"] != os.getpid()


def test_workers_start_as_usual_once_their_server_is_gone(
    work: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = forks._Server()  # other tests need theirs
    monkeypatch.setattr(forks, "_SERVER", own)
    (first,) = work(_NUMBERS)
    own._process.kill()
    own._process.wait()
    ((second,), (third,)) = (work(_NUMBERS), work(_NUMBERS))
    assert first["parent"] == own._process.pid
    assert second["parent"] == third["parent"] == os.getpid()
    assert own._line is not None
    own._line.close()


_SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from headrace.sources.programs import forks, worker
from test_forks import begun
{before}
for message in begun(Path(sys.argv[1]), {code!r}):
    print(message["record"]["id"], message["record"].get("parent"), flush=True)
"""


def _script(folder: Path, code: str, before: str = "") -> subprocess.Popen[str]:
    """A process that reads from one worker and prints its numbers."""
    script = _SCRIPT.format(before=before, code=code)
    command = [sys.executable, "-c", script, str(folder), str(Path(__file__).parent)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(folder)}
    )


def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "yield {'id': os.getpid(), 'parent': os.getppid()}\n"
        "yield {'id': 'more than is written at once' * 10_000}\n"
        "time.sleep(600)"
    )
    with _script(tmp_path, code) as process:
        assert process.stdout is not None
        left = [psutil.Process(int(number)) for number in process.stdout.readline().split()]
        process.stdout.readline()  # all is read, and the worker sleeps
        process.kill()
        gone, alive = psutil.wait_procs(left, timeout=20)
    assert (len(gone), alive) == (2, [])


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(
            "import threading, time\n"
            "threading.Thread(target=time.sleep, args=[600], daemon=True).start()\n",
            id="starts a thread",
        ),
        pytest.param("raise SystemExit('not here')\n", id="ends Python"),
        pytest.param("import time\ntime.sleep(3)\n", id="takes too long"),
    ],
)
def test_workers_start_as_usual_where_a_library_prevents_forks(
    tmp_path: Path, library: str
) -> None:
    (tmp_path / "a_library.py").write_text(library)
    before = "worker.LOADED['python'] = ['a_library']; forks._PATIENCE_S = 1.0"
    with _script(tmp_path, _NUMBERS, before) as process:
        out, _ = process.communicate(timeout=60)
    assert out.split()[1] == str(process.pid)
