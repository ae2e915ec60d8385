"""Runs `headrace apply` for one organisation, for any scheduler: reads its JSON and exit code.

The only module that knows the exit codes; the examples for Airflow, Dagster and Prefect use it.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

FINE = {0: "in step", 3: "records withheld", 4: "records rejected"}
"""Codes after which everything else was sent; people correct the data."""
LATER = {5: "unreachable", 8: "busy"}
"""Codes after which the same command is simply run again."""


class TryAgain(Exception):
    """Nothing is lost: run the task again later."""


class NeedsPerson(Exception):
    """Another try would end in the same way: configuration, an unsafe plan, an approval."""


def sync(organisation: str, project: str, timeout_s: int = 3600) -> dict[str, Any]:
    """Sync one organisation; returns what was sent, rejected and left.

    Raises TryAgain or NeedsPerson with headrace's own sentence.
    """
    words = ["headrace", "apply", "--json", "--project", project, "--organisation", organisation]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise TryAgain(f"{organisation}: not done in {timeout_s} s") from None
    try:
        document = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise NeedsPerson(f"{organisation}: {done.stderr.strip() or done.stdout}") from None
    if done.returncode in FINE:
        (applied,) = document
        return {
            "organisation": organisation,
            "result": FINE[done.returncode],
            **{name: applied["outcome"][name] for name in ("sent", "rejected", "left")},
        }
    sentence = f"{organisation}: {document['error']['message']}"
    if done.returncode in LATER:
        raise TryAgain(sentence)
    raise NeedsPerson(sentence)
