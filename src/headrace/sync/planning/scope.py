"""The scope of a plan: which of the changes it takes, and which it leaves for another time."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import duckdb
from msgspec import Struct

from headrace.book.rows import make_table
from headrace.model.errors import ConfigurationError
from headrace.model.project import DeletionRule

_SQL = {
    name: resources.files("headrace.sync.planning")
    .joinpath("sql", f"{name}.sql")
    .read_text("utf-8")
    for name in ("scope", "limit")
}


class Scope(Struct, frozen=True, kw_only=True):
    """Everything, unless something is said."""

    only: tuple[str, ...] = ()
    """Entities, by their names; PDFs go with their documents."""
    customer: str = ""
    """External id of the one customer whose records are taken, its parent included."""
    limit: int = 0
    """The first so many requests in the order of delivery."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.only or self.customer or self.limit)


WHOLE = Scope()


def narrow(
    connection: duckdb.DuckDBPyConnection, scope: Scope, on_delete: Mapping[str, DeletionRule]
) -> None:
    """Takes from `plan.changes` what stays out: `plan.departed` what is only reported as gone,
    `plan.left_out` the records outside the scope. ConfigurationError for a customer that neither
    side has."""
    if scope.customer:
        _check_customer(connection, scope.customer)
    columns = ("entity varchar", "rule varchar")
    make_table(connection, "temp table deletion_rules", columns, on_delete.items())
    connection.execute(
        "create or replace temp table scoped as select $1 as customer, $2::varchar[] as entities",
        [scope.customer, list(scope.only)],
    )
    connection.execute(_SQL["scope"])


def _check_customer(connection: duckdb.DuckDBPyConnection, external_id: str) -> None:
    known = connection.execute(
        "select external_id from book.customers where external_id = $1 union all "
        "select external_id from staging.acknowledged "
        "where entity = 'customer' and external_id = $1",
        [external_id],
    ).fetchall()
    if not known:
        raise ConfigurationError(
            f"There is no customer {external_id}: name one by the external_id that "
            "models/customers.sql gives it."
        )


def cut(connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Leaves the first `limit` operations, less those that would wait for one that is left out."""
    if not scope.limit:
        return
    connection.execute(
        f"create or replace temp table kept_until as select {int(scope.limit)}::bigint as number"
    )
    while True:
        connection.execute(_SQL["limit"])
        if not connection.execute("from cut_now limit 1").fetchall():
            return
