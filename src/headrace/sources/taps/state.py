"""What a Singer tap is given to continue from: its state, and the records that it gave by then.

Files of one round replace those of the last one by one, so the order matters where the process is
killed in between; see `_kept_in`. Records of other options, such as another account's, have a
folder of their own: with that account's state, a tap would leave out what is older here.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.private_files import make_folder

_BEGUN = "begun"
_OF_ONE_ROUND = {"config.json", "catalog.json", _BEGUN}
"""`begun` too: the age of the kept folder's own says when the next sweep is due."""
_REPLACED = {"count": 0, "state.json": 2}
_FORGOTTEN_S = 7 * 86_400.0
"""Folders that were begun so long ago are those of earlier options, such as an earlier key."""


class TapState:
    """One folder for each place that records come from, below the folder that the options name."""

    def __init__(self, folder: Path, place: str, sweep_s: float) -> None:
        """`place` tells the records of one account from those of others; after `sweep_s` seconds,
        everything is read again."""
        self._all = folder
        self._folder = folder / place
        self._sweep_s = sweep_s

    @contextmanager
    def continued(self, scratch: Path | None) -> Iterator[Path]:
        """Yield a copy of the kept files below `scratch`; it is kept unless the `with` fails.

        Two organisations that read the same account take turns.
        """
        make_folder(self._folder)
        with (self._all / f"{self._folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._sweep()
            with TemporaryDirectory(prefix="headrace-tap-", dir=scratch) as temporary:
                working = Path(temporary)
                for file in _kept_in(self._folder):
                    (working / file.name).write_bytes(file.read_bytes())
                yield working
                # Only now that everything was read: a broken round would lose records.
                for file in _kept_in(working):
                    copy = self._folder / f".{file.name}"
                    copy.write_bytes(file.read_bytes())
                    copy.replace(self._folder / file.name)

    def _sweep(self) -> None:
        """Forget everything that was kept when it is due to be read again."""
        begun = self._folder / _BEGUN
        if begun.exists() and 0 <= _age(begun) < self._sweep_s:
            return
        for file in self._folder.iterdir():
            file.unlink()
        for other in self._all.iterdir():
            if other.is_dir() and (other / _BEGUN).exists() and _age(other / _BEGUN) > _FORGOTTEN_S:
                shutil.rmtree(other)
                (self._all / f"{other.name}.lock").unlink(missing_ok=True)
        begun.touch()


def _age(file: Path) -> float:
    return SYSTEM_CLOCK.now().timestamp() - file.stat().st_mtime


def _kept_in(folder: Path) -> list[Path]:
    """Return the files that the next round needs, in the order in which they are replaced.

    The state comes last: a tap leaves out what is older than its state, so the records must be
    there first. The count comes before the records: those that are read again must rank after those
    that are there.
    """
    kept = [
        file
        for file in folder.iterdir()
        if file.is_file() and file.name not in _OF_ONE_ROUND and not file.name.startswith(".")
    ]
    return sorted(kept, key=lambda file: _REPLACED.get(file.name, 1))
