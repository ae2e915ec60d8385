"""The PDF of an invoice or credit note, where it comes as JSON."""

from __future__ import annotations

from headrace.model.record import Record


class PdfUpload(Record):
    """The body of `POST /invoices/{id}/pdf` as JSON (docs/api-evidence.md, PDFs)."""

    data: str
    """The file in base64; line breaks in it do no harm."""
