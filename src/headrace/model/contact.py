"""A person at a customer."""

from __future__ import annotations

from headrace.model.record import UNSET, Record, Text, UnsetType


class ContactChange(Record):
    """The fields of a contact that a partial update may carry."""

    id: str | None | UnsetType = UNSET
    external_id: str | None | UnsetType = UNSET
    """The same one may stand under several customers; each copy has its own id."""
    email: Text | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    position: str | None | UnsetType = UNSET
    """Must exist in the organisation: ACCOUNTING, PAYER, PURCHASER, SALES or a label of its own."""
    is_main: bool | UnsetType = UNSET


class Contact(ContactChange, kw_only=True):
    """As imported, alone or in the customer's full list (guide, Import Contacts)."""

    email: Text
    """Mandatory, unique within the customer ignoring case."""
