"""Sends one operation and judges its answer."""

from __future__ import annotations

from headrace.book.payloads.contact_keys import external_id_of
from headrace.client.answer import Answer
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, judge, judge_empty
from headrace.sync.operations.operation import Operation
from headrace.sync.operations.pdf_digests import PDF_OF, PdfDigests
from headrace.sync.operations.request import request_of


class Sender:
    """Sends operations as the requests that they are: JSON, a deletion or a PDF."""

    def __init__(self, transport: Transport, pdfs: PdfDigests) -> None:
        self._transport = transport
        self._pdfs = pdfs

    async def send(self, operation: Operation) -> Answer:
        """Raise NoPdf when the file cannot be read, Unreachable without an answer, and NotTheApi
        when something else answers."""
        method, path = request_of(operation)
        if operation.entity not in PDF_OF:
            return await self._transport.send(method, path, operation.body)
        async with self._pdfs.open(*operation.key) as pdf:
            operation.hash = pdf.digest
            return await self._transport.upload(path, pdf.file, "document.pdf")


def verdict_of(operation: Operation, answer: Answer) -> Verdict:
    """Judge the answer; it only acknowledges if it names this record."""
    external_id = operation.external_id
    if operation.entity == "contact":
        external_id = external_id_of(external_id, operation.customer)
    deleting = operation.action == "delete"
    if deleting or operation.entity in PDF_OF:
        return judge_empty(answer, external_id, deleting)
    return judge(answer, external_id)


def is_unknown_path(operation: Operation, answer: Answer) -> bool:
    """Whether an import was answered as if there were no such path."""
    return answer.status in (404, 405) and request_of(operation)[0] == "POST"
