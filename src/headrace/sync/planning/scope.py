"""The scope of a plan: the part of the changes that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import duckdb
from msgspec import Struct

from headrace.book.queries.rows import make_table
from headrace.model.errors import ConfigurationError
from headrace.model.project import DeletionRule
from headrace.model.repeated import run
from headrace.sync.planning.tables import make_empty

_SQL = {
    name: resources.files("headrace.sync.planning")
    .joinpath("sql", f"{name}.sql")
    .read_text("utf-8")
    for name in ("departed", "left_out", "limit")
}


class Scope(Struct, frozen=True, kw_only=True):
    """Selects changes; the defaults select all of them."""

    only: tuple[str, ...] = ()
    """Names of the entities to take; PDFs belong to their documents. Empty for all."""
    customer: str = ""
    """External id of the customer whose records are taken, with its parent. Empty for all."""
    limit: int = 0
    """Number of requests to take, in the order of delivery. 0 for all."""

    @property
    def whole(self) -> bool:
        """Whether the scope excludes nothing."""
        return not (self.only or self.customer or self.limit)


WHOLE = Scope()


def narrow(
    connection: duckdb.DuckDBPyConnection, scope: Scope, on_delete: Mapping[str, DeletionRule]
) -> None:
    """Move changes that are not sent out of `plan.changes`.

    Deletions that `on_delete` forbids go to `plan.departed`, records outside the scope to
    `plan.left_out`. Raises ConfigurationError if neither the source nor the API has the customer.
    """
    if scope.customer:
        _check_customer(connection, scope.customer)
    if set(on_delete.values()) <= {"delete"}:
        make_empty(connection, "plan.departed")
    else:
        columns = ("entity varchar", "rule varchar")
        make_table(connection, "temp table deletion_rules", columns, on_delete.items())
        run(connection, _SQL["departed"])
    if not (scope.customer or scope.only):
        make_empty(connection, "plan.left_out")
    else:
        connection.execute(
            "create or replace temp table scoped as "
            "select $1 as customer, $2::varchar[] as entities",
            [scope.customer, list(scope.only)],
        )
        run(connection, _SQL["left_out"])


def _check_customer(connection: duckdb.DuckDBPyConnection, external_id: str) -> None:
    known = connection.execute(
        "select external_id from book.customers where external_id = $1 union all "
        "select external_id from staging.acknowledged "
        "where entity = 'customer' and external_id = $1",
        [external_id],
    ).fetchall()
    if not known:
        raise ConfigurationError(
            f"There is no customer {external_id}. Use the external_id from models/customers.sql."
        )


def cut(connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Keep the first `limit` operations, except those that would wait for one that is left out."""
    if not scope.limit:
        return
    connection.execute(
        f"create or replace temp table kept_until as select {int(scope.limit)}::bigint as number"
    )
    while True:
        run(connection, _SQL["limit"])
        if not connection.execute("from cut_now limit 1").fetchall():
            return
