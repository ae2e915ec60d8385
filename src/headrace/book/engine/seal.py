"""Restricts what DuckDB may access. Models are files that people exchange, and a model needs
nothing but the staged tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

# The order matters: each of the three settings makes the previous one final. Spill files are in the
# temporary folder, which DuckDB allows itself, as it does attached databases.
_SEAL = """
set allow_persistent_secrets = false;
set autoinstall_known_extensions = false;
set autoload_known_extensions = false;
set allowed_directories = [{folders}];
set enable_external_access = false;
set allowed_configs = ['memory_limit', 'threads', 'disabled_optimizers'];
set lock_configuration = true
"""


def seal(connection: duckdb.DuckDBPyConnection, readable: Sequence[Path]) -> None:
    """Deny the network and all files except those below `readable`, for all connections to this
    engine until it is closed. Afterwards only its limits of memory, threads and planning can be
    changed."""
    folders = ", ".join("'" + os.path.normpath(p).replace("'", "''") + "'" for p in readable)
    connection.execute(_SEAL.format(folders=folders))
