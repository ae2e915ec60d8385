"""Runs docs/first-sync.md: its commands in order, with the files that it describes."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.model.project import UPFLOW_URL
from headrace.model.project_file import parse_project
from headrace.testkit.hub import hub_process
from tree import ROOT

pytestmark = pytest.mark.soak  # ten commands, each a process of its own
TEXT = (ROOT / "docs" / "first-sync.md").read_text("utf-8")


def blocks() -> Iterator[tuple[str, str]]:
    """Return (language, text) of each code block, in order."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


class Reader:
    """A reader who follows the page in an empty folder."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.outputs: list[tuple[str, str]] = []
        self._stack = stack
        self._environment = dict(os.environ)
        self._hub_url = ""
        self._printed = ""

    def follow(self, language: str, text: str) -> None:
        if language == "sql":
            named = re.match(r"-- (models/\w+\.sql)\n", text)
            (self.folder / (named[1] if named else "models/customers.sql")).write_text(text)
        elif language == "toml" and "127.0.0.1:8080" in text:
            settings = text.replace("http://127.0.0.1:8080/v1", self._hub_url)
            (self.folder / "headrace.toml").write_text(settings)
        elif not language:
            for line in text.splitlines():
                self._type(line)

    def _type(self, line: str) -> None:
        words = shlex.split(line)
        match words:
            case ["mkdir", name]:
                (self.folder / name).mkdir()
            case ["cd", name]:
                self.folder /= name
            case ["export", assignment]:
                name = assignment.partition("=")[0]
                header = "X-Api-Secret" if "SECRET" in name else "X-Api-Key"
                value = re.search(rf"{header} +(\S+)", self._printed)
                assert value is not None
                self._environment[name] = value[1]
            case ["sqlite3", file, statement]:
                with sqlite3.connect(self.folder / file) as database:
                    assert database.execute(statement).rowcount == 1
            case ["headrace", "serve", "--data", data, "--limits", limits]:
                hub = self._stack.enter_context(hub_process(self.folder / data, limits))
                self._hub_url = hub.url
            case ["headrace", "run"]:
                self._run([*words, "--once"])
            case ["headrace", *_]:
                self._run(words)
            case _:
                raise AssertionError(f"the page has a line that this test can't follow: {line}")

    def _run(self, words: list[str]) -> None:
        command = [sys.executable, "-m", *words]
        result = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True
        )
        said = result.stdout + result.stderr
        assert result.returncode == 0, f"{words}: {said}"
        self.outputs.append((words[1], said))
        self._printed = said if words[1] == "keys" else self._printed


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str]]]:
    """Return the output of each command of the page, in order."""
    with ExitStack() as stack:
        reader = Reader(tmp_path_factory.mktemp("first sync"), stack)
        for language, text in blocks():
            reader.follow(language, text)
        yield reader.outputs


def test_the_commands_of_the_page_work(outputs: list[tuple[str, str]]) -> None:
    assert [name for name, _ in outputs] == [
        *("generate", "keys", "check", "plan", "apply", "reconcile", "apply", "plan", "apply"),
        "run",
    ]
    said = [text for _, text in outputs]
    assert "no problems" in said[2]
    assert "balanced" in said[5]
    assert "nothing to send" in said[6]
    assert "Sent 1 of 1 request " in said[8]
    assert "nothing to send" in said[9]


def test_the_last_project_file_leads_to_upflow() -> None:
    last = [text for language, text in blocks() if language == "toml"][-1]
    project = parse_project(last.encode(), "headrace.toml")
    assert project.organisation["acme"].target.url == UPFLOW_URL
    assert project.data == ".headrace/{target}"
