"""The live systems are not part of `make test`, but their parts are whole."""

from __future__ import annotations

import subprocess
import sys

from tree import ROOT


def test_the_tests_of_live_systems_can_be_collected_and_none_of_them_runs_by_itself() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/live"]
    told = subprocess.run([*command, "-m", "live"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout
    assert "test_live_tryton.py" in told.stdout
    plain = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert plain.returncode == 5, plain.stdout  # nothing is left without the mark
