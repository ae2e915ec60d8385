"""The live systems are not part of `make test`, but their parts are whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tree import ROOT

_PLUGIN = """
def pytest_deselected(items):
    for item in items:
        print("left out:", item.nodeid, item.get_closest_marker("live") is not None)
"""


def test_the_tests_of_live_systems_can_be_collected_and_none_of_them_runs_by_itself(
    tmp_path: Path,
) -> None:
    (tmp_path / "left_out.py").write_text(_PLUGIN)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "left_out"]
    # Plugins of others take longer to load than the tests.
    command += ["-p", "no:hypothesispytest", "-p", "no:anyio", "tests/live"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 5, run.stdout  # nothing is left without the mark, and nothing failed
    left = [line.split() for line in run.stdout.splitlines() if line.startswith("left out:")]
    assert any("test_live_tryton.py" in name for _, _, name, *_ in left), run.stdout
    assert all(live == "True" for *_, live in left), run.stdout
