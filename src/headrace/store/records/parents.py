"""Checks a customer's new parent: it exists, families stay one level deep, and links stay valid."""

from __future__ import annotations

from msgspec import UnsetType

from headrace.model.customer import Customer
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOMER as SQL
from headrace.store.records.customer_rows import CustomerRow, find_customer
from headrace.store.records.patch import refuse
from headrace.store.records.references import resolve_reference


def wanted_parent(
    db: Connection, context: Context, row: CustomerRow | None, record: Customer
) -> int | None:
    """Return the number of the parent that the record asks for; `row` is None for a new customer.

    Raises BadRequest unless the parent exists and the family stays one level deep
    (docs/api-evidence.md, Parent-child relation), and when an existing link would then join
    documents of different families.
    """
    reference = record.parent
    if reference is None or isinstance(reference, UnsetType):
        parent = None
    else:
        parent = resolve_reference(
            reference, lambda a: find_customer(db, context, a), "parent", "customer"
        )
        _check_parent(db, row, parent)
    if row is not None and row.parent is not None and (parent is None or parent.seq != row.parent):
        _check_no_link_across(db, row)
    return parent.seq if parent else None


def _check_parent(db: Connection, row: CustomerRow | None, parent: CustomerRow) -> None:
    if parent.parent is not None:
        refuse(
            "parent",
            f"{parent.label} has a parent itself; link to the root, there is one level only",
        )
    if row is None:
        return
    if parent.seq == row.seq:
        refuse("parent", f"{row.label} can't be its own parent")
    if db.execute(SQL["count_children"], (row.seq,)).fetchone()[0]:
        refuse("parent", f"{row.label} has children, so it can't get a parent: one level only")


def _check_no_link_across(db: Connection, row: CustomerRow) -> None:
    link = db.execute(SQL["link_across"], (row.seq,) * 4).fetchone()
    if link:
        source, source_label, target, target_label = link
        refuse(
            "parent",
            f"can't change while {source.replace('_', ' ')} {source_label} is linked to "
            f"{target.replace('_', ' ')} {target_label} of another customer of the family",
        )
