"""The entities that are synchronised, in the order in which the API accepts them."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.contact import Contact
from headrace.model.credit_note import CreditNote, CreditNoteAnswer
from headrace.model.customer import Customer, CustomerAnswer
from headrace.model.fields import LinkField, link_fields, sent_fields
from headrace.model.invoice import Invoice, InvoiceAnswer
from headrace.model.payment import Payment, PaymentAnswer
from headrace.model.record import Record
from headrace.model.refund import Refund, RefundAnswer


class Entity(Struct, frozen=True):
    """One kind of entity: its names in the API and its limits."""

    name: str
    """Singular, as the journal, the book and messages use it."""
    path: str
    """Below the API's base URL, with a leading slash."""
    envelope: str
    """The key of the list in a page (docs/api-evidence.md, List envelopes)."""
    page_cap: int
    """The largest `limit` of one page (docs/api-evidence.md, Page size)."""
    record: type[Record]
    answer: type[Record]
    required: tuple[str, ...]
    """Python names of the fields that are required to create one."""
    optional: bool = False
    """Whether a POST may have no body."""

    @property
    def plural(self) -> str:
        """The table's name in the book, and the plural in messages."""
        return self.name + "s"


def _imported(
    name: str, envelope: str, page_cap: int, record: type[Record], answer: type[Record]
) -> Entity:
    rows = sent_fields(record)
    # Only of customers does the guide say that an external id is required.
    optional = () if name == "customer" else ("external_id",)
    required = (row.name for row in rows if row.rule.required and row.name not in optional)
    return Entity(name, f"/{name}s", envelope, page_cap, record, answer, tuple(required))


CUSTOMER = _imported("customer", "customers", 1000, Customer, CustomerAnswer)
INVOICE = _imported("invoice", "invoices", 500, Invoice, InvoiceAnswer)
CREDIT_NOTE = _imported("credit_note", "items", 500, CreditNote, CreditNoteAnswer)
PAYMENT = _imported("payment", "items", 500, Payment, PaymentAnswer)
REFUND = _imported("refund", "items", 500, Refund, RefundAnswer)

ENTITIES = (CUSTOMER, INVOICE, CREDIT_NOTE, PAYMENT, REFUND)
"""In import order: each refers only to entities before it, except a customer to its parent."""

DOCUMENTS = tuple(entity for entity in ENTITIES if entity is not CUSTOMER)

BY_NAME = {entity.name: entity for entity in ENTITIES}

SENT: dict[str, type[Record]] = {
    "contact": Contact,
    **{entity.name: entity.record for entity in ENTITIES},
}
"""Entities that a sync sends; contacts go separately or with their customer."""

LINKS: dict[str, LinkField] = {
    field.wire: field for record in SENT.values() for field in link_fields(record)
}
"""Lists of links, by their field in a request."""
