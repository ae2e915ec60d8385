"""What the engine may reach: models are files that people exchange, and no model needs more than
the tables that were staged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

# The order matters: each of the three makes the one before it final. What spills lies in the
# temporary folder, which the engine allows itself, as it does the databases that are attached.
_SEAL = """
set allow_persistent_secrets = false;
set autoinstall_known_extensions = false;
set autoload_known_extensions = false;
set allowed_directories = [{folders}];
set enable_external_access = false;
set allowed_configs = ['memory_limit'];
set lock_configuration = true
"""


def seal(connection: duckdb.DuckDBPyConnection, readable: Sequence[Path]) -> None:
    """From here on the engine has no network and no files but those below `readable`, for all
    connections to it and until it is closed. Only its memory limit can still be set."""
    folders = ", ".join("'" + os.path.normpath(p).replace("'", "''") + "'" for p in readable)
    connection.execute(_SEAL.format(folders=folders))
