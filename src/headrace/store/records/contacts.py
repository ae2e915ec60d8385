"""A customer's contacts: a short list that is read and written as a whole, with the customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from headrace.model.contact import Contact, ContactChange
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.organisations import position_names
from headrace.store.records.patch import merge, refuse

_EMAIL = re.compile(r"[A-Za-z0-9+_'.-]+@[\w-]+(\.[\w-]+)+")
"""Unaccented letters, digits and + _ ' . - before the @ (docs/api-evidence.md, Contacts)."""

_DECODER = msgspec.json.Decoder(list[Contact])


def parse_contacts(text: str) -> list[Contact]:
    """Decode the list stored in the customer's row."""
    return _DECODER.decode(text)


def replace_contacts(
    db: Connection, context: Context, stored: Sequence[Contact], wanted: Sequence[Contact]
) -> list[Contact]:
    """Apply the complete list of an import: contacts missing from it are deleted, existing ones
    keep their id and main mark.

    A contact is matched by id, else by externalId, else by e-mail. Raises BadRequest.
    """
    recognised = _recognise(stored, wanted)
    kept = [
        _laid_over(context, present, contact)
        for present, contact in zip(recognised, wanted, strict=True)
    ]
    _check_list(kept, "contacts[{}].")
    _check_positions(db, context, [(f"contacts[{i}].", c) for i, c in enumerate(wanted)])
    return _with_one_main(kept, [contact.is_main is True for contact in wanted])


def put_contact(
    db: Connection,
    context: Context,
    stored: Sequence[Contact],
    contact: ContactChange,
    at: int | None,
) -> tuple[list[Contact], int]:
    """Add one contact (`at` is None) or change the one at that index; returns the list and the
    index."""
    kept = list(stored)
    present = kept[at] if at is not None else None
    changed = _laid_over(context, present, contact)
    if at is None:
        kept.append(changed)
        at = len(kept) - 1
    else:
        kept[at] = changed
    _check_list(kept, "")
    _check_positions(db, context, [("", contact)])
    return _with_one_main(kept, [i == at and contact.is_main is True for i in range(len(kept))]), at


def remove_contact(stored: Sequence[Contact], at: int) -> list[Contact]:
    """Remove one contact; if it was the main contact, the first of the others becomes it."""
    kept = [contact for i, contact in enumerate(stored) if i != at]
    return _with_one_main(kept, [False] * len(kept))


def find_contact(
    stored: Sequence[Contact], *, contact_id: str | None = None, external_id: str | None = None
) -> int | None:
    """Return the index of a contact, by one of its ids."""
    for place, contact in enumerate(stored):
        if contact_id is not None and contact.id == contact_id:
            return place
        if external_id is not None and contact.external_id == external_id:
            return place
    return None


def _recognise(stored: Sequence[Contact], wanted: Sequence[Contact]) -> list[Contact | None]:
    """Match each wanted contact to a stored one; those with ids are matched before those
    without."""
    found: dict[int, int] = {}
    for place, contact in enumerate(wanted):
        at = by_ids(stored, contact)
        if at is None:
            continue
        if at in found.values():
            other = next(p for p, taken in found.items() if taken == at)
            refuse(f"contacts[{place}]", f"is the same contact as contacts[{other}]")
        found[place] = at
    for place, contact in enumerate(wanted):
        if place in found:
            continue
        for at, present in enumerate(stored):
            if at not in found.values() and _same_email(present, contact):
                found[place] = at
                break
    return [stored[found[place]] if place in found else None for place in range(len(wanted))]


def by_ids(stored: Sequence[Contact], wanted: Contact) -> int | None:
    """Return the index of a stored contact, by id, else by externalId.

    An id that the customer does not have is no error: clients that move a contact to another
    customer go on sending the id of the first copy (docs/api-evidence.md, Contacts).
    """
    at = None
    if isinstance(wanted.id, str):
        at = find_contact(stored, contact_id=wanted.id)
    if at is None and isinstance(wanted.external_id, str):
        at = find_contact(stored, external_id=wanted.external_id)
    return at


def _same_email(present: Contact, wanted: Contact) -> bool:
    """Whether the e-mails match; two contacts with external ids are compared by those instead."""
    if isinstance(present.external_id, str) and isinstance(wanted.external_id, str):
        return False
    return present.email.casefold() == wanted.email.casefold()


def _laid_over(context: Context, present: Contact | None, wanted: ContactChange) -> Contact:
    if present is None:
        assert isinstance(wanted, Contact)
        present = Contact(
            email=wanted.email,
            id=context.new_id(),
            external_id=None,
            first_name=None,
            last_name=None,
            phone=None,
            position=None,
            is_main=False,
        )
    merged = merge(present, wanted, leave=("id",))
    if merged.position == "":
        merged = msgspec.structs.replace(merged, position=None)
    return merged


def _check_list(contacts: Sequence[Contact], prefix: str) -> None:
    """Check the form of every e-mail, and that e-mails and external ids are unique."""
    emails: set[str] = set()
    external_ids: set[str] = set()
    for place, contact in enumerate(contacts):
        where = prefix.format(place)
        if not _EMAIL.fullmatch(contact.email):
            refuse(
                f"{where}email",
                f"{contact.email!r} is no e-mail address that can be used: letters from a to z, "
                "digits and + _ ' . - before the @, a domain behind it",
            )
        folded = contact.email.casefold()
        if folded in emails:
            refuse(f"{where}email", f"the customer has another contact with {contact.email}")
        emails.add(folded)
        if isinstance(contact.external_id, str):
            if contact.external_id in external_ids:
                refuse(
                    f"{where}externalId",
                    f"the customer has another contact with externalId {contact.external_id}",
                )
            external_ids.add(contact.external_id)


def _check_positions(
    db: Connection, context: Context, wanted: Iterable[tuple[str, ContactChange]]
) -> None:
    named = [(where, c.position) for where, c in wanted if c.position not in (None, UNSET, "")]
    if not named:
        return
    existing = position_names(db, context.organisation)
    for where, position in named:
        if position not in existing:
            refuse(
                f"{where}position",
                f"{position!r} does not exist in the organisation; there are {', '.join(existing)}",
            )


def _with_one_main(contacts: list[Contact], claims: Sequence[bool]) -> list[Contact]:
    """Choose the main contact: the last that claims it, else the previous one, else the first
    (docs/api-evidence.md, Contacts)."""
    if not contacts:
        return contacts
    claiming = [place for place, claim in enumerate(claims) if claim]
    before = [place for place, contact in enumerate(contacts) if contact.is_main is True]
    main = claiming[-1] if claiming else before[0] if before else 0
    return [
        contact
        if contact.is_main is (place == main)
        else msgspec.structs.replace(contact, is_main=place == main)
        for place, contact in enumerate(contacts)
    ]
