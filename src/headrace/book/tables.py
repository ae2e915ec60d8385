"""The canonical tables: exactly what a source's SQL models must produce.

Columns that are sent are declared once, by the records of the API (`model/fields.py`); this module
declares the others. Casts, completeness checks and the documentation are derived from both.
"""

from __future__ import annotations

from msgspec import Struct

from headrace.model.contact import Contact
from headrace.model.credit_note import CreditNote
from headrace.model.customer import Customer
from headrace.model.fields import Kind, sent_fields
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.record import Record
from headrace.model.refund import Refund


class Column(Struct, frozen=True):
    """A column; `required` means present in the model and not NULL in any row."""

    name: str
    kind: Kind = "text"
    required: bool = False


class Table(Struct, frozen=True):
    """A canonical table; `singular` is the entity's name in messages."""

    name: str
    singular: str
    columns: tuple[Column, ...]
    identity: str = "external_id"
    """The column that identifies a row in messages."""

    def column(self, name: str) -> Column:
        """Return the column of that name. Raises KeyError when there is none."""
        return {column.name: column for column in self.columns}[name]


def _sent(record: type[Record]) -> tuple[Column, ...]:
    return tuple(
        Column(field.column, field.rule.kind, field.rule.required) for field in sent_fields(record)
    )


def _ids(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "id", required=True) for name in names)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _must(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, required=True) for name in names)


def _amounts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "amount", required=True) for name in names)


TABLES = (
    Table("customers", "customer", (*_sent(Customer), Column("custom_fields", "json"))),
    Table("contacts", "contact", (*_ids("customer_external_id"), *_sent(Contact))),
    Table("invoices", "invoice", (*_sent(Invoice), Column("marked_paid_at", "instant"))),
    Table("credit_notes", "credit_note", _sent(CreditNote)),
    Table("payments", "payment", _sent(Payment)),
    Table("refunds", "refund", _sent(Refund)),
    Table(
        "allocations",
        "allocation",
        (
            *_must("from_entity"),
            *_ids("from_external_id"),
            *_must("to_entity"),
            *_ids("to_external_id"),
            *_amounts("amount"),
        ),
        "from_external_id",
    ),
    Table(
        "adjustments",
        "adjustment",
        (
            *_ids("external_id", "customer_external_id"),
            *_must("currency"),
            *_amounts("amount"),
            Column("booked_at", "instant", required=True),
            *_text("ref_number"),
        ),
    ),
    Table(
        "settlements",
        "settlement",
        (
            *_must("external_id", "invoice_external_id", "kind"),
            *_amounts("amount"),
            Column("booked_at", "instant", required=True),
            *_text("ref_number"),
        ),
    ),
    Table(
        "documents",
        "document",
        (
            *_must("entity"),
            *_ids("external_id"),
            *_text("location", "etag"),
            Column("content", "bytes"),
        ),
    ),
    # Figures from the source's own accounts, used only by `reconcile`; they are not sent.
    Table(
        "control",
        "control",
        (*_ids("customer_external_id"), *_must("currency"), *_amounts("balance")),
        "customer_external_id",
    ),
    Table(
        "control_totals",
        "control_total",
        (*_must("currency"), *_amounts("balance")),
        "currency",
    ),
)

BY_NAME = {table.name: table for table in TABLES}
