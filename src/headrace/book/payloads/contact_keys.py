"""Keys of contacts that are sent separately. They contain both ids, because one person may be a
contact of several customers. `book/views.sql` writes the keys; this module reads them."""

from __future__ import annotations

from urllib.parse import unquote


def contact_key(customer: str, external_id: str) -> str:
    """Return a key such as `C-7/anna`. A slash or percent sign is encoded in the customer's id
    only, so that no two pairs have the same key."""
    return f"{customer.replace('%', '%25').replace('/', '%2F')}/{external_id}"


def customer_of(key: str) -> str:
    """Return the customer's external id in a contact's key."""
    return unquote(key.partition("/")[0])


def external_id_of(key: str, customer: str) -> str:
    """Return the contact's own external id in its key; `customer` is the customer's."""
    # Journals of earlier versions do not encode the customer's id.
    prefix = f"{customer}/"
    return key.removeprefix(prefix) if key.startswith(prefix) else key.partition("/")[2]
