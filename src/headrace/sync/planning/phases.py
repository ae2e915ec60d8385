"""Phases: changes and open items go before the settled past, each with everything linked to it."""

from __future__ import annotations

import itertools

import duckdb

from headrace.model.repeated import run


def spread(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `plan.reached`: the phase of documents that change, are open, or are linked to such.

    Phase 0 starts from the changes to what the API has, phase 1 from the open items. Documents that
    neither reaches through links belong to the settled past, phase 2.
    """
    run(
        connection,
        "create or replace table plan.reached as "
        "select id, 0 as phase from plan.nodes where level > 0 and action <> 'create' union "
        "select source, 0 from plan.edges where target is null; "
        "create or replace temp table neighbours as "
        "select source as one, target as other from plan.edges where target is not null "
        "union all select target, source from plan.edges where target is not null",
    )
    _reach(connection, 0)
    run(
        connection,
        "insert into plan.reached select id, 1 from plan.nodes "
        "anti join plan.reached using (id) where open",
    )
    _reach(connection, 1)


def _reach(connection: duckdb.DuckDBPyConnection, phase: int) -> None:
    frontier = f"select id from plan.reached where phase = {phase}"
    for step in itertools.count():
        found = f"frontier_{step % 2}"  # made from the other one
        run(
            connection,
            f"create or replace temp table {found} as "
            f"select distinct other as id from neighbours semi join ({frontier}) as frontier "
            "on frontier.id = one anti join plan.reached as reached on reached.id = other",
        )
        reached = run(connection, f"insert into plan.reached select id, {phase} from {found}")
        if reached.fetchall() == [(0,)]:
            return
        frontier = f"select id from {found}"
