"""The PDF of an invoice or credit note, uploaded as JSON."""

from __future__ import annotations

from headrace.model.record import Record


class PdfUpload(Record):
    """The body of `POST /invoices/{id}/pdf`, as an alternative to the multipart form
    (docs/api-evidence.md, Invoices)."""

    data: str
    """The file in base64; line breaks in it are ignored."""
