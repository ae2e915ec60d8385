"""Named SQL statements, read from the `.sql` files of this folder.

A file is a sequence of blocks, each under a line `-- name --`. `{other}` in a block is replaced by
the text of an earlier block of the same file, so a list of columns is written only once.
"""

from __future__ import annotations

import re
from importlib import resources

_HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)
_INCLUDE = re.compile(r"\{(\w+)\}")


def parse_queries(text: str) -> dict[str, str]:
    """Return the blocks of one file by name. Raises KeyError for an include that is not defined
    above."""
    parts = _HEADING.split(text)
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        found[name] = _INCLUDE.sub(lambda match: found[match[1]], body.strip())
    return found


def _load(name: str) -> dict[str, str]:
    return parse_queries(resources.files(__name__).joinpath(f"{name}.sql").read_text("utf-8"))


ACTION = _load("action")
ALLOCATION = _load("allocation")
CATALOGUE = _load("catalogue")
CHECK = _load("check")
CONSOLE = _load("console")
COUNTER = _load("counter")
CUSTOM_FIELD = _load("custom_field")
CUSTOMER = _load("customer")
DOCUMENT = _load("document")
KEY = _load("key")
NOTE = _load("note")
ORGANISATION = _load("organisation")
OVERVIEW = _load("overview")
PDF = _load("pdf")
PORTAL = _load("portal")
PORTAL_ACCOUNT = _load("portal_account")
RATE = _load("rate")
RECONCILIATION = _load("reconciliation")
RESET = _load("reset")
SANDBOX = _load("sandbox")
SEARCH = _load("search")
SNAPSHOT = _load("snapshot")
STATISTICS = _load("statistics")
ADMISSION = _load("admission")
