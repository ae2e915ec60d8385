"""The words that may stand in a recording: names of fields and values of the API's own.

Whatever is not in these tables is somebody's data, and becomes a token (`tokens.py`).
"""

from __future__ import annotations

import http
from collections.abc import Iterator, Mapping

import msgspec

from headrace.model.entity import ENTITIES
from headrace.model.money import EXPONENTS
from headrace.model.record import Record
from headrace.model.resource import RESOURCES

ENVELOPES = frozenset(entity.envelope for entity in (*ENTITIES, *RESOURCES) if entity.envelope)
_AROUND = ("offset", "limit", "total", "statusCode", "error", "message", "details", "field", "file",
           "data", "label")  # fmt: skip


def _all_of(record: type[Record]) -> Iterator[type[Record]]:
    for kind in record.__subclasses__():
        yield kind
        yield from _all_of(kind)


FIELDS = frozenset(
    field.encode_name
    for kind in _all_of(Record)
    if kind.__module__.startswith("headrace.model.")
    for field in msgspec.structs.fields(kind)
) | frozenset((*ENVELOPES, *_AROUND))
"""Names of fields in any request or answer of the API."""

_STATES = frozenset({"DUE", "OVERDUE", "PAID", "DISPUTED", "TODO", "EXECUTED", "IGNORED"})
VALUES: Mapping[str, frozenset[str]] = {
    "state": _STATES,
    "status": _STATES,
    "type": frozenset({"INVOICE", "CREDIT_NOTE", "PAYMENT", "REFUND", "EMAIL", "CALL", "LETTER"}),
    "source": frozenset({"API", "USER_DEFINED", "WORKFLOW", "MANUAL"}),
    "instrument": frozenset({"WIRE_TRANSFER", "DIRECT_DEBIT", "CARD", "CASH", "CHECK", "UNKNOWN"}),
    "position": frozenset({"ACCOUNTING", "PAYER", "PURCHASER", "SALES"}),
    "mode": frozenset({"AUTOMATIC", "MANUAL"}),
    "entity": frozenset({"CUSTOMER", "INVOICE"}),
    "dataType": frozenset({"TEXT", "NUMBER", "DATE", "BOOLEAN", "SELECT", "MULTI_SELECT"}),
    "entityType": frozenset({"CUSTOMER", "CONTACT", "INVOICE", "CREDIT_NOTE", "PAYMENT"}),
    "currency": frozenset(EXPONENTS),
    "error": frozenset(status.phrase for status in http.HTTPStatus),
}
"""Values that may be kept, by the name of their field."""

CLOSED: Mapping[str, frozenset[str]] = {
    "InvoiceAnswer.state": frozenset({"DUE", "OVERDUE", "PAID"}),
    "InvoiceBrief.status": frozenset({"DUE", "OVERDUE", "PAID"}),
    "StatementItem.type": frozenset({"INVOICE", "CREDIT_NOTE", "PAYMENT", "REFUND"}),
    "CustomFieldAnswer.dataType": VALUES["dataType"],
    "CustomFieldAnswer.entityType": VALUES["entityType"],
    **{f"{name}.currency": VALUES["currency"] for name in (
        "CustomerAnswer", "InvoiceAnswer", "CreditNoteAnswer", "PaymentAnswer", "RefundAnswer",
        "InvoiceBrief", "StatementItem", "StatementTotal")},
    "Error.error": VALUES["error"],
}  # fmt: skip
"""Fields of answers that never have another value, by schema and field."""

INSTANTS = frozenset(
    {"issuedAt", "dueDate", "createdAt", "modifiedAt", "updatedAt", "validatedAt", "paidDate",
     "executedAt"}
)  # fmt: skip
"""Fields whose text is a moment: UTC with milliseconds (docs/api-evidence.md, Dates)."""

PARAMETERS = frozenset(
    {"offset", "limit", "page", "customerId", "sortBy", "sortOrder", "filters", "name", "dateFrom",
     "dateTo", "type"}
)  # fmt: skip
"""Names of query parameters."""

COUNTED = frozenset({"offset", "limit", "page", "statusCode"})
"""Fields and parameters whose number is kept, because it is the shape of a page or an error."""

COUNT_MOST = 2_000
"""The largest such number that is kept: a larger one may be anything."""

PER_MINUTE = 600
AT_ONCE = 10
"""The API's limits (docs/api-evidence.md, Rate limit)."""
