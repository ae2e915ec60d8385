"""Fixtures that any test may ask for."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

import forked
from made_once import OF_THE_RUN
from mariadb import mariadb_database, mariadb_server
from postgres import postgres_database, postgres_server

__all__ = ["mariadb_database", "mariadb_server", "postgres_database", "postgres_server"]

# A shell's background jobs ignore SIGINT, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

_MEMORY = Path("/dev/shm")
_ENOUGH = 8 << 30
"""Bytes: more than ten times what a run with three workers held at a time."""

_FEW_COLLECTIONS = 20_000
"""New objects between collections of garbage: with Python's 700, they take a fiftieth of a run."""

_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
"""The name of this process among those of a run that tests side by side, "gw0" and so on."""


def pytest_configure(config: pytest.Config) -> None:
    """Start processes of headrace as forks, and put temporary files into memory."""
    forked.install()
    _put_into_memory(config)


def _put_into_memory(config: pytest.Config) -> None:
    """Put temporary files into memory where there is plenty: tests create and delete many thousand
    files, and databases flush them. `TMPDIR` names another place."""
    if (
        "TMPDIR" in os.environ
        or not os.access(_MEMORY, os.W_OK)
        or shutil.disk_usage(_MEMORY).free < _ENOUGH
    ):
        return
    folder = tempfile.mkdtemp(prefix=OF_THE_RUN, dir=_MEMORY)
    Path(folder).chmod(0o711)  # servers may run as another user

    def remove() -> None:
        # Mutation testing runs the tests again and again in one process.
        del os.environ["TMPDIR"]
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(remove)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    # Folders of tests that failed outlive the run.
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the tests out of garbage collections, each of which would look at all thousands."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(_FEW_COLLECTIONS, 20, 20)
        gc.enable()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Let each worker of a run begin with another part of a folder's modules.

    In a fresh checkout assertions are rewritten at import, which takes five seconds. Workers that
    went through the modules in the same order would all do it; so each finds most of them done.
    """
    if _WORKER is None:
        return None
    folder = _PartFirst.from_parent(parent, path=path)
    folder.first = int(_WORKER.removeprefix("gw")) / int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    return folder


class _PartFirst(pytest.Dir):
    """A folder whose modules are collected from somewhere on, and then those before it."""

    first: float
    """Where to begin: 0 is the first module, 0.5 the one in the middle."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        found = list(super().collect())
        start = int(len(found) * self.first)
        return found[start:] + found[:start]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules back into order: all workers have to agree on it."""
    if _WORKER is not None:
        items.sort(key=lambda item: item.path)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say clearly that pages were not tested: a skipped test is one letter among thousands."""
    skipped = [str(one.longrepr) for one in terminalreporter.stats.get("skipped", ())]
    without_browser = [why for why in skipped if "no browser:" in why]
    if without_browser:
        said = without_browser[0].partition("no browser:")[2].rstrip("')")
        terminalreporter.write_line(f"{len(without_browser)} tests of pages skipped:{said}")
