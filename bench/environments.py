"""Environments of their own for what the benches compare with, made once and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path


def python_with(place: Path, *wanted: str) -> Path:
    """The Python of a virtual environment at `place`, made anew unless it holds just that.

    `wanted` is what pip is asked for: packages, or `-r` and a file.
    """
    python = place / "bin" / "python"
    texts = [Path(one).read_text() if Path(one).is_file() else one for one in wanted]
    mark = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    installed = place / "installed"
    if not installed.exists() or installed.read_text() != mark:
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted], check=True)
        installed.write_text(mark)
    return python
