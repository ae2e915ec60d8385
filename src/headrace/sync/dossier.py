"""Everything that is known of one record, from the source's rows to the API's last answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb
from msgspec import Struct

from headrace.book.models.casts import RAW
from headrace.book.models.models import Model
from headrace.book.payloads.payloads import Payloads, payload_hash
from headrace.model.entity import BY_NAME, CUSTOMER
from headrace.model.errors import ConfigurationError
from headrace.model.record import canonical
from headrace.sources.source import quoted
from headrace.sync.journal import Acknowledged, Drift, Journal, Key
from headrace.sync.planning.plan import Plan
from headrace.sync.session import Organisation

_ROWS = 5
"""Rows shown of each table of the source."""
_ALIKE = 10
"""Records named when a number fits several."""

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_DIGITS = 18
_NO_IDS = ("DATE", "TIME", "BOOLEAN", "INTERVAL")
"""Beginnings of types whose values are no ids."""

Row = dict[str, str | None]


class SourceRows(Struct, frozen=True):
    """Rows of a table of the source in which a column holds the record's id."""

    table: str
    column: str
    rows: list[Row]


class Link(Struct, frozen=True):
    """What the record settles, or is settled by; `reason` says why it is not sent."""

    direction: str
    """`to` or `from`, seen from the record."""
    entity: str
    external_id: str
    amount: int | None
    reason: str | None


class Owed(Struct, frozen=True):
    """What a customer owes in one currency by the models, as sums of amounts by entity."""

    currency: str
    amounts: dict[str, int]
    """Invoices and refunds positive, payments and credit notes negative."""

    @property
    def balance(self) -> int:
        """What is left of it."""
        return sum(self.amounts.values())


class Dossier(Struct, frozen=True, kw_only=True):
    """One record; empty parts are unknown or do not exist."""

    entity: str
    external_id: str
    verdict: str
    """One sentence: in step, to be sent, or why not."""
    source: list[SourceRows]
    model: str | None
    """The model that makes the row."""
    row: Row | None
    links: list[Link]
    problems: list[str]
    payload: Any
    """What would be sent of it now; nothing of a withheld record."""
    acknowledged: Any
    """What the API acknowledged last; null with `keep_payloads = false`."""
    known_to_api: bool
    unanswered: str | None
    """The action that was sent and not answered."""
    refused: str | None
    """The API's own sentence about the last refusal."""
    drift: Drift | None
    next: str | None
    """What the next apply would do."""
    customer: str = ""
    """External id of the customer that owns the record; a customer's own id."""
    owed: list[Owed] = []
    """What that customer owes by the models, by currency."""


class Dossiers:
    """Reads dossiers from an organisation with its last plan.

    `connection` and `journal` are others than the organisation's own where another thread reads.
    """

    def __init__(
        self,
        organisation: Organisation,
        plan: Plan,
        connection: duckdb.DuckDBPyConnection | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._organisation = organisation
        self._plan = plan
        self._connection = connection or organisation.book.connection
        self._journal = journal or organisation.journal
        self._places: dict[Key, tuple[str, str] | None] = {}

    def find(self, words: str) -> Key:
        """Return the record that `words` name: `invoice/INV-1`, an external id or a number.

        Raises ConfigurationError when there is none, or several.
        """
        entity, slash, name = words.partition("/")
        if not slash or entity not in BY_NAME:
            entity, name = "", words
        elif self._placed((entity, name)) is not None:
            return entity, name
        found = self._named(entity, name)
        if len(found) == 1:
            return found[0]
        if not found:
            kinds = ", ".join(BY_NAME)
            raise ConfigurationError(
                f"There is no {entity.replace('_', ' ') or 'record'} {name}, neither in the models "
                f"nor in the journal: write ENTITY/ID, with one of {kinds}, or a number."
            )
        alike = ", ".join("/".join(key) for key in found[:_ALIKE])
        raise ConfigurationError(f"{words} may be any of {alike}: write one of them.")

    def _named(self, entity: str, name: str) -> list[Key]:
        rows = self._rows(
            "with named as (select entity, external_id from book.placed where external_id = $1 "
            "union select entity, external_id from book.numbered where number = $1 "
            "union select 'customer', external_id from book.customers where name = $1) "
            "select entity, external_id from named where $2 in ('', entity) order by all",
            [name, entity],
        )
        exact = [(str(e), str(x)) for e, x in rows if x == name]
        found = exact or [(str(e), str(x)) for e, x in rows]
        if found:
            return found
        asked = [(kind, name) for kind in BY_NAME if entity in ("", kind)]
        refused = {reject.key for reject in self._journal.rejects()}
        there = {*self._journal.acknowledged(asked), *refused}
        return [key for key in asked if key in there]

    def read(self, key: Key) -> Dossier:
        """Return all that is known of a record."""
        entity, external_id = key
        origin, customer = self._placed(key) or (entity, "")
        model = self._model(origin)
        acknowledged = self._journal.acknowledged([key]).get(key)
        reject = next((r for r in self._journal.rejects() if r.key == key), None)
        asked = self._journal.asked().get(key)
        drift = next((d for d in self._journal.drifts() if (d.entity, d.external_id) == key), None)
        row = self._row(model, external_id)
        payload = self._payload(key)
        following = self._next(key, payload, acknowledged)
        kept = acknowledged.payload if acknowledged else None
        customer = customer or (acknowledged.customer if acknowledged else "")
        return Dossier(
            entity=entity,
            external_id=external_id,
            verdict=self._verdict(key, row is not None, acknowledged is not None, following),
            source=self._source(model, external_id) if model else [],
            model=model.origin if model else None,
            row=row,
            links=self._links(key),
            problems=[
                f"{severity}: {problem}; {remedy}"
                for severity, problem, remedy in self._rows(
                    "select severity, problem, remedy from book.problems "
                    "where entity = $1 and external_id = $2 order by all",
                    list(key),
                )
            ],
            payload=None if payload is None else json.loads(payload),
            acknowledged=None if kept is None else json.loads(kept),
            known_to_api=acknowledged is not None,
            unanswered=asked.action if asked else None,
            refused=f"{reject.status} {reject.message}" if reject else None,
            drift=drift,
            next=following,
            customer=customer,
            owed=self._owed(customer) if customer else [],
        )

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(sql, list(parameters)).fetchall()
        return found

    def _placed(self, key: Key) -> tuple[str, str] | None:
        """Return (origin, customer) of a record; None if it is not in the book."""
        if key not in self._places:
            rows = self._rows(
                "select origin, coalesce(customer, '') from book.placed "
                "where entity = $1 and external_id = $2",
                list(key),
            )
            self._places[key] = (str(rows[0][0]), str(rows[0][1])) if rows else None
        return self._places[key]

    def _model(self, origin: str) -> Model | None:
        tables = {
            "adjustment": "adjustments",
            "settlement": "settlements",
            **{name: entity.plural for name, entity in BY_NAME.items()},
        }
        models = {model.table.name: model for model in self._organisation.models}
        return models.get(tables.get(origin, ""))

    def _source(self, model: Model, external_id: str) -> list[SourceRows]:
        """Return the source's rows with the id in a column, table by table."""
        cursor = self._organisation.book.sources()
        found = []
        plain = external_id.rpartition(":")[2]
        for table in sorted(model.reads):
            columns = cursor.execute(f"describe staging.source.{quoted(table)}").fetchall()
            kinds = {str(name): str(kind) for name, kind, *_ in columns if "BLOB" not in str(kind)}
            for name, kind in kinds.items():
                if (test := _test(quoted(name), kind, plain)) is None:
                    continue
                rows = cursor.execute(
                    f"select {', '.join(f'{quoted(n)}::varchar' for n in kinds)} "
                    f"from staging.source.{quoted(table)} where {test} limit {_ROWS}",
                    [external_id, plain],
                ).fetchall()
                if rows:
                    shown = [dict(zip(kinds, row, strict=True)) for row in rows]
                    found.append(SourceRows(table, name, shown))
                    break
        return found

    def _row(self, model: Model | None, external_id: str) -> Row | None:
        if model is None or not any(c.name == "external_id" for c in model.table.columns):
            return None
        own = external_id.removeprefix("settlement:")
        cursor = self._connection.execute(
            f"from book.{model.table.name} where external_id = $1 limit 1", [own]
        )
        names = [str(column[0]) for column in cursor.description or ()]
        rows = cursor.fetchall()
        if not rows:
            return None
        values = dict(zip(names, rows[0], strict=True))
        return {
            name: None if value is None else str(value)
            for name, value in values.items()
            if value is not None or not name.endswith(RAW)
        }

    def _links(self, key: Key) -> list[Link]:
        if key[0] == CUSTOMER.name:
            return []
        rows = self._rows(
            "with links as ("
            "select 'to' as direction, to_entity as entity, to_external_id as external_id, amount, "
            "from_entity, from_external_id, to_entity, to_external_id "
            "from book.stated_links where from_entity = $1 and from_external_id = $2 union all "
            "select 'from', from_entity, from_external_id, amount, "
            "from_entity, from_external_id, to_entity, to_external_id "
            "from book.stated_links where to_entity = $1 and to_external_id = $2) "
            "select direction, links.entity, links.external_id, amount, any_value(reason) "
            "from links left join plan.staying_links as staying "
            "using (from_entity, from_external_id, to_entity, to_external_id) "
            "group by all order by all limit 200",
            list(key),
        )
        return [Link(*row) for row in rows]

    def _payload(self, key: Key) -> bytes | None:
        withheld = any((r.entity, r.external_id) == key for r in self._plan.withheld)
        if key[0] not in BY_NAME or withheld:
            return None
        payloads = Payloads(self._connection, self._organisation.book.columns)
        record = payloads.fetch(key[0], [key[1]]).get(key[1])
        return None if record is None else canonical(record)

    def _owed(self, customer: str) -> list[Owed]:
        found: dict[str, dict[str, int]] = {}
        for currency, entity, amount in self._rows(
            "select currency, entity, sum(if(entity in ('invoice', 'refund'), amount, -amount))"
            "::hugeint from book.placed where customer = $1 and entity <> 'customer' "
            "and currency is not null and amount is not null group by all order by all",
            [customer],
        ):
            found.setdefault(currency, {})[entity] = int(amount)
        return [Owed(currency, amounts) for currency, amounts in found.items()]

    def _next(
        self, key: Key, payload: bytes | None, acknowledged: Acknowledged | None
    ) -> str | None:
        """Return the planned actions, unless they were acknowledged since the plan was made."""
        if acknowledged and payload and acknowledged.hash == payload_hash(payload):
            return None
        rows = self._rows(
            "select action from plan.operations where entity = $1 and external_id = $2 "
            "order by number",
            list(key),
        )
        actions = [str(action) for (action,) in rows]
        if actions == ["delete"] and acknowledged is None:
            return None
        return ", ".join(actions) or None

    def _verdict(self, key: Key, in_source: bool, known: bool, following: str | None) -> str:
        """Say in one sentence where the record stands; what keeps it back comes first."""
        for records, said in ((self._plan.withheld, "withheld"), (self._plan.held, "held back")):
            reason = next((r.reason for r in records if (r.entity, r.external_id) == key), None)
            if reason is not None:
                return f"{said}: {reason}"
        if following is not None:
            return f"the next apply sends it: {following}"
        if in_source and known:
            return "in step: the API acknowledged what the source says"
        if known:
            return "no longer in the source; the API keeps it, as `on_delete` says"
        return "in the source, and not at the API" if in_source else "not in the source"


def _test(column: str, kind: str, plain: str) -> str | None:
    """Return the condition under which a column of this type holds the id $1 or $2, of which the
    latter is `plain`; None if it never does."""
    if kind == "VARCHAR":
        return f"{column} in ($1, $2)"
    if kind in _WHOLE:  # far faster than as text
        fits = plain.isascii() and plain.isdecimal() and str(int(plain[:_DIGITS])) == plain
        return f"{column} = $2::bigint and $1 is not null" if fits else None
    if kind.startswith(_NO_IDS):
        return None
    return f"{column}::varchar in ($1, $2)"
