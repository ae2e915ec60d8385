"""The memory of a first import: planned and under way, in a process of its own.

    python bench/memory.py [--full]

Quick takes 100,000 records, `--full` a million, of which `headrace apply` delivers some and is then
interrupted. Flat means that the second half of them takes no more than the first.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from msgspec import Struct

from headrace.testkit.billing import generate, write_project
from headrace.testkit.hub import hub_process, make_keys

PEAK_MAX_MB = 600
FLAT_MAX = 1.05
_SAMPLE_S = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million records")
    full = parser.parse_args().full
    records, deliver = (1_000_000, 40_000) if full else (100_000, 4_000)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        found = measure(Path(name), records, deliver)
    print(
        f"peak memory of a first import of {records:,} records / bar: "
        f"{found.peak / PEAK_MAX_MB:.2f} (at most 1): {found.peak:.0f} MB / {PEAK_MAX_MB} MB, "
        f"planned and {deliver:,} of them delivered"
    )
    print(
        f"peak while the second half of those is delivered / the first: "
        f"{found.late / found.early:.2f} (at most {FLAT_MAX}): {found.late:.0f} MB / "
        f"{found.early:.0f} MB"
    )


class Peaks(Struct):
    """MB at most: from the start on, and in each half of what was delivered."""

    peak: float = 0.0
    early: float = 0.0
    late: float = 0.0

    def note(self, size: float, done: float) -> None:
        """`done` is the share that is delivered."""
        self.peak = max(self.peak, size)
        if 0 < done <= 0.5:
            self.early = max(self.early, size)
        elif done > 0.5:
            self.late = max(self.late, size)


def measure(folder: Path, records: int, deliver: int) -> Peaks:
    """By the process's resident memory and the lines of the hub's log."""
    database, log = folder / "billing.db", folder / "requests.jsonl"
    generate(database, records=records, seed=1)
    project = write_project(folder / "project", f"sqlite:///{database}", rate=10**6)
    peaks = Peaks()
    with hub_process(folder / "hub", "off", log) as hub:
        pair = make_keys(hub.data, "bench")
        environment = {
            "HEADRACE_URL": hub.url, "HEADRACE_KEY": pair.key, "HEADRACE_SECRET": pair.secret
        }  # fmt: skip
        command = [sys.executable, "-m", "headrace", "apply", "-p", str(project), "--force"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        watched = psutil.Process(process.pid)
        lines = Lines(log)
        while process.poll() is None and lines.count() < deliver:
            peaks.note(watched.memory_info().rss / 2**20, lines.read / deliver)
            time.sleep(_SAMPLE_S)
        process.send_signal(signal.SIGINT)
        process.wait()
        assert lines.count() >= deliver, "the import ended before its memory was measured"
    return peaks


class Lines:
    """A growing file, read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self.read = 0

    def count(self) -> int:
        """Its lines so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._place)
                text = file.read()
            self._place += len(text)
            self.read += text.count(b"\n")
        return self.read


if __name__ == "__main__":
    main()
