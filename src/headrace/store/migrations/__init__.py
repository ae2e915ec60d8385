"""Migrates a database to the schema of this version.

Each migration is a folder `NNNN_name` with `notes.md` (why) and `up.sql` (what). The table `meta`
holds the number of the last one applied.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from headrace.model.errors import ConfigurationError
from headrace.store.connection import Connection

_META = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)"
_VERSION = "SELECT value FROM meta WHERE name = 'schema'"
_SET_VERSION = """
INSERT INTO meta (name, value) VALUES ('schema', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def available() -> list[tuple[int, str]]:
    """Return (number, SQL) of every migration, in order."""
    folders = [entry for entry in resources.files(__name__).iterdir() if entry.name[:4].isdecimal()]
    return sorted(
        (int(folder.name[:4]), folder.joinpath("up.sql").read_text("utf-8")) for folder in folders
    )


def migrate(db: Connection, translate: Callable[[str], str] = str) -> None:
    """Apply the missing migrations within the caller's transaction; `translate` adapts statements
    to another engine.

    Raises ConfigurationError when the database was made by a newer version.
    """
    db.execute(translate(_META))
    present = _version(db)
    known = available()
    _refuse_newer(present, known[-1][0])
    for number, script in known:
        if number > present:
            for statement in script.split(";\n"):
                if statement.strip():
                    db.execute(translate(statement))
            db.execute(_SET_VERSION, (number,))


def check_version(db: Connection) -> None:
    """Raise ConfigurationError unless the schema is this version's. For connections that only
    read."""
    present, newest = _version(db), available()[-1][0]
    _refuse_newer(present, newest)
    if present < newest:
        raise ConfigurationError(
            f"The database has schema {present}, this version of headrace {newest}: start the hub "
            "once, it brings the database up to date."
        )


def _version(db: Connection) -> int:
    row = db.execute(_VERSION).fetchone()
    return row[0] if row else 0


def _refuse_newer(present: int, newest: int) -> None:
    if present > newest:
        raise ConfigurationError(
            f"The database has schema {present}, this version of headrace knows up to {newest}: "
            "start the newer headrace that wrote it, or use another data folder."
        )
