"""Takes out of Stripe World's modules what Python 3.13 lacks: python stripe_world_older.py

These are annotations that are evaluated late, and several exceptions without parentheses.
"""

import ast
import re
import sysconfig
from pathlib import Path

DEFERRED = "from __future__ import annotations"
BARE_EXCEPT = re.compile(r"^(\s*)except ((?:\w+, )+\w+):", re.MULTILINE)


def older(text: str) -> str:
    """The same module for Python 3.13."""
    text = BARE_EXCEPT.sub(r"\1except (\2):", text)
    if DEFERRED in text:
        return text
    body = ast.parse(text).body
    documented = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    lines = text.split("\n")
    lines.insert((body[0].end_lineno or 0) if documented else 0, DEFERRED)
    return "\n".join(lines)


if __name__ == "__main__":
    for package in ("seahaven", "seahaven_stripe_world"):
        for file in (Path(sysconfig.get_paths()["purelib"]) / package).rglob("*.py"):
            file.write_text(older(file.read_text()))
