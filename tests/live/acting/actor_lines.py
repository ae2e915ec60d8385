"""One action per line of standard input, one answer per line of standard output, both JSON."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any


def answers() -> Callable[[dict[str, Any]], None]:
    """Return what writes an answer; whatever else the program prints goes to its log."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def write(answer: dict[str, Any]) -> None:
        out.write(json.dumps(answer) + "\n")
        out.flush()

    return write


def act(actions: Mapping[str, Callable[..., Any]], write: Callable[[dict[str, Any]], None]) -> None:
    """Do what is asked until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            write({"answer": actions[asked["do"]](**asked["with"])})
        except Exception as error:
            traceback.print_exc()
            write({"error": f"{type(error).__name__}: {error}"})
