"""What the live systems are made of, kept between runs in `.live/` or `HEADRACE_LIVE`.

A folder is made once and marked as complete at the end. It is made again when what it is made of
has changed, or when making it was interrupted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("HEADRACE_LIVE", ROOT / ".live")).absolute()
_MARK = ".complete"
_LAST_WORDS = 400


class Missing(Exception):
    """Something that this machine does not have, and how to get it."""


def kept(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that name, made by `make` unless it was made by the same `recipe`."""
    folder = CACHE / name
    mark = folder / _MARK
    if mark.exists() and mark.read_text() == recipe:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    mark.write_text(recipe)
    return folder


def python_of(*versions: str) -> str:
    """Return a Python of one of these versions, the first preferred. Raises Missing."""
    for version in versions:
        found = shutil.which(f"python{version}")
        # What is on the path may only stand for a version that is installed elsewhere.
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
        for folder in sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python")):
            return str(folder)
    raise Missing(f"Python {' or '.join(versions)} is needed: install one of them.")


def environment(
    name: str,
    python: str,
    wanted: Sequence[str],
    options: Sequence[str] = (),
    then: Sequence[Path] = (),
) -> Path:
    """Return a Python with these packages, from wherever this machine's pip is set to look; `then`
    are programs that it runs when they are installed."""

    def make(folder: Path) -> None:
        run([python, "-m", "venv", folder / "venv"])
        own = folder / "venv" / "bin" / "python"
        run([own, "-m", "pip", "install", "--quiet", *options, *wanted])
        for program in then:
            run([own, program])

    recipe = [python, *options, *wanted, *(program.read_text() for program in then)]
    return kept(name, "\n".join(recipe), make) / "venv" / "bin" / "python"


def run(command: Sequence[str | Path], folder: Path | None = None, **more: str) -> str:
    """Run a program to its end; returns what it said. Raises Missing with its last words."""
    words = [str(part) for part in command]
    done = subprocess.run(
        words, cwd=folder, env=os.environ | more, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-_LAST_WORDS:]
        raise Missing(f"{' '.join(words[:4])} … failed: {said}")
    return done.stdout
