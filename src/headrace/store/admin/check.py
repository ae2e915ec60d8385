"""Checks the invariants of a hub's whole database.

Read only. It runs on one snapshot, so it may run while hubs serve the database and never sees a
write that is half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from headrace.model.contact import Contact
from headrace.store.connection import Connection
from headrace.store.queries import CHECK as SQL
from headrace.store.records.contacts import parse_contacts


class Finding(Struct, frozen=True):
    """A violation of an invariant."""

    check: str
    """Name of the invariant."""
    organisation: str | None
    subject: str
    """The row concerned, such as `invoice INV-1`."""
    problem: str

    def __str__(self) -> str:
        where = f"{self.organisation}, " if self.organisation is not None else ""
        return f"{where}{self.subject}: {self.problem} ({self.check})"


SENTENCES = {
    "amounts": "{} are applied of {}: it must lie between nothing and all",
    "applied": "it says that {} are applied, its links add up to {}",
    "owners": "its customer, number {}, does not exist in its organisation",
    "link_ends": "it must link two documents of one organisation with an amount, not {} and {}",
    "link_pairs": "it may not be linked to {} ({}): the kinds, currencies or customers differ",
    "balances": "invoices and refunds have {} more applied than payments and credit notes have",
    "parents": "its parent ({}) must exist in its organisation and have no parent itself ({})",
    "homes": "its organisation, number {}, does not exist",
    "counted_documents": "{} are counted, there are {}",
    "counted_beside": "{} are counted, there are {}",
    "counted_in_all": "{} are counted, there are {}",
    "counted_labels": "{} values are counted, there are {}",
    "values": "it has a value for number {}, which is no {} of its organisation",
    "pdfs": "its PDF {} is none that is kept",
}
"""Message for each statement, by its name; the placeholders take the statement's two facts."""


def check_database(db: Connection) -> Iterator[Finding]:
    """Returns all findings; empty when the database is consistent."""
    for name, sentence in SENTENCES.items():
        for organisation, subject, *facts in db.execute(SQL[name]):
            yield Finding(name, organisation, subject, sentence.format(*facts))
    for organisation, customer, text in db.execute(SQL["contacts"]):
        problem = _contacts_problem(text)
        if problem is not None:
            yield Finding("contacts", organisation, f"customer {customer}", problem)


def _contacts_problem(text: str) -> str | None:
    try:
        contacts = parse_contacts(text)
    except msgspec.MsgspecError as error:
        return f"its contacts can't be read: {error}"
    mains = sum(contact.is_main is True for contact in contacts)
    if mains != 1:
        return f"it has {mains} main contacts instead of one"
    return (
        _twice(contacts, "id", lambda contact: contact.id)
        or _twice(contacts, "externalId", lambda contact: contact.external_id)
        or _twice(contacts, "e-mail", lambda contact: contact.email.casefold())
    )


def _twice(contacts: list[Contact], what: str, of: Callable[[Contact], object]) -> str | None:
    seen = [value for contact in contacts if isinstance(value := of(contact), str)]
    if len(set(seen)) == len(seen):
        return None
    return f"two of its contacts have the same {what}"
