"""The entry point. It loads next to nothing, so that `headrace --version` answers at once."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence

from headrace import __version__
from headrace.cli.output import make_patient, unwritten

_CONFIGURATION = 6
"""As in `exit_codes`, which takes a while to load."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns its exit code and never raises a HeadraceError."""
    if list(arguments) == ["--version"]:
        print(f"headrace {__version__}")
        return 0
    code: int = importlib.import_module("headrace.cli.application").run(arguments)
    return code


def main() -> None:
    """The console script."""
    out = make_patient()
    code = run(sys.argv[1:])
    # All is said and done; one more Ctrl-C would only show how Python waits for its threads. Not
    # SIG_IGN: Python complains about a signal that arrives while that is being set.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    if reason := unwritten(out):
        print(f"error: what it says can't be written: {reason}", file=sys.stderr)
        code = code or _CONFIGURATION
    sys.exit(code)


if __name__ == "__main__":
    main()
