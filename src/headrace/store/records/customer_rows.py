"""Reads customers: one by its ids, or a page of them."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.entity import CUSTOMER
from headrace.model.errors import NotFound
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOMER as SQL
from headrace.store.records import counters
from headrace.store.records.page import Page, Window, page_of_rows
from headrace.store.records.references import Address


class CustomerRow(Struct, frozen=True):
    """A customer as stored, in the order of the query's columns."""

    seq: int
    id: str
    external_id: str | None
    parent: int | None
    parent_id: str | None
    parent_external_id: str | None
    name: str
    accounting_ref: str | None
    created_at: str
    modified_at: str
    contacts: str
    body: str

    @property
    def label(self) -> str:
        """The customer's name in messages: the source's id if there is one."""
        return f"customer {self.external_id or self.id}"


def find_customer(db: Connection, context: Context, address: Address) -> CustomerRow | None:
    """Find a customer within the organisation; customers of other organisations are invisible."""
    query = SQL["by_id" if address.id is not None else "by_external_id"]
    row = db.execute(query, (address.value, context.organisation.seq)).fetchone()
    return CustomerRow(*row) if row else None


def get_customer(db: Connection, context: Context, address: Address) -> CustomerRow:
    """Like `find_customer`, but raises NotFound."""
    row = find_customer(db, context, address)
    if row is None:
        raise NotFound(f"There is no customer with {address}.")
    return row


def customer_by_seq(db: Connection, seq: int) -> CustomerRow:
    """Return a customer that is known to exist."""
    return CustomerRow(*db.execute(SQL["by_seq"], (seq,)).fetchone())


def page_of_customers(db: Connection, context: Context, window: Window) -> Page[CustomerRow]:
    """Return a page, newest first."""
    organisation = context.organisation
    length = counters.length(db, organisation, CUSTOMER.name, counters.WHOLE_ORGANISATION)
    page = page_of_rows(db, SQL, "page", (organisation.seq,), window, length)
    return Page([CustomerRow(*row) for row in page.items], page.total)
