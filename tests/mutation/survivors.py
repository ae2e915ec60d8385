"""Prints each named mutant of the current folder as a diff; `run.py` starts it."""

from __future__ import annotations

import sys

from mutmut.mutation.diff_apply import get_diff_for_mutant

if __name__ == "__main__":
    for name in sys.argv[1:]:
        module = name.rpartition(".")[0].replace(".", "/")
        print(f"# {name}\n{get_diff_for_mutant(name, path=f'src/{module}.py')}")
