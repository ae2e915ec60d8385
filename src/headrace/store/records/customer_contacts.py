"""The contacts of a customer, through their own endpoints."""

from __future__ import annotations

from typing import NoReturn

from msgspec import UNSET

from headrace.model.contact import Contact, ContactChange
from headrace.model.errors import NotFound
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.contacts import (
    by_ids,
    find_contact,
    parse_contacts,
    put_contact,
    remove_contact,
)
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.customers import store_contacts
from headrace.store.records.outcome import Outcome
from headrace.store.records.patch import refuse
from headrace.store.records.references import Address


def read_contacts(
    db: Connection, context: Context, customer: Address
) -> tuple[CustomerRow, list[Contact]]:
    """Return the whole list, in its stored order."""
    row = get_customer(db, context, customer)
    return row, parse_contacts(row.contacts)


def read_contact(
    db: Connection, context: Context, customer: Address, contact: Address
) -> tuple[CustomerRow, Contact]:
    """Return one contact. Raises NotFound."""
    row, contacts = read_contacts(db, context, customer)
    return row, contacts[_place(row, contacts, contact)]


def import_contact(db: Connection, context: Context, customer: Address, record: Contact) -> Outcome:
    """Add a contact, or change the one with the record's id or externalId."""
    row, contacts = read_contacts(db, context, customer)
    return _store(db, context, row, contacts, record, by_ids(contacts, record))


def change_contact(
    db: Connection, context: Context, customer: Address, contact: Address, record: ContactChange
) -> Outcome:
    """Change the fields that the record carries."""
    row, contacts = read_contacts(db, context, customer)
    at = _place(row, contacts, contact)
    if record.id not in (None, UNSET, contacts[at].id):
        refuse("id", "the contact has another id, and an id never changes")
    return _store(db, context, row, contacts, record, at)


def delete_contact(
    db: Connection, context: Context, customer: Address, contact: Address
) -> tuple[CustomerRow, Contact]:
    """Remove a contact. Raises NotFound."""
    row, contacts = read_contacts(db, context, customer)
    at = _place(row, contacts, contact)
    store_contacts(db, context, row, remove_contact(contacts, at))
    return row, contacts[at]


def _store(
    db: Connection,
    context: Context,
    row: CustomerRow,
    contacts: list[Contact],
    record: ContactChange,
    at: int | None,
) -> Outcome:
    kept, place = put_contact(db, context, contacts, record, at)
    store_contacts(db, context, row, kept)
    answer = kept[place]
    external_id = answer.external_id if isinstance(answer.external_id, str) else None
    return Outcome(answer, at is None, external_id, row.external_id)


def _place(row: CustomerRow, contacts: list[Contact], address: Address) -> int:
    place = find_contact(contacts, contact_id=address.id, external_id=address.external_id)
    return _no_contact(row, address) if place is None else place


def _no_contact(row: CustomerRow, address: Address) -> NoReturn:
    raise NotFound(f"There is no contact with {address} at {row.label}.")
