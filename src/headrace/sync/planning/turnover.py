"""The turnover of a plan: amounts created and deleted, and open amounts changed by updates."""

from __future__ import annotations

import duckdb

from headrace.model.repeated import run
from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.plan import Money
from headrace.sync.planning.tables import make_empty

_CHUNK = 5_000
_CREATED = (
    "select entity, action, currency, sum(amount)::hugeint as amount from plan.operations "
    "where currency is not null and action not in ('update', 'delete') group by all"
)
_MOVED = (
    "select entity, action, moved.currency, sum(moved.amount)::hugeint as amount "
    "from plan.operations join plan.moved using (entity, external_id, action) group by all "
    "having sum(moved.amount) <> 0"
)


class Turnover:
    """Adds up money by entity, action and currency.

    Updates and deletions are added during planning. They are stored in the engine, because a plan
    may have a million records, and only those that become operations are counted in the end.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[tuple[str, str, str, str, int]] = []
        self._stored = False

    def update(self, key: Key, old: Linkage, new: Linkage) -> None:
        """Add an updated record: the change of its open amount, in each currency."""
        if old.currency == new.currency:
            self._add(key, "update", new.currency, new.open - old.open)
        else:
            self._add(key, "update", old.currency, -old.open)
            self._add(key, "update", new.currency, new.open)

    def delete(self, key: Key, old: Linkage) -> None:
        """Add a deleted record with its amount."""
        self._add(key, "delete", old.currency, old.amount)

    def _add(self, key: Key, action: str, currency: str, amount: int) -> None:
        if currency and amount:
            self._rows.append((*key, action, currency, amount))
        if len(self._rows) >= _CHUNK:
            self._store()

    def _store(self) -> None:
        if not self._stored:
            make_empty(self._connection, "plan.moved")
        self._stored = True
        run(
            self._connection,
            "insert into plan.moved select unnest($1::varchar[]), unnest($2::varchar[]), "
            "unnest($3::varchar[]), unnest($4::varchar[]), unnest($5::bigint[])",
            [list(column) for column in zip(*self._rows, strict=True)],
        )
        self._rows = []

    def read(self) -> list[Money]:
        """Return the sums over `plan.operations`, sorted."""
        if self._rows:
            self._store()
        sums = f"{_CREATED} union all {_MOVED}" if self._stored else _CREATED
        rows = run(self._connection, f"from ({sums}) order by all").fetchall()
        return [Money(*row) for row in rows]
