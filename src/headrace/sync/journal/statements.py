"""The journal's SQL statements by name: the same text for both engines, with few exceptions."""

from __future__ import annotations

import re
from importlib import resources

_NAME = re.compile(r"^-- (\w+) --\n", re.MULTILINE)


def _named(file: str) -> dict[str, str]:
    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    _, *parts = _NAME.split(text)
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}


SQLITE = _named("statements.sql")
SQLITE |= {
    f"run{which}": SQLITE["runs"].format(which=SQLITE[where])
    for which, where in (("s_newest", "newest"), ("_by_id", "by_id"))
}
POSTGRES = {name: sql.replace("?", "%s") for name, sql in (SQLITE | _named("postgres.sql")).items()}

MIRROR = resources.files(__package__).joinpath("mirror.sql").read_text("utf-8")
"""The script that brings the book's copy of acknowledged records up to date."""
