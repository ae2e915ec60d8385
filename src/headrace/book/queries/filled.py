"""Tells which tables have rows.

DuckDB needs as long to prepare a query over empty tables as over full ones. Most organisations use
a few of the tables, so a query whose result is known to be empty is not run.
"""

from __future__ import annotations

import duckdb

from headrace.model.repeated import run


def filled(connection: duckdb.DuckDBPyConnection, *sources: str) -> frozenset[str]:
    """Return those of `sources` that have rows.

    A source is a table or view of the schema `book`, and may have a WHERE clause.
    """
    each = (f"(select {n} from book.{source} limit 1)" for n, source in enumerate(sources))
    rows = run(connection, " union all ".join(each)).fetchall() if sources else []
    return frozenset(sources[n] for (n,) in rows)
