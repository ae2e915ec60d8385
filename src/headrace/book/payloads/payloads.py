"""Payloads: converts rows of the book to the records that the API accepts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from headrace.book.payloads.custom_values import custom_values
from headrace.book.payloads.directory import Field
from headrace.model.contact import Contact
from headrace.model.customer import Customer
from headrace.model.entity import BY_NAME, CUSTOMER, Entity
from headrace.model.fields import LinkField, SentField, groups, link_fields, sent_fields
from headrace.model.record import UNSET, Record, canonical
from headrace.model.reference import (
    CreditNoteLink,
    InvoiceLink,
    PaymentLink,
    Reference,
    external,
)
from headrace.model.repeated import run

PAYLOAD_VERSION = 1
"""Part of every payload hash: raise it when the same row must be sent in another shape."""

Row = Mapping[str, Any]


def payload_hash(payload: bytes) -> bytes:
    """Return 16 bytes that decide whether a record is sent; `payload` is the canonical JSON."""
    return hashlib.blake2b(
        payload, digest_size=16, salt=PAYLOAD_VERSION.to_bytes(2, "big")
    ).digest()


_WITH_OTHERS = {"payment": "all_payments", "refund": "all_refunds"}
"""Views of entities that also have the rows of other tables, such as adjustments."""


class Payloads:
    """Builds records for chosen external ids; unchanged rows are never built."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, frozenset[str]]
    ) -> None:
        self._connection = connection
        self._columns = columns

    def fetch(self, entity: str, external_ids: Sequence[str]) -> dict[str, Record]:
        """Return the records of one entity by external id; withheld and unknown ids are omitted."""
        if not external_ids:
            return {}
        run(
            self._connection,
            "create or replace temp table wanted as select unnest($1::varchar[]) as external_id",
            [list(external_ids)],
        )
        if entity == CUSTOMER.name:
            return self._customer()
        if entity == "contact":
            return self._contact()
        kind = BY_NAME[entity]
        return self._documents(kind, _WITH_OTHERS.get(entity, kind.plural))

    def unread_fields(self, external_id: str) -> set[tuple[str | None, str | None]]:
        """Return the custom fields, by id or external id as payloads name them, for which the
        customer's row has a value, readable or not; all fields when the row's values can't be
        read at all."""
        rows = self._connection.execute(
            "select if(external_id is null, id, null), external_id from book.fields "
            "where exists (from book.unread_custom_fields as unread where unread.external_id = $1) "
            "or name in (select name from book.custom_values as given "
            "where given.external_id = $1 and json_type(given.value) <> 'NULL')",
            [external_id],
        ).fetchall()
        return {(id, own) for id, own in rows}

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        cursor = run(self._connection, sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _customer(self) -> dict[str, Record]:
        contacts: dict[str, list[Contact]] | None = None
        if self._columns.get("contacts") and self._bundles_contacts():
            contacts = {}
            build = self._builder(Contact, "contacts")
            for row in self._rows(
                "select contact.* from book.sent_contacts as contact "
                "join wanted on wanted.external_id = contact.customer_external_id "
                "order by contact.external_id, contact.email"
            ):
                contacts.setdefault(row["customer_external_id"], []).append(Contact(**build(row)))
        fields = self._fields()
        build = self._builder(Customer, "customers")
        return {
            row["external_id"]: Customer(
                **build(row),
                custom_fields=_custom_fields(row["custom_fields"], fields),
                contacts=UNSET if contacts is None else contacts.get(row["external_id"], []),
            )
            for row in self._rows("from book.sent_customers join wanted using (external_id)")
        }

    def _fields(self) -> dict[str, Field]:
        return {
            row["name"]: Field(row["name"], row["data_type"], row["id"], row["external_id"])
            for row in self._rows("from book.fields")
        }

    def _bundles_contacts(self) -> bool:
        return bool(self._rows("select contact_rule() = 'with_customer' as yes")[0]["yes"])

    def _contact(self) -> dict[str, Record]:
        build = self._builder(Contact, "contacts")
        return {
            row["id"]: Contact(**build(row))
            for row in self._rows(
                "select contact.* from book.sent_own_contacts as contact "
                "join wanted on wanted.external_id = contact.id"
            )
        }

    def _documents(self, entity: Entity, table: str) -> dict[str, Record]:
        build = self._builder(entity.record, entity.plural)
        lists = link_fields(entity.record)
        links = self._links(entity.name) if lists else {}
        records: dict[str, Record] = {}
        for row in self._rows(f"from book.{table} join wanted using (external_id)"):
            values = build(row)
            own = links.get(row["external_id"], ())
            for one in lists:
                values[one.name] = [_link(one, to, amount) for to, amount in _to(one, own)]
            records[row["external_id"]] = entity.record(**values)
        return records

    def _builder(self, record: type[Record], table: str) -> Callable[[Row], dict[str, Any]]:
        """Build a function that fills a record's fields from columns."""
        modelled = self._columns.get(table, frozenset())
        return _builder(record, modelled)

    def _links(self, entity: str) -> dict[str, list[tuple[str, str, int]]]:
        """Return (entity, external id, amount) of what each wanted document settles, in order."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        # Not through `_rows`, because a payment may settle a thousand invoices.
        rows = self._connection.execute(
            "select from_external_id, to_entity, to_external_id, sum(amount) as amount "
            "from book.links join wanted on wanted.external_id = links.from_external_id "
            f"where from_entity = '{entity}' group by all order by to_entity, to_external_id"
        ).fetchall()
        for external_id, *link in rows:
            found.setdefault(external_id, []).append(tuple(link))
        return found


class Built(NamedTuple):
    """A record as it is sent, with its canonical JSON and the hash of that."""

    record: Record
    payload: bytes
    hash: bytes


def encode_payload(record: Record) -> tuple[bytes, bytes]:
    """Return (canonical JSON, its hash): the hash is computed from exactly what is sent."""
    body = canonical(record)
    return body, payload_hash(body)


def _builder(record: type[Record], modelled: Collection[str]) -> Callable[[Row], dict[str, Any]]:
    readers = [
        (field.name, field.column, _reader(field, modelled))
        for field in sent_fields(record)
        if field.owner is record
    ]
    parts = [(name, kind, _builder(kind, modelled)) for name, kind in groups(record)]

    def build(row: Row) -> dict[str, Any]:
        values = {name: read(row[column]) for name, column, read in readers}
        for name, kind, build_part in parts:
            part = build_part(row)
            given = any(value is not UNSET for value in part.values())
            values[name] = kind(**part) if given else UNSET
        return values

    return build


def _reader(field: SentField, modelled: Collection[str]) -> Callable[[Any], Any]:
    """Return a function from the column's value to the field's."""
    if field.rule.refers:
        return lambda value: UNSET if value is None else external(value)
    if field.rule.kind == "instant":
        return lambda value: UNSET if value is None else _instant(value)
    # For a text that may be empty in the API, a modelled column that is NULL clears it.
    cleared: Any = "" if field.rule.clears == "empty" and field.column in modelled else UNSET
    return lambda value: cleared if value is None else value


def _custom_fields(given: str | None, fields: Mapping[str, Field]) -> Any:
    return UNSET if given is None else custom_values(given, fields) or UNSET


def _to(field: LinkField, links: Sequence[tuple[str, str, int]]) -> Iterator[tuple[str, int]]:
    return ((to, amount) for entity, to, amount in links if entity == field.refers)


_LINK_RECORDS: dict[str, Callable[[Reference, int], Record]] = {
    "invoice": lambda to, amount: InvoiceLink(amount_linked=amount, invoice=to),
    "payment": lambda to, amount: PaymentLink(amount_linked=amount, payment=to),
    "credit_note": lambda to, amount: CreditNoteLink(amount_linked=amount, credit_note=to),
}


def _link(field: LinkField, to: str, amount: int) -> Record:
    return _LINK_RECORDS[field.refers](external(to), amount)


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
