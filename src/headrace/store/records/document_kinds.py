"""How the four kinds of document differ: which field is the amount, the date, the links."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.entity import CREDIT_NOTE, INVOICE, PAYMENT, REFUND, Entity


class LinkField(Struct, frozen=True):
    """A list in a request that links the document to others."""

    name: str
    """Python name of the list."""
    wire: str
    target: Entity
    reference: str
    """Python name of the reference in each item."""
    reference_wire: str


class Shape(Struct, frozen=True):
    """Python names of the fields that become columns."""

    entity: Entity
    amount: str
    amount_wire: str
    dated: str
    due_date: str | None
    links: tuple[LinkField, ...]
    valued: bool = False
    """Whether the API assigns values of custom fields."""

    @property
    def noun(self) -> str:
        """How messages call it: `credit note`."""
        return self.entity.name.replace("_", " ")

    @property
    def apart(self) -> tuple[str, ...]:
        """Fields that have columns or rows of their own and stay out of the JSON body."""
        links = (link.name for link in self.links)
        return ("id", "external_id", "customer", "custom_fields", *links)


_TO_INVOICES = LinkField("linked_invoices", "linkedInvoices", INVOICE, "invoice", "invoice")
_TO_PAYMENTS = LinkField("linked_payments", "linkedPayments", PAYMENT, "payment", "payment")
_TO_CREDIT_NOTES = LinkField(
    "linked_credit_notes", "linkedCreditNotes", CREDIT_NOTE, "credit_note", "creditNote"
)

SHAPES = {
    shape.entity.name: shape
    for shape in (
        Shape(INVOICE, "gross_amount", "grossAmount", "issued_at", "due_date", (), valued=True),
        Shape(CREDIT_NOTE, "gross_amount", "grossAmount", "issued_at", "due_date", (_TO_INVOICES,)),
        Shape(PAYMENT, "amount", "amount", "validated_at", None, (_TO_INVOICES,)),
        Shape(REFUND, "amount", "amount", "validated_at", None, (_TO_PAYMENTS, _TO_CREDIT_NOTES)),
    )
}
