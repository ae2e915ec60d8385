"""Payloads: the rows of the book as the records that the API takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from headrace.book.custom_values import custom_values
from headrace.book.directory import Field
from headrace.model.contact import Contact
from headrace.model.credit_note import CreditNote
from headrace.model.customer import Address, Customer
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.record import UNSET, Record, UnsetType, canonical
from headrace.model.reference import CreditNoteLink, InvoiceLink, PaymentLink, external
from headrace.model.refund import Refund

PAYLOAD_VERSION = 1
"""Part of every payload hash: raise it when the same row must be sent in another shape."""

Row = Mapping[str, Any]

_CUSTOMERS = """
select customer.*, roots.root, manager.id as manager_id, dunning.id as dunning_id
from book.customers as customer
join wanted using (external_id)
left join book.roots as roots using (external_id)
left join book.names as manager
    on manager.kind = 'account_manager' and manager.name = lower(customer.account_manager)
left join book.names as dunning
    on dunning.kind = 'dunning_plan' and dunning.name = lower(customer.dunning_plan)
"""


def payload_hash(payload: bytes) -> bytes:
    """16 bytes that decide whether a record is sent; `payload` is the canonical JSON."""
    return hashlib.blake2b(
        payload, digest_size=16, salt=PAYLOAD_VERSION.to_bytes(2, "big")
    ).digest()


class Payloads:
    """Builds records for chosen external ids; unchanged rows never come here."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, frozenset[str]]
    ) -> None:
        self._connection = connection
        self._columns = columns

    def fetch(self, entity: str, external_ids: Sequence[str]) -> dict[str, Record]:
        """The records of one entity by external id; withheld or unknown ids are left out."""
        if not external_ids:
            return {}
        self._connection.execute(
            "create or replace temp table wanted as select unnest($1::varchar[]) as external_id",
            [list(external_ids)],
        )
        build = getattr(self, f"_{entity}")
        result: dict[str, Record] = build()
        return result

    def unread_fields(self, external_id: str) -> set[tuple[str | None, str | None]]:
        """Custom fields, by id or external id as payloads name them, that the customer's row has a
        value of, whether it can be read or not; all where the row's values can't be read at all."""
        rows = self._connection.execute(
            "select if(external_id is null, id, null), external_id from book.fields "
            "where exists (from book.unread_custom_fields as unread where unread.external_id = $1) "
            "or name in (select name from book.custom_values as given "
            "where given.external_id = $1 and json_type(given.value) <> 'NULL')",
            [external_id],
        ).fetchall()
        return {(id, own) for id, own in rows}

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        cursor = self._connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _customer(self) -> dict[str, Record]:
        refused = self._refused_positions()
        contacts: dict[str, list[Contact]] | None = None
        if self._columns.get("contacts") and self._bundles_contacts():
            contacts = {}
            for row in self._rows(
                "select contact.* from book.travelling_contacts as contact "
                "join wanted on wanted.external_id = contact.customer_external_id "
                "order by contact.external_id, contact.email"
            ):
                contacts.setdefault(row["customer_external_id"], []).append(
                    self._person(row, refused)
                )
        clearable = self._clearable("customers")
        fields = self._fields()
        return {
            row["external_id"]: _customer_record(row, clearable, contacts, fields)
            for row in self._rows(_CUSTOMERS)
        }

    def _fields(self) -> dict[str, Field]:
        return {
            row["name"]: Field(row["name"], row["data_type"], row["id"], row["external_id"])
            for row in self._rows("from book.fields")
        }

    def _bundles_contacts(self) -> bool:
        return bool(self._rows("select contact_rule() = 'with_customer' as yes")[0]["yes"])

    def _contact(self) -> dict[str, Record]:
        refused = self._refused_positions()
        return {
            row["id"]: self._person(row, refused)
            for row in self._rows(
                "select contact.* from book.own_contacts as contact "
                "join wanted on wanted.external_id = contact.id"
            )
        }

    def _refused_positions(self) -> frozenset[str]:
        return frozenset(
            row["position"] for row in self._rows("select position from book.refused_positions")
        )

    def _person(self, row: Row, refused: Collection[str]) -> Contact:
        text = self._clearable("contacts")
        return Contact(
            email=row["email"],
            external_id=_given(row["external_id"]),
            first_name=text(row, "first_name"),
            last_name=text(row, "last_name"),
            phone=text(row, "phone"),
            position=UNSET if row["position"] in refused else _given(row["position"]),
            is_main=_given(row["is_main"]),
        )

    def _clearable(self, table: str) -> Callable[[Row, str], str | UnsetType]:
        """Reads a text that the API accepts empty: a modelled column that is null clears it."""
        modelled = self._columns.get(table, frozenset())

        def read(row: Row, name: str) -> str | UnsetType:
            if row[name] is not None:
                return str(row[name])
            return "" if name in modelled else UNSET

        return read

    def _invoice(self) -> dict[str, Record]:
        return {
            row["external_id"]: Invoice(
                external_id=row["external_id"],
                custom_id=row["custom_id"],
                issued_at=_instant(row["issued_at"]),
                due_date=_instant(row["due_date"]),
                currency=row["currency"],
                gross_amount=row["gross_amount"],
                net_amount=row["net_amount"],
                customer=external(row["customer_external_id"]),
                name=_given(row["name"]),
            )
            for row in self._rows("from book.invoices join wanted using (external_id)")
        }

    def _credit_note(self) -> dict[str, Record]:
        links = self._links("credit_note")
        return {
            row["external_id"]: CreditNote(
                external_id=row["external_id"],
                custom_id=row["custom_id"],
                issued_at=_maybe_instant(row["issued_at"]),
                due_date=_maybe_instant(row["due_date"]),
                currency=row["currency"],
                gross_amount=row["gross_amount"],
                net_amount=row["net_amount"],
                customer=external(row["customer_external_id"]),
                name=_given(row["name"]),
                linked_invoices=_invoice_links(links.get(row["external_id"], ())),
            )
            for row in self._rows("from book.credit_notes join wanted using (external_id)")
        }

    def _payment(self) -> dict[str, Record]:
        links = self._links("payment")
        return {
            row["external_id"]: Payment(
                **_settlement(row),
                linked_invoices=_invoice_links(links.get(row["external_id"], ())),
            )
            for row in self._rows("from book.all_payments join wanted using (external_id)")
        }

    def _refund(self) -> dict[str, Record]:
        links = self._links("refund")
        records: dict[str, Record] = {}
        for row in self._rows("from book.all_refunds join wanted using (external_id)"):
            own = links.get(row["external_id"], ())
            records[row["external_id"]] = Refund(
                **_settlement(row),
                linked_payments=[
                    PaymentLink(amount_linked=amount, payment=external(to))
                    for entity, to, amount in own
                    if entity == "payment"
                ],
                linked_credit_notes=[
                    CreditNoteLink(amount_linked=amount, credit_note=external(to))
                    for entity, to, amount in own
                    if entity == "credit_note"
                ],
            )
        return records

    def _links(self, entity: str) -> dict[str, list[tuple[str, str, int]]]:
        """Per wanted settlement: (entity, external id, amount) of what it settles, in order."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        # Without `_rows`: a payment may settle a thousand invoices.
        rows = self._connection.execute(
            "select from_external_id, to_entity, to_external_id, sum(amount) as amount "
            "from book.links join wanted on wanted.external_id = links.from_external_id "
            f"where from_entity = '{entity}' group by all order by to_entity, to_external_id"
        ).fetchall()
        for external_id, *link in rows:
            found.setdefault(external_id, []).append(tuple(link))
        return found


def encode_payload(record: Record) -> tuple[bytes, bytes]:
    """(canonical JSON, its hash): what is sent is what is hashed."""
    body = canonical(record)
    return body, payload_hash(body)


def _customer_record(
    row: Row,
    text: Callable[[Row, str], str | UnsetType],
    contacts: Mapping[str, list[Contact]] | None,
    fields: Mapping[str, Field],
) -> Customer:
    address = {name: text(row, name) for name in ("address", "zipcode", "city", "state", "country")}
    return Customer(
        external_id=row["external_id"],
        name=row["name"],
        vat_number=text(row, "vat_number"),
        accounting_ref=text(row, "accounting_ref"),
        account_manager_id=_given(row["manager_id"]),
        dunning_plan_id=_given(row["dunning_id"]),
        address=Address(**address) if any(v is not UNSET for v in address.values()) else UNSET,
        parent=external(row["root"]) if row["root"] is not None else UNSET,
        custom_fields=(custom_values(row["custom_fields"], fields) or UNSET)
        if row["custom_fields"] is not None
        else UNSET,
        contacts=UNSET if contacts is None else contacts.get(row["external_id"], []),
    )


def _settlement(row: Row) -> dict[str, Any]:
    return {
        "external_id": row["external_id"],
        "currency": row["currency"],
        "amount": row["amount"],
        "validated_at": _instant(row["validated_at"]),
        "customer": external(row["customer_external_id"]),
        "instrument": _given(row["instrument"]),
        "ref_number": _given(row["ref_number"]),
        "bank_account_id": _given(row["bank_account_id"]),
    }


def _invoice_links(links: Sequence[tuple[str, str, int]]) -> list[InvoiceLink]:
    return [InvoiceLink(amount_linked=amount, invoice=external(to)) for _, to, amount in links]


def _given(value: Any) -> Any:
    return UNSET if value is None else value


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _maybe_instant(moment: datetime | None) -> str | UnsetType:
    return UNSET if moment is None else _instant(moment)
