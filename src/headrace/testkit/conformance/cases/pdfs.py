"""PDFs of invoices and credit notes."""

from __future__ import annotations

import base64

from headrace.client.answer import Answer
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.conformance.evidence import (
    CLIENTS,
    GUIDE,
    HELP,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import part, same, true
from headrace.testkit.conformance.session import Session, said

_INVOICE, _NOTE = "POST /invoices/{}/pdf", "POST /credit_notes/{}/pdf"
_BOUNDARY = "4f1c0e6b8a7d4b0f"


async def _upload(s: Session, path: str, field: str = "file", content: bytes = b"") -> Answer:
    """A form with one file, as any HTTP library sends it."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    data = head.encode() + (content or small_pdf(path)) + f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    return await s.call("POST", path, raw=data, headers=kind)


async def _taken(s: Session, path: str) -> None:
    answer = await _upload(s, path)
    same(answer.status, 204, said("POST", path, answer) + "; the status")
    same(answer.body, b"", "the body of a 204")


@documented(f"{GUIDE}, Import invoice", _INVOICE)
async def a_form_is_taken(s: Session) -> None:
    """`multipart/form-data` with the field `file` is 204 without a body, and replaces."""
    await s.customer("C")
    await s.invoice("I", "C")
    path = f"{s.at('/invoices', 'I')}/pdf"
    for _ in range(2):
        await _taken(s, path)


@documented(f"{HELP}, updating an invoice PDF", _INVOICE)
async def base64_is_taken(s: Session) -> None:
    """JSON with the file in base64 in the field `data` is 204 without a body."""
    await s.customer("C")
    await s.invoice("I", "C")
    data = base64.b64encode(small_pdf("an invoice")).decode()
    found = await s.status(204, "POST", f"{s.at('/invoices', 'I')}/pdf", {"data": data})
    same(found, None, "the body of a 204")


@documented(f"{GUIDE}, Import credit note", _NOTE)
async def a_credit_note_has_one_too(s: Session) -> None:
    """The same process as for invoices."""
    await s.customer("C")
    await s.credit_note("N", "C")
    await _taken(s, f"{s.at('/credit_notes', 'N')}/pdf")


@observed(CLIENTS, _INVOICE, "GET /invoices/{}")
async def its_link_is_answered(s: Session) -> None:
    """`pdfUrl` is null without a PDF, and a link with one."""
    await s.customer("C")
    part(await s.invoice("I", "C"), {"pdfUrl": None}, "the invoice")
    await _taken(s, f"{s.at('/invoices', 'I')}/pdf")
    link = (await s.get(s.at("/invoices", "I"))).get("pdfUrl")
    true(str(link).startswith("http"), f"pdfUrl is {link!r}, not a link")


@assumed(_INVOICE, _NOTE)
async def what_is_no_pdf_is_refused(s: Session) -> None:
    """A file that is not a PDF, another field, broken base64 are 400; an unknown document 404."""
    await s.customer("C")
    await s.invoice("I", "C")
    path = f"{s.at('/invoices', 'I')}/pdf"
    same((await _upload(s, path, content=b"Dear Sir,")).status, 400, "the status of a text")
    same((await _upload(s, path, field="document")).status, 400, "the status of another field")
    await s.status(400, "POST", path, {"data": "???"})
    missing = await _upload(s, f"{s.at('/credit_notes', 'nothing')}/pdf")
    same(missing.status, 404, "the status below an unknown credit note")
