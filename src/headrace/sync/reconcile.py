"""Reconciliation: proves that the API holds what the source says, to the cent.

The source's side is computed in SQL from the book, the API's from what it answers; the two share no
code.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

import duckdb
from msgspec import Struct, field

from headrace.client.endpoints import Reader
from headrace.model.clock import Clock, format_instant
from headrace.model.entity import CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.settlement import kind_of
from headrace.sync.collected import COLLECTED_ENTITIES, collected_of
from headrace.sync.journal import Decision

_SQL = {
    name: resources.files("headrace.sync").joinpath("sql", f"{name}.sql").read_text("utf-8")
    for name in ("balances", "compared", "ageing", "collected", "doubles", "set_apart")
}


class CurrencyTotal(Struct, frozen=True):
    """What all customers owe in one currency, by either side, in its lowest division."""

    currency: str
    customers: int
    book: int
    api: int
    collected: int = 0
    """Of the API's, what Upflow collected and is not booked yet; negative when it lowers it."""


class DocumentDifference(Struct, frozen=True):
    """One document that explains a difference; amounts positive when owed."""

    entity: str
    external_id: str
    book: int
    api: int
    reason: str


class Difference(Struct, frozen=True):
    """One customer's balance in one currency that is not the same on both sides."""

    customer: str
    currency: str
    book: int
    api: int
    documents: list[DocumentDifference] = field(default_factory=list)
    collected: int = 0
    """Of the API's, what Upflow collected and is not booked yet: no part of the difference."""


class NotBooked(Struct, frozen=True):
    """A payment or refund that Upflow collected and the source does not have yet."""

    entity: str
    id: str
    customer: str
    currency: str
    amount: int
    day: str
    instrument: str
    reference: str
    booked: str
    """The source's record that it may be, sent as new when this one was there; empty if none. It
    then is a difference."""


class KindTotal(Struct, frozen=True):
    """What settles invoices without cash in one currency, by either side, by its kind."""

    kind: str
    currency: str
    book: int
    api: int


class Statement(Struct, frozen=True):
    """A `balance` that the API states and its own documents do not add up to."""

    customer: str
    currency: str
    documents: int
    stated: int


class Ageing(Struct, frozen=True):
    """What is open in one currency by days past due, as one side has it; the sum is the balance."""

    currency: str
    side: str
    not_due: int
    days_30: int
    """1 to 30 days late, and so on."""
    days_60: int
    days_90: int
    older: int
    unapplied: int
    """Payments, credit notes (negative) and refunds that no invoice takes."""


class Reconciled(Struct, frozen=True, kw_only=True):
    """The whole proof."""

    organisation: str
    made_at: str
    customers: int
    documents: int
    balances: int
    """Pairs of customer and currency that were compared."""
    totals: list[CurrencyTotal]
    differences: list[Difference]
    statements: list[Statement]
    collected: list[NotBooked] = field(default_factory=list)
    """The newest first."""
    kinds: list[KindTotal] = field(default_factory=list)
    ageing: list[Ageing] = field(default_factory=list)
    """By the day of the proof, per currency and side."""

    @property
    def balanced(self) -> bool:
        """Whether both sides agree everywhere, but for what was collected and is not booked yet."""
        return not self.differences and not self.statements


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
        """`decisions` on what Upflow collected, and how far its booking may be away."""
        self._connection = connection
        self._reader = reader
        self._clock = clock
        self._decisions = decisions
        self._claim_days = claim_days
        self._names: dict[str, str] = {}

    async def prove(self, organisation: str) -> Reconciled:
        """Compares everything; raises what the reader raises."""
        self._connection.execute(_SQL["balances"])
        self._connection.execute(_SQL["collected"])
        self._insert(
            "told_apart",
            [
                (one.entity, one.external_id, "" if one.verdict == "claimed" else one.id)
                for one in self._decisions
                if one.verdict != "accepted"
            ],
        )
        await self._read_customers()
        for entity in (INVOICE, CREDIT_NOTE, PAYMENT, REFUND):
            await self._read_documents(entity)
        self._connection.execute(_SQL["doubles"], {"days": self._claim_days})
        self._connection.execute(_SQL["set_apart"])
        self._connection.execute(_SQL["compared"])
        self._connection.execute(_SQL["ageing"], {"day": self._clock.now().date()})
        return self._result(organisation)

    async def _read_customers(self) -> None:
        async for page in self._reader.pages(CUSTOMER):
            for item in page:
                self._names[item["id"]] = _name(item)
            self._insert(
                "api_customers",
                [
                    (
                        item["id"],
                        _name(item),
                        (item.get("parent") or {}).get("id"),
                        item.get("currency") or "",
                        item.get("balance") or 0,
                    )
                    for item in page
                ],
            )

    async def _read_documents(self, entity: Entity) -> None:
        async for page in self._reader.pages(entity):
            self._insert(
                "api_documents",
                [
                    (
                        entity.name,
                        _name(item),
                        self._customer(item),
                        item["currency"],
                        _open(entity, item),
                        item.get("dueDate") if entity is INVOICE else None,
                    )
                    for item in page
                ],
            )
            if entity in COLLECTED_ENTITIES:
                self._note_money(entity, page)

    def _note_money(self, entity: Entity, page: Sequence[dict[str, Any]]) -> None:
        """Which of them Upflow collected itself, and since when the others are there."""
        named = [item for item in page if item.get("externalId")]
        self._insert(
            "api_created",
            [(entity.name, _name(item), str(item.get("createdAt") or "")) for item in named],
        )
        marked = [(kind_of(item.get("refNumber")), item) for item in page if entity is PAYMENT]
        self._insert(
            "api_kinds",
            [(kind, item["currency"], int(item["amount"])) for kind, item in marked if kind],
        )
        for item in page:
            if item.get("externalId"):
                continue
            one = collected_of(entity.name, item)
            self._insert(
                "api_collected",
                [
                    (
                        one.entity,
                        one.id,
                        self._customer(item),
                        one.currency,
                        one.amount,
                        _open(entity, item),
                        one.day,
                        one.instrument,
                        one.reference,
                        one.created_at,
                    )
                ],
            )
            links = [
                (one.entity, one.id, link.entity, link.external_id or link.id, link.amount)
                for link in one.links
            ]
            self._insert("api_collected_links", links)

    def _customer(self, item: dict[str, Any]) -> str:
        if "customerId" in item:
            return self._names.get(item["customerId"], str(item["customerId"]))
        # What was collected may be nobody's (api-facts (b), Payment).
        return _name(item["customer"]) if item.get("customer") else ""

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            values = ", ".join(f"unnest(${n + 1})" for n in range(len(columns)))
            self._connection.execute(f"insert into plan.{table} select {values}", columns)

    def _result(self, organisation: str) -> Reconciled:
        differences = [
            Difference(
                customer, currency, book, api, self._documents(customer, currency), collected
            )
            for customer, currency, book, api, collected in self._rows(
                "from plan.compared_balances where book <> api - collected "
                "order by abs(book - api + collected) desc, customer, currency"
            )
        ]
        return Reconciled(
            organisation=organisation,
            made_at=format_instant(self._clock.now()),
            customers=self._count("plan.api_customers"),
            documents=self._count("plan.api_documents"),
            balances=self._count("plan.compared_balances"),
            totals=[
                CurrencyTotal(*row)
                for row in self._rows(
                    "select currency, count(*), sum(book)::hugeint, sum(api)::hugeint, "
                    "sum(collected)::hugeint from plan.compared_balances "
                    "group by currency order by currency"
                )
            ],
            differences=differences,
            statements=[
                Statement(*row) for row in self._rows("from plan.compared_statements order by all")
            ],
            collected=[
                NotBooked(*row)
                for row in self._rows(
                    "select entity, id, customer, currency, amount, day, instrument, reference, "
                    "coalesce(booked, '') from plan.api_collected left join plan.doubles "
                    "using (entity, id) order by day desc, entity, id"
                )
            ],
            kinds=[KindTotal(*row) for row in self._rows("from plan.compared_kinds")],
            ageing=[Ageing(*row) for row in self._rows("from plan.ageing")],
        )

    def _documents(self, customer: str, currency: str) -> list[DocumentDifference]:
        rows = self._connection.execute(
            "select entity, external_id, book, api, reason from plan.compared_documents "
            "where customer = $1 and currency = $2 order by all",
            [customer, currency],
        ).fetchall()
        return [DocumentDifference(*row) for row in rows]

    def _count(self, table: str) -> int:
        return int(self._rows(f"select count(*) from {table}")[0][0])

    def _rows(self, sql: str) -> list[Any]:
        return self._connection.execute(sql).fetchall()


def _name(item: dict[str, Any]) -> str:
    """The source's id; what was made in the API itself has none and goes by the API's."""
    return str(item.get("externalId") or item["id"])


def _open(entity: Entity, item: dict[str, Any]) -> int:
    if entity is INVOICE:
        return int(item["amountOutstanding"])
    amount = item["grossAmount"] if entity is CREDIT_NOTE else item["amount"]
    rest = int(amount) - int(item.get("amountLinked") or 0)
    return rest if entity is REFUND else -rest
