"""The names of contacts that travel on their own: both ids, for one person may be a contact of
several customers. `book/views.sql` writes them; here they are read."""

from __future__ import annotations

from urllib.parse import unquote


def contact_key(customer: str, external_id: str) -> str:
    """`C-7/anna`: a slash or a percent sign of the customer's id is encoded, the contact's is as
    it stands, so that no two pairs have the same name."""
    return f"{customer.replace('%', '%25').replace('/', '%2F')}/{external_id}"


def customer_of(key: str) -> str:
    """The customer's external id in a contact's name."""
    return unquote(key.partition("/")[0])


def external_id_of(key: str, customer: str) -> str:
    """The contact's own external id in its name; `customer` is whose it is."""
    # Journals of earlier versions have the customer's id as it stands.
    prefix = f"{customer}/"
    return key.removeprefix(prefix) if key.startswith(prefix) else key.partition("/")[2]
