"""The API's side of a reconciliation: reads customers and documents into the schema `plan`."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import duckdb

from headrace.client.endpoints import Reader, external_path
from headrace.model.entity import (
    BY_NAME,
    CREDIT_NOTE,
    CUSTOMER,
    DOCUMENTS,
    INVOICE,
    PAYMENT,
    REFUND,
    Entity,
)
from headrace.model.repeated import run
from headrace.model.settlement import kind_of
from headrace.sync.collection.collected import COLLECTED_ENTITIES, Collected, collected_of

_TABLES = {
    "api_documents": "external_id",
    "api_created": "external_id",
    "api_kinds": "external_id",
    "api_links": "external_id",
    "api_collected": "id",
    "api_collected_links": "id",
}
"""Tables about documents, each with the column that identifies the document."""
_UNKNOWN = 300
"""Maximum number of customers that the list did not show and that are read by their ids."""


class ApiSide:
    """The API's answers as rows. A record can be read again by itself; it then replaces its row.

    All methods raise whatever the reader raises.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: Reader,
        claimed: Container[tuple[str, str]] = (),
    ) -> None:
        """Fill the tables that `balances.sql` and `collected.sql` created.

        `claimed` are booked records that claimed a collected one.
        """
        self._connection = connection
        self._reader = reader
        self._names: dict[str, str] = {}
        self._unknown = _UNKNOWN
        self._claimed = claimed
        self._given_back: set[str] = set()
        """Payments that were refunded at the API; the source may not know of it yet."""

    async def read(self) -> None:
        """Read all customers and documents from the lists."""
        async for page in self._reader.pages(CUSTOMER):
            self._note_customers(page)
        for entity in DOCUMENTS:
            async for page in self._reader.pages(entity):
                await self._note_documents(entity, page)
        rows = self._connection.execute(
            "select external_id from plan.api_documents where entity = 'payment' "
            "and id <> external_id and external_id in (select to_external_id from ("
            "select entity, to_entity, to_external_id from plan.api_collected_links union all "
            "select entity, to_entity, to_external_id from plan.api_links) "
            "where entity = 'refund' and to_entity = 'payment') order by all limit $1",
            [_UNKNOWN],
        ).fetchall()
        self._given_back = {row[0] for row in rows}
        for (name,) in rows:
            await self.read_again(PAYMENT.name, name, None)

    async def read_again(self, entity: str, name: str, id: str | None) -> None:
        """Read one document again, by its external id, or by the API's `id` if it has no other."""
        kind = BY_NAME[entity]
        path = f"{kind.path}/{id}" if id == name else external_path(kind, name)
        found = await self._reader.find(path, kind)
        self._forget(entity, [name])
        if found is not None:
            await self._note_documents(kind, [found])

    async def read_customer(self, name: str) -> bool:
        """Read a customer's balance and all documents of its family again.

        Returns whether they are consistent: the balance did not change while they were read.
        """
        rows = self._connection.execute(
            "select id, external_id, balance from plan.api_customers where external_id = $1", [name]
        ).fetchall()
        if not rows:
            return True
        id, first = str(rows[0][0]), int(rows[0][2])
        before = await self._balance(id, first)
        members = self._connection.execute(
            "select id, external_id from plan.api_customers where id = $1 or parent = $1", [id]
        ).fetchall()
        for member, its_name in members:
            for entity in DOCUMENTS:
                if not await self._read_documents_of(entity, str(member), str(its_name)):
                    return before == first
        return await self._balance(id, before) == before

    async def _balance(self, id: str, last: int) -> int:
        """Read the customer's balance and update its row; returns `last` if it was deleted."""
        found = await self._reader.find(f"{CUSTOMER.path}/{id}", CUSTOMER)
        if found is None:
            self._connection.execute("delete from plan.api_customers where id = $1", [id])
            return last
        balance = int(found.get("balance") or 0)
        self._connection.execute(
            "update plan.api_customers set balance = $1, currency = $2 where id = $3",
            [balance, found.get("currency") or "", id],
        )
        return balance

    async def _read_documents_of(self, entity: Entity, id: str, name: str) -> bool:
        """Read a customer's documents of one entity again.

        Returns False, and changes nothing, if the API ignores the filter by customer.
        """
        items: list[dict[str, Any]] = []
        async for page in self._reader.pages(entity, {"customerId": id}):
            if any(self._customer(item) != name for item in page):
                return False
            items += page
        rows = self._connection.execute(
            "select external_id from plan.api_documents where entity = $1 and customer = $2",
            [entity.name, name],
        ).fetchall()
        self._forget(entity.name, [row[0] for row in rows] + [_name(item) for item in items])
        await self._note_documents(entity, items)
        return True

    def _forget(self, entity: str, names: Sequence[str]) -> None:
        for table, column in _TABLES.items():
            self._connection.execute(
                f"delete from plan.{table} where entity = $1 "
                f"and {column} in (select unnest($2::varchar[]))",
                [entity, list(names)],
            )

    def _note_customers(self, page: Sequence[dict[str, Any]]) -> None:
        for item in page:
            self._names[item["id"]] = _name(item)
        rows = [
            (
                item["id"],
                _name(item),
                (item.get("parent") or {}).get("id"),
                item.get("currency") or "",
                item.get("balance") or 0,
                str(item.get("name") or ""),
            )
            for item in page
        ]
        self._insert("api_customers", rows)

    async def _note_documents(self, entity: Entity, page: Sequence[dict[str, Any]]) -> None:
        for item in page:
            await self._get_to_know(item.get("customerId"))
        rows = [
            (
                entity.name,
                _name(item),
                str(item["id"]),
                self._customer(item),
                item["currency"],
                _open(entity, item),
                item.get("dueDate") if entity is INVOICE else None,
                item.get("state") if entity is INVOICE else None,
                item.get("customId") or item.get("refNumber"),
            )
            for item in page
        ]
        self._insert("api_documents", rows)
        if entity in COLLECTED_ENTITIES:
            self._note_money(entity, page)

    async def _get_to_know(self, id: str | None) -> None:
        """Read a customer that was created while or after the list of customers was read."""
        if id is None or id in self._names or not self._unknown:
            return
        self._unknown -= 1
        found = await self._reader.find(f"{CUSTOMER.path}/{id}", CUSTOMER)
        if found is None:
            self._names[id] = str(id)
        else:
            self._note_customers([found])

    def _note_money(self, entity: Entity, page: Sequence[dict[str, Any]]) -> None:
        """Record the collected ones, the creation times of the others, and synthetic payments."""
        named = [item for item in page if item.get("externalId")]
        self._insert(
            "api_created",
            [(entity.name, _name(item), str(item.get("createdAt") or "")) for item in named],
        )
        marked = [(kind_of(item.get("refNumber")), item) for item in page if entity is PAYMENT]
        self._insert(
            "api_kinds",
            [
                (entity.name, _name(item), kind, item["currency"], int(item["amount"]))
                for kind, item in marked
                if kind
            ],
        )
        followed = [item for item in named if self._is_followed(entity, _name(item))]
        self._note_links("api_links", [(_name(i), collected_of(entity.name, i)) for i in followed])
        nameless = [item for item in page if not item.get("externalId")]
        found = [(item, collected_of(entity.name, item)) for item in nameless]
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
                for item, one in found
            ],
        )
        self._note_links("api_collected_links", [(one.id, one) for _, one in found])

    def _is_followed(self, entity: Entity, name: str) -> bool:
        """Whether a booked record claimed a collected one, or was refunded at the API."""
        given_back = entity is PAYMENT and name in self._given_back
        return given_back or (entity.name, name) in self._claimed

    def _note_links(self, table: str, records: Sequence[tuple[str, Collected]]) -> None:
        self._insert(
            table,
            [
                (one.entity, name, link.entity, link.external_id or link.id, link.amount)
                for name, one in records
                for link in one.links
            ],
        )

    def _customer(self, item: dict[str, Any]) -> str:
        if "customerId" in item:
            return self._names.get(item["customerId"], str(item["customerId"]))
        # A collected payment may have no customer (docs/api-evidence.md, Payments).
        return _name(item["customer"]) if item.get("customer") else ""

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            values = ", ".join(f"unnest(${n + 1})" for n in range(len(columns)))
            run(self._connection, f"insert into plan.{table} select {values}", columns)


def _name(item: dict[str, Any]) -> str:
    """Return the external id, or the API's id of a record that was created in Upflow itself."""
    return str(item.get("externalId") or item["id"])


def _open(entity: Entity, item: dict[str, Any]) -> int:
    if entity is INVOICE:
        return int(item["amountOutstanding"])
    amount = item["grossAmount"] if entity is CREDIT_NOTE else item["amount"]
    rest = int(amount) - int(item.get("amountLinked") or 0)
    return rest if entity is REFUND else -rest
