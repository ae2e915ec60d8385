"""The entities that travel, in the order in which the API can take them."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.credit_note import CreditNote, CreditNoteAnswer
from headrace.model.customer import Customer, CustomerAnswer
from headrace.model.invoice import Invoice, InvoiceAnswer
from headrace.model.payment import Payment, PaymentAnswer
from headrace.model.record import Record
from headrace.model.refund import Refund, RefundAnswer


class Entity(Struct, frozen=True):
    """One kind of record: its names on the wire and its limits."""

    name: str
    """Singular, as the journal, the book and messages spell it."""
    path: str
    """Below the API's base, with its slash."""
    envelope: str
    """The key of the list in a page (api-facts (b), List envelopes)."""
    page_cap: int
    """The largest `limit` of one page (api-facts (f), Page size)."""
    record: type[Record]
    answer: type[Record]
    required: tuple[str, ...]
    """Python names of the fields that creating one needs."""
    optional: bool = False
    """Whether a POST may come without a body."""

    @property
    def plural(self) -> str:
        """The table's name in the book, and the word for several."""
        return self.name + "s"


CUSTOMER = Entity("customer", "/customers", "customers", 1000, Customer, CustomerAnswer, ("name",))
INVOICE = Entity(
    "invoice",
    "/invoices",
    "invoices",
    500,
    Invoice,
    InvoiceAnswer,
    ("custom_id", "issued_at", "due_date", "currency", "gross_amount", "net_amount", "customer"),
)
CREDIT_NOTE = Entity(
    "credit_note",
    "/credit_notes",
    "items",
    500,
    CreditNote,
    CreditNoteAnswer,
    ("custom_id", "currency", "gross_amount", "net_amount", "customer"),
)
PAYMENT = Entity(
    "payment",
    "/payments",
    "items",
    500,
    Payment,
    PaymentAnswer,
    ("currency", "amount", "validated_at", "customer"),
)
REFUND = Entity(
    "refund",
    "/refunds",
    "items",
    500,
    Refund,
    RefundAnswer,
    ("currency", "amount", "validated_at", "customer"),
)

ENTITIES = (CUSTOMER, INVOICE, CREDIT_NOTE, PAYMENT, REFUND)
"""Import order: each refers only to what stands before it (a parent customer apart)."""

BY_NAME = {entity.name: entity for entity in ENTITIES}
