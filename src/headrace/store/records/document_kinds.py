"""How the four kinds of document differ: the fields that hold the amount, the date and the
links."""

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


class DocumentKind(Struct, frozen=True):
    """One kind of document: the Python names of the fields that become columns."""

    entity: Entity
    amount: str
    amount_wire: str
    dated: str
    dated_wire: str
    due_date: str | None
    links: tuple[LinkField, ...]
    valued: bool = False
    """Whether the API assigns values of custom fields."""

    @property
    def noun(self) -> str:
        """The kind's name in messages, such as `credit note`."""
        return self.entity.name.replace("_", " ")

    @property
    def sorts(self) -> dict[str, str]:
        """Columns by the fields that a list can be sorted by."""
        columns = {
            "createdAt": "seq",
            "modifiedAt": "modified_at",
            self.dated_wire: "dated",
            self.amount_wire: "amount",
        }
        return columns | ({"dueDate": "due_date"} if self.due_date else {})

    @property
    def apart(self) -> tuple[str, ...]:
        """Fields with columns or rows of their own, which stay out of the JSON body."""
        links = (link.name for link in self.links)
        return ("id", "external_id", "customer", "custom_fields", *links)


_TO_INVOICES = LinkField("linked_invoices", "linkedInvoices", INVOICE, "invoice", "invoice")
_TO_PAYMENTS = LinkField("linked_payments", "linkedPayments", PAYMENT, "payment", "payment")
_TO_CREDIT_NOTES = LinkField(
    "linked_credit_notes", "linkedCreditNotes", CREDIT_NOTE, "credit_note", "creditNote"
)

DOCUMENT_KINDS = {
    kind.entity.name: kind
    for kind in (
        DocumentKind(
            INVOICE,
            "gross_amount",
            "grossAmount",
            "issued_at",
            "issuedAt",
            "due_date",
            (),
            valued=True,
        ),
        DocumentKind(
            CREDIT_NOTE,
            "gross_amount",
            "grossAmount",
            "issued_at",
            "issuedAt",
            "due_date",
            (_TO_INVOICES,),
        ),
        DocumentKind(
            PAYMENT, "amount", "amount", "validated_at", "validatedAt", None, (_TO_INVOICES,)
        ),
        DocumentKind(
            REFUND,
            "amount",
            "amount",
            "validated_at",
            "validatedAt",
            None,
            (_TO_PAYMENTS, _TO_CREDIT_NOTES),
        ),
    )
}
