"""Reconciliation: proves that the API's balances equal the models', to the cent.

Where the project has the models `control` or `control_totals`, it also proves that the models'
balances equal the source's own figures. The models' side is computed in SQL from the book, the
API's side from its answers; the two share no code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from importlib import resources
from typing import Any

import duckdb

from headrace.book.queries.filled import filled
from headrace.book.queries.rows import make_empty
from headrace.client.endpoints import Reader
from headrace.model.clock import Clock, format_instant
from headrace.model.repeated import run
from headrace.sync.journal import Decision
from headrace.sync.remote.api_side import ApiSide
from headrace.sync.remote.proof import (
    Ageing,
    CurrencyTotal,
    Difference,
    DocumentDifference,
    KindTotal,
    NotBooked,
    OpenDocument,
    Reconciled,
    Statement,
    pairs,
)
from headrace.sync.remote.recheck import SecondLook
from headrace.sync.remote.tables import COLLECTED, EXPLAINED, KINDS, REASONS

_FILES = (
    *("balances", "collected", "control", "doubles", "set_apart"),
    *("compared", "reasons", "kinds", "totals", "explained", "ageing"),
)
_SQL = {
    name: resources.files("headrace.sync.remote").joinpath("sql", f"{name}.sql").read_text("utf-8")
    for name in _FILES
}


class Reconciler:
    """Reads the API's documents into the book's schema `plan` and compares them there."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: Reader,
        clock: Clock,
        decisions: Sequence[Decision] = (),
        claim_days: int = 14,
    ) -> None:
        """Reconcile the book with the API.

        `decisions` are those about collected records; a booking is at most `claim_days` away from
        the collection.
        """
        self._connection = connection
        self._reader = reader
        self._clock = clock
        self._decisions = decisions
        self._claim_days = claim_days

    async def prove(self, organisation: str) -> Reconciled:
        """Compare everything, and read differing records again by their ids.

        Raises whatever the reader raises.
        """
        self._connection.execute(
            "create or replace table plan.today as select $1::date as day",
            [self._clock.now().date()],
        )
        for name in ("balances", "collected", "control"):
            run(self._connection, _SQL[name])
        self._note_decisions()
        claimed = {(d.entity, d.external_id) for d in self._decisions if d.verdict == "claimed"}
        api = ApiSide(self._connection, self._reader, claimed)
        await api.read()
        self._compare()
        look = SecondLook(self._connection, api, self._compare)
        left = await look.take()
        if self._has_rows("plan.api_kinds") or filled(self._connection, "fixes", "settled"):
            run(self._connection, _SQL["kinds"])
        else:
            make_empty(self._connection, KINDS)
        run(self._connection, _SQL["totals"])
        if self._has_rows("plan.with_control where given or totals_given"):
            run(self._connection, _SQL["explained"])
        else:
            make_empty(self._connection, EXPLAINED)
        run(self._connection, _SQL["ageing"])
        return self._result(organisation, look, left)

    def _note_decisions(self) -> None:
        for one in self._decisions:
            if one.verdict != "accepted":
                id = "" if one.verdict == "claimed" else one.id
                self._connection.execute(
                    "insert into plan.kept_apart values ($1, $2, $3)",
                    [one.entity, one.external_id, id],
                )

    def _compare(self) -> None:
        if self._has_rows("plan.api_collected") or self._has_rows("plan.api_links"):
            self._connection.execute(_SQL["doubles"], {"days": self._claim_days})
            run(self._connection, _SQL["set_apart"])
        else:
            make_empty(self._connection, COLLECTED)
        run(self._connection, _SQL["compared"])
        if self._has_rows("plan.differing"):
            run(self._connection, _SQL["reasons"])
        else:
            make_empty(self._connection, REASONS)

    def _result(self, organisation: str, look: SecondLook, left: int) -> Reconciled:
        opened = self._open_documents()
        ((unread,),) = self._rows("select rows from plan.control_unread")
        statements = [
            Statement(*row)
            for row in self._rows(
                "select customer, currency, documents, stated, coalesce(name, '') "
                "from plan.compared_statements left join plan.names using (customer) order by all"
            )
        ]
        return Reconciled(
            organisation=organisation,
            made_at=format_instant(self._clock.now()),
            customers=self._count("plan.api_customers"),
            documents=self._count("plan.api_documents"),
            balances=self._count("plan.compared_balances"),
            totals=[
                CurrencyTotal(*(*row, opened["*", row[0]]))
                for row in self._rows("from plan.compared_totals order by currency")
            ],
            differences=self._differences(opened),
            statements=[one for one in statements if one.customer not in look.unsettled],
            collected=[
                NotBooked(*row)
                for row in self._rows(
                    "select entity, id, customer, currency, amount, day, instrument, reference, "
                    "coalesce(booked, ''), coalesce(name, '') from plan.api_collected "
                    "left join plan.doubles using (entity, id) "
                    "left join plan.names using (customer) order by day desc, entity, id"
                )
            ],
            kinds=[KindTotal(*row) for row in self._rows("from plan.compared_kinds")],
            ageing=[Ageing(*row) for row in self._rows("from plan.ageing")],
            controls=[
                name
                for (name,) in self._rows(
                    "select name from book.modelled where name in ('control', 'control_totals') "
                    "order by name"
                )
            ],
            unread=int(unread),
            looked_up=look.taken,
            not_looked_up=left + len(look.unsettled),
        )

    def _differences(self, opened: dict[tuple[str, str], list[OpenDocument]]) -> list[Difference]:
        documents = self._documents()
        rows = self._rows(
            "select customer, currency, book, api, collected, control, stated, coalesce(name, '') "
            "from plan.compared_balances left join plan.names using (customer) "
            "where book <> api - collected or control <> stated or (customer, currency) in "
            "(select (customer, currency) from plan.compared_documents) "
            "order by greatest(abs(book - api + collected), abs(coalesce(control - stated, 0))) "
            "desc, customer, currency"
        )
        return [
            Difference(
                customer,
                currency,
                book,
                api,
                documents[customer, currency],
                collected,
                name,
                control,
                # Where a payment is booked at the root of its family, the source's own figure still
                # has it at its own customer.
                pairs(None if control is None else control + book - stated, book, api - collected),
                opened[customer, currency],
            )
            for customer, currency, book, api, collected, control, stated, name in rows
        ]

    def _documents(self) -> dict[tuple[str, str], list[DocumentDifference]]:
        """Return the differing documents by customer and currency."""
        found = defaultdict(list)
        for customer, currency, *rest in self._rows(
            "select customer, currency, entity, external_id, book, api, reason, number, "
            "book_state, api_state from plan.compared_documents order by all"
        ):
            found[customer, currency].append(DocumentDifference(*rest))
        return found

    def _open_documents(self) -> dict[tuple[str, str], list[OpenDocument]]:
        """Return the open documents by customer and currency; `*` stands for a currency's total."""
        found = defaultdict(list)
        for place, currency, *rest in self._rows(
            "select place, currency, entity, external_id, number, customer, open, reason, "
            "coalesce(name, '') from plan.open_documents left join plan.names using (customer) "
            "order by place, currency, abs(open) desc, entity, external_id"
        ):
            found[place, currency].append(OpenDocument(*rest))
        return found

    def _has_rows(self, source: str) -> bool:
        return bool(self._rows(f"from {source} limit 1"))

    def _count(self, table: str) -> int:
        return int(self._rows(f"select count(*) from {table}")[0][0])

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()
