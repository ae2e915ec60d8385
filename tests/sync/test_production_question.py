"""The question before the first delivery to Upflow's production, at a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from shop import Shop

from forked import Before

QUESTION = "Send it? [y/N]: "
END_OF_INPUT, INTERRUPT = "\x04", "\x03"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.close()
    return shop.folder


def at_terminal(project: Path, typed: str, *words: str) -> tuple[int, str]:
    """Exit code of an apply and what the terminal showed, with what is typed at the question."""
    environment = {
        **os.environ,
        "HEADRACE_URL": "https://api.upflow.io/v1",
        "HEADRACE_KEY": "k",
        "HEADRACE_SECRET": "s",
        # Nothing leaves this machine.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "TERM": "dumb",
        "COLUMNS": "400",
    }
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "headrace", "apply", "--patience", "1s", *words]
    with subprocess.Popen(
        [*command, "--project", str(project)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
        # The terminal is the command's own, so that what is typed there can interrupt it.
        preexec_fn=Before("import os; os.close(os.open(os.ttyname(0), os.O_RDWR))"),
    ) as process:
        os.close(theirs)
        shown = b""
        asked = False
        with suppress(OSError):  # how a terminal ends
            while part := _read(ours, again=typed if asked and typed == INTERRUPT else ""):
                shown += part
                if not asked and QUESTION.encode() in shown:
                    asked = True
                    os.write(ours, typed.encode())
        os.close(ours)
        code = process.wait(60)
    return code, " ".join(shown.decode().split())


def _read(terminal: int, again: str) -> bytes:
    """What is shown next; `again` is typed once more each second until then.

    An interrupt in the moment before Python waits for input is noticed only after the input.
    """
    while again and not select.select([terminal], [], [], 1)[0]:
        os.write(terminal, again.encode())
    return os.read(terminal, 4096)


@pytest.mark.parametrize("typed", ["y\n", "yes\n"])
def test_yes_sends(project: Path, typed: str) -> None:
    code, shown = at_terminal(project, typed)
    assert "This is the first delivery to Upflow's production." in shown
    # It went on to the API, which can't be reached from here.
    assert code == 5 and "https://api.upflow.io/v1 is not usable" in shown


@pytest.mark.parametrize("typed", ["n\n", "\n", "perhaps\nno\n"])
def test_anything_else_sends_nothing_and_says_how_to(project: Path, typed: str) -> None:
    code, shown = at_terminal(project, typed)
    assert code == 7 and "Nothing was sent." in shown and "`headrace apply --yes`" in shown


@pytest.mark.parametrize(
    ("typed", "ends"), [(END_OF_INPUT, 7), (INTERRUPT, 130)], ids=["end of input", "Ctrl-C"]
)
def test_no_answer_sends_nothing(project: Path, typed: str, ends: int) -> None:
    code, shown = at_terminal(project, typed)
    assert code == ends and "Nothing was sent." in shown and "Traceback" not in shown


def test_it_is_not_asked_where_it_is_answered_or_not_needed(project: Path) -> None:
    code, shown = at_terminal(project, "", "--yes")
    assert code == 5 and QUESTION.strip() not in shown
