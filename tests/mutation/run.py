"""Mutation testing: changes the code in small ways and counts the changes that tests notice.

    python tests/mutation/run.py [ONLY] [--survivors]

ONLY is an area of `areas.toml`, or a part of a module's path such as `client/pace`. `--survivors`
takes up the last run of the area again: only what was not killed then is tried, with the tests as
they are now. Prints what became of the mutants of each area; the survivors go to
`.mutants/<area>/survivors.diff`. Exits with 1 where fewer than 90 % were killed.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".mutants"
LEAST = 90
"""Per cent of the mutants that tests must kill."""
_NO_TESTS, _TIMEOUTS = 33, (-24, 24, 36, 152, 255)
"""mutmut's exit codes; 0 is a survivor, anything else a kill."""
_SURVIVED = 0
_DEAD = ("killed", "timeout")
_STRICT = "filterwarnings"
_LEAN = "-p no:unraisableexception -p no:threadexception"
"""They collect garbage several times for each mutant, which would be half of its CPU."""
_COPIED = ("examples", "docs")
"""Folders that tests read."""


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Modules below `src/headrace`, as patterns, and the tests that must notice their mutants."""

    modules: list[str]
    tests: list[str]
    without: list[str] = []
    """Names of modules that another area has."""
    setup: float = 1.0
    """Seconds that fixtures may take: mutmut measures the tests without them."""


class Areas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `areas.toml`."""

    leave: list[str]
    """Regular expressions of lines that are not mutated."""
    areas: dict[str, Area]


class Result(msgspec.Struct, frozen=True):
    """What became of the mutants of an area."""

    area: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def per_cent(self) -> float:
        killed = sum(self.counts[state] for state in _DEAD)
        return 100 * killed / self.total if self.total else 100.0


def main(only: str, survivors: bool) -> int:
    """Run the areas one after the other; return the exit code."""
    areas = msgspec.toml.decode((ROOT / "tests/mutation/areas.toml").read_bytes(), type=Areas)
    chosen = dict(_chosen(areas, only))
    if not chosen:
        print(f"No area or module is called {only}: {', '.join(areas.areas)}.", file=sys.stderr)
        return 2
    results = []
    for name, area in chosen.items():
        folder = WORK / name
        if survivors and (folder / "mutants").is_dir():
            _try_again(folder)
        else:
            _prepare(folder)
        _configure(folder, area, areas.leave)
        _mutate(folder)
        results.append(Result(name, Counter(_states(folder))))
        _write_survivors(folder)
        print(_row(results[-1]), flush=True)
    return int(any(result.per_cent < LEAST for result in results))


def _chosen(areas: Areas, only: str) -> Iterator[tuple[str, Area]]:
    """All areas, the one of that name, or those with such modules, cut down to these."""
    for name, area in areas.areas.items():
        if only in ("", name):
            yield name, area
        elif only not in areas.areas:
            found = [path for path in _paths(area) if only in path]
            if found:
                yield name, msgspec.structs.replace(area, modules=found)


def _paths(area: Area) -> list[str]:
    base = ROOT / "src/headrace"
    paths = [path.relative_to(base).as_posix() for path in sorted(base.rglob("*.py"))]
    return [
        path
        for path in paths
        if any(fnmatch.fnmatch(path, one) for one in area.modules)
        and Path(path).name not in area.without
    ]


def _prepare(folder: Path) -> None:
    """Make a fresh folder in which mutmut finds the project and nothing of an earlier run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("src", "tests", *_COPIED):
        (folder / name).symlink_to(ROOT / name)


def _configure(folder: Path, area: Area, leave: Sequence[str]) -> None:
    pytest = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": [f"src/headrace/{pattern}" for pattern in area.modules],
        "do_not_mutate": [f"*/{name}" for name in area.without],
        "do_not_mutate_patterns": leave,
        "pytest_add_cli_args_test_selection": area.tests,
        # The same examples for every mutant, and nothing remembered from the one before.
        "pytest_add_cli_args": ["-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-seed=1"],
        "also_copy": list(_COPIED),
        "use_git_change_detection": False,
        # A mutant may take this many times as long as its tests and their fixtures before it counts
        # as an endless loop.
        "timeout_multiplier": 6.0,
        "timeout_constant": area.setup,
    }
    options = {name: value for name, value in pytest["ini_options"].items() if name != _STRICT}
    options["addopts"] += f" {_LEAN}"
    text = _table("tool.pytest.ini_options", options) + _table("tool.mutmut", mutmut)
    (folder / "pyproject.toml").write_text(text, "utf-8")


def _table(name: str, values: Mapping[str, object]) -> str:
    """A table of TOML; its strings, numbers and lists are written as in JSON."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(values[key])}" for key in values), ""])


def _try_again(folder: Path) -> None:
    """Let mutmut forget the results of what was not killed: it runs what has no result."""
    for path in _metas(folder):
        meta = json.loads(path.read_text("utf-8"))
        codes = meta["exit_code_by_key"]
        meta["exit_code_by_key"] = {
            name: code if _state(code) in _DEAD else None for name, code in codes.items()
        }
        path.write_text(json.dumps(meta, indent=4), "utf-8")


def _mutate(folder: Path) -> None:
    script = ROOT / "tests/mutation/mutate.py"
    children = os.environ.get("MUTANTS_AT_ONCE", str(os.cpu_count() or 1))
    command = [sys.executable, str(script), "--max-children", children]
    # Mutants that never end are killed, and leave their temporary files behind.
    with (
        tempfile.TemporaryDirectory(prefix="headrace-mutants-") as place,
        (folder / "mutmut.log").open("wb") as log,
    ):
        done = subprocess.run(
            command, cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": place},
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"mutmut failed; see {folder / 'mutmut.log'}")


def _metas(folder: Path) -> list[Path]:
    return sorted((folder / "mutants/src").rglob("*.meta"))


def _codes(folder: Path) -> Iterator[tuple[str, int | None]]:
    for meta in _metas(folder):
        yield from json.loads(meta.read_text("utf-8"))["exit_code_by_key"].items()


def _states(folder: Path) -> Iterator[str]:
    for _, code in _codes(folder):
        yield _state(code)


def _state(code: int | None) -> str:
    if code == _SURVIVED:
        return "survived"
    if code == _NO_TESTS:
        return "no tests"
    if code is None:
        return "not run"
    return "timeout" if code in _TIMEOUTS else "killed"


def _alive(folder: Path) -> list[str]:
    """The mutants that no test has killed yet."""
    return [name for name, code in _codes(folder) if _state(code) not in _DEAD]


def _write_survivors(folder: Path) -> None:
    script = ROOT / "tests/mutation/survivors.py"
    command = [sys.executable, str(script), *_alive(folder)]
    with (folder / "survivors.diff").open("wb") as file:
        subprocess.run(command, cwd=folder, stdout=file, check=True)


def _row(result: Result) -> str:
    counts = ", ".join(f"{state} {count}" for state, count in sorted(result.counts.items()))
    return f"{result.area:10} {result.per_cent:5.1f} % of {result.total} killed ({counts})"


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--survivors"]
    sys.exit(main(words[0] if words else "", survivors=len(words) < len(sys.argv) - 1))
