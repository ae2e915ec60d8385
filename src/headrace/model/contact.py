"""A person at a customer."""

from __future__ import annotations

from typing import Annotated

from headrace.model.fields import Sent
from headrace.model.record import UNSET, Blankable, Record, Text, UnsetType


class ContactChange(Record):
    """The fields of a contact that a partial update may contain."""

    id: str | None | UnsetType = UNSET
    external_id: Annotated[str | None | UnsetType, Sent(kind="id", clears="null")] = UNSET
    """Several customers may have a contact with the same one; each contact has its own id."""
    email: Text | UnsetType = UNSET
    first_name: Annotated[Blankable | None | UnsetType, Sent(clears="empty")] = UNSET
    last_name: Annotated[Blankable | None | UnsetType, Sent(clears="empty")] = UNSET
    phone: Annotated[Blankable | None | UnsetType, Sent(clears="empty")] = UNSET
    position: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    """Must exist in the organisation: ACCOUNTING, PAYER, PURCHASER, SALES or a custom label."""
    is_main: Annotated[bool | UnsetType, Sent(kind="flag")] = UNSET


class Contact(ContactChange, kw_only=True):
    """As imported, alone or in the customer's full list (docs/api-evidence.md, Contacts)."""

    email: Annotated[Text, Sent(required=True)]
    """Mandatory, unique within the customer ignoring case."""
