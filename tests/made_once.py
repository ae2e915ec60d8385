"""Folders of which each process of a run needs a copy: the first one makes it."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

OF_THE_RUN = "headrace-tests-"
"""How the name of the folder begins in which a run keeps temporary files, if it has one."""


def make_once(name: str, folder: Path, make: Callable[[Path], None]) -> None:
    """Make `folder` by `make`, or copy what a process of this run made by that name.

    `make` gets a folder that is not there yet, in an empty one; its owners are kept.
    """
    shared = Path(tempfile.gettempdir())
    if not shared.name.startswith(OF_THE_RUN):
        make(folder)
        return
    ready = shared / name / "ready"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            making = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared))
            make(making / "ready")
            making.rename(ready.parent)
    subprocess.run(["cp", "-a", ready, folder], check=True)
