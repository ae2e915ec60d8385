"""The canonical tables: what a source's SQL models must produce, and nothing else.

One declaration per column; casts, completeness checks and the documentation derive from it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["text", "id", "code", "amount", "instant", "flag", "json", "bytes"]
"""`id`: a text by which records know each other; `code`: one by which people know them."""


class Column(Struct, frozen=True):
    """One column; `required` means present in the model and not null in any row."""

    name: str
    kind: Kind = "text"
    required: bool = False


class Table(Struct, frozen=True):
    """One canonical table; `singular` is the entity's name in messages."""

    name: str
    singular: str
    columns: tuple[Column, ...]
    identity: str = "external_id"
    """The column by which messages name a row."""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        return {column.name: column for column in self.columns}[name]


def _ids(*names: str, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(name, "id", required) for name in names)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _must(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, required=True) for name in names)


def _amounts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "amount", required=True) for name in names)


_SETTLEMENT = (
    *_ids("external_id", "customer_external_id"),
    *_must("currency"),
    *_amounts("amount"),
    Column("validated_at", "instant", required=True),
    *_text("instrument", "ref_number", "bank_account_id"),
)

TABLES = (
    Table(
        "customers",
        "customer",
        (
            *_ids("external_id"),
            *_must("name"),
            *_text("vat_number", "accounting_ref", "account_manager", "dunning_plan"),
            *_text("address", "zipcode", "city", "state", "country"),
            *_ids("parent_external_id", required=False),
            Column("custom_fields", "json"),
        ),
    ),
    Table(
        "contacts",
        "contact",
        (
            *_ids("customer_external_id"),
            *_must("email"),
            *_ids("external_id", required=False),
            *_text("first_name", "last_name", "phone", "position"),
            Column("is_main", "flag"),
        ),
    ),
    Table(
        "invoices",
        "invoice",
        (
            *_ids("external_id", "customer_external_id"),
            Column("custom_id", "code", required=True),
            Column("issued_at", "instant", required=True),
            Column("due_date", "instant", required=True),
            *_must("currency"),
            *_amounts("gross_amount", "net_amount"),
            *_text("name"),
            Column("marked_paid_at", "instant"),
        ),
    ),
    Table(
        "credit_notes",
        "credit_note",
        (
            *_ids("external_id", "customer_external_id"),
            Column("custom_id", "code", required=True),
            Column("issued_at", "instant"),
            Column("due_date", "instant"),
            *_must("currency"),
            *_amounts("gross_amount", "net_amount"),
            *_text("name"),
        ),
    ),
    Table("payments", "payment", _SETTLEMENT),
    Table("refunds", "refund", _SETTLEMENT),
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
    # What the source's own books say, for `reconcile` alone: nothing is sent for it.
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
