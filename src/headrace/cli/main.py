"""The entry point. It loads next to nothing, so that `headrace --version` answers at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from headrace import __version__


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns its exit code and never raises a HeadraceError."""
    if list(arguments) == ["--version"]:
        print(f"headrace {__version__}")
        return 0
    code: int = importlib.import_module("headrace.cli.application").run(arguments)
    return code


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
