"""Many organisations in one project: memory, the first line, and what an idle one costs.

    python bench/fleet.py [--full]

Quick takes 40 organisations of 20 records each, `--full` 300. Each has a SQLite file, keys and a
place in a hub of its own. A round is `at rest` when the source shows that nothing moved since one
that found nothing to send, and `read again` when everything is staged, modelled and checked.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil
from msgspec import Struct

from headrace.testkit.billing import generate, write_project
from headrace.testkit.hub import hub_process, make_keys
from start import cpu

RECORDS = 20
PEAK_MAX_MB = 300
FIRST_LINE_MAX_S = 2.0
REST_MAX_S = 0.15
_SAMPLE_S = 0.1
_LINE = (
    '{name} = {{ source = {{ url = "sqlite:///{name}.db" }}, '
    'target = {{ key = "file:{name}.key", secret = "file:{name}.secret" }} }}\n'
)


class Seen(Struct):
    """One run of a command; memory in MB, times in seconds, the first line one of a result."""

    peak: float
    first_line: float
    cpu: float
    wall: float
    last_line: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="300 organisations")
    count = 300 if parser.parse_args().full else 40
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as name:
        folder = Path(name)
        (folder / "hub").mkdir()
        with hub_process(folder / "hub", "off") as hub:
            project = make_fleet(folder / "project", count, hub.data, hub.url)
            report(project, count)


def report(project: Path, count: int) -> None:
    bare = cpu(("-c", "pass"), 5)
    first = watch(project, "run", "--once")
    print(
        f"first import of {count} organisations, peak memory / bar: "
        f"{first.peak / PEAK_MAX_MB:.2f} (at most 1): {first.peak:.0f} MB / {PEAK_MAX_MB} MB"
    )
    print(
        f"its first line / bar: {first.first_line / FIRST_LINE_MAX_S:.2f} (at most 1): "
        f"{first.first_line:.2f} / {FIRST_LINE_MAX_S:g} s, all in {first.wall:.0f} s"
    )
    for words in (("apply",), ("run", "--once")):
        rest = watch(project, *words)
        assert rest.last_line == f"{count} organisations: {count} in step", rest.last_line
        each = rest.cpu / count
        print(
            f"`headrace {' '.join(words)}` at rest, CPU of each / `python -c pass`: "
            f"{each / bare:.1f} (at most {REST_MAX_S:g} s): {each:.3f} / {bare:.3f} s; first line "
            f"after {rest.first_line:.2f} s, all in {rest.wall:.1f} s, {rest.peak:.0f} MB"
        )
    for rest_file in project.glob(".headrace/*/rest.json"):
        rest_file.unlink()
    again = watch(project, "apply")
    each = again.cpu / count
    print(
        f"`headrace apply` with nothing to do and all read again, CPU of each / "
        f"`python -c pass`: {each / bare:.1f}: {each:.3f} / {bare:.3f} s; first line after "
        f"{again.first_line:.2f} s, all in {again.wall:.1f} s, {again.peak:.0f} MB"
    )


def make_fleet(folder: Path, count: int, data: Path, url: str) -> Path:
    """A project of so many organisations with the same book."""
    generate(folder.with_suffix(".db"), records=RECORDS, seed=1)
    write_project(folder, f"sqlite:///{folder.with_suffix('.db')}")
    lines = [
        "[defaults]\n"
        f'target = {{ url = "{url}", rate = 6000 }}\n'
        'source = { kind = "sql" }\n\n[organisation]\n'
    ]
    for number in range(count):
        name = f"o{number:03}"
        shutil.copy(folder.with_suffix(".db"), folder / f"{name}.db")
        pair = make_keys(data, name)
        (folder / f"{name}.key").write_text(pair.key)
        (folder / f"{name}.secret").write_text(pair.secret)
        lines.append(_LINE.format(name=name))
    (folder / "headrace.toml").write_text("".join(lines))
    return folder


def watch(project: Path, *words: str) -> Seen:
    """Runs a command on all of them."""
    said = project.with_suffix(".out")
    started = time.perf_counter()
    with said.open("wb") as out:
        process = psutil.Popen(
            [sys.executable, "-u", "-m", "headrace", *words, "-p", str(project)], stdout=out
        )
    # That `run` has begun is no result yet.
    opening = 1 if words[0] == "run" else 0
    peak, first = 0.0, 0.0
    spent = process.cpu_times()
    while process.status() != psutil.STATUS_ZOMBIE:
        if not first and said.read_bytes().count(b"\n") > opening:
            first = time.perf_counter() - started
        peak = max(peak, process.memory_info().rss / 2**20)
        spent = process.cpu_times()
        time.sleep(_SAMPLE_S)
    wall = time.perf_counter() - started
    code, last = process.wait(), said.read_text().strip().splitlines()[-1]
    if code:
        sys.exit(f"headrace {' '.join(words)} ended with {code}: {last}")
    return Seen(peak, first, spent.user + spent.system, wall, last)


if __name__ == "__main__":
    main()
