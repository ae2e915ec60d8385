"""The journal's SQL statements by name: the same text for both engines, with few exceptions.

`{entities}` and `{documents}` stand for lists of names, as in `entity in {documents}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources

from headrace.model.entity import DOCUMENTS, ENTITIES, Entity

_NAME = re.compile(r"^-- (\w+) --\n", re.MULTILINE)


def _list(entities: Iterable[Entity]) -> str:
    return "(" + ", ".join(f"'{entity.name}'" for entity in entities) + ")"


def _named(file: str) -> dict[str, str]:
    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    text = text.replace("{documents}", _list(DOCUMENTS)).replace("{entities}", _list(ENTITIES))
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
