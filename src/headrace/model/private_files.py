"""Makes files and folders readable by their owner only, whatever the shell's umask is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from headrace.model.errors import ConfigurationError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_to_the_user() -> None:
    """From now on, this process and its children create files with mode 0600 and folders with 0700.

    Set by umask, because most files are created by libraries: SQLite and DuckDB create some next to
    their databases, and more in temporary folders. Existing files keep their mode.
    """
    os.umask(_OTHERS)


def make_folder(path: Path) -> None:
    """Create a folder for data, unless it exists. Raises ConfigurationError when it can't be
    used."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(0, _why_not(path))
    except OSError as error:
        raise ConfigurationError(
            f"The folder {path} can't be used for data: {error.strerror}."
        ) from None


def _why_not(path: Path) -> str:
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    return "this user may not write there"
