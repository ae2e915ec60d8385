"""What a command costs before it does anything: CPU of a process, Python's own start beside it.

    python bench/start.py [--full]

Each figure is CPU time of the process and all its threads, the least of several runs, so that other
work on the machine counts little. `--full` only repeats more.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from headrace.fleet.project import load_project
from headrace.fleet.rest import NOTHING_SENT, keep_rest, take_sight
from headrace.model.clock import SYSTEM_CLOCK
from headrace.testkit.billing import generate, write_project
from plan import acknowledge_everything

RECORDS = 1_000
VERSION_MAX = 0.1
HELP_MAX = 0.25
PLAN_MAX = 0.5
_BARE = ("-c", "pass")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="20 runs of each instead of 5")
    runs = 20 if parser.parse_args().full else 5
    os.environ.update(HEADRACE_URL="http://127.0.0.1:1/v1", HEADRACE_KEY="-", HEADRACE_SECRET="-")
    # As users have it: modules are compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        project = idle_project(Path(folder))
        bare = cpu(_BARE, runs)
        for words, most in (
            (("--version",), VERSION_MAX),
            (("--help",), HELP_MAX),
            (("plan", "--help"), None),
            (("plan", "-p", str(project)), PLAN_MAX),
            (("plan", "-p", str(project), "--limit", "1"), None),
        ):
            spent = cpu(("-m", "headrace", *words), runs)
            bar = "" if most is None else f" (at most {most:g} s)"
            print(
                f"{name_of(words)} / `python -c pass`: {spent / bare:.1f}{bar}: "
                f"{spent:.3f} / {bare:.3f} s CPU"
            )


def name_of(words: tuple[str, ...]) -> str:
    if "-p" in words:
        how = ", everything read again" if "--limit" in words else ""
        return f"idle `headrace plan` of {RECORDS:,} records{how}"
    return f"`headrace {' '.join(words)}`"


def idle_project(folder: Path) -> Path:
    """A project of which the API has been told everything, at rest as `apply` leaves it."""
    database, project = folder / "billing.db", folder / "project"
    generate(database, records=RECORDS, seed=1)
    write_project(project, f"sqlite:///{database}")
    loaded = load_project(project)
    name = loaded.only(None)
    # What has just been written may be written again within the same tick of the file's clock.
    time.sleep(3)
    sight = take_sight(loaded, name, SYSTEM_CLOCK)
    with loaded.open(name, SYSTEM_CLOCK) as organisation:
        organisation.refresh()
        acknowledge_everything(organisation)
        organisation.rebuild(whole=True)
        plan = organisation.plan()
        assert plan.empty
        keep_rest(loaded, organisation, sight, plan, NOTHING_SENT)
    return project


def cpu(arguments: tuple[str, ...], runs: int) -> float:
    """Seconds of CPU of a Python process with these arguments, the least of so many runs."""
    # Once unmeasured: the first one compiles what was never imported.
    times = [_once(arguments) for _ in range(runs + 1)][1:]
    return min(times)


def _once(arguments: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
