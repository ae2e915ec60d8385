"""The method and path of an operation's request."""

from __future__ import annotations

from headrace.book.payloads.contact_keys import external_id_of
from headrace.client.endpoints import contact_path, contacts_path, external_path, pdf_path
from headrace.model.entity import BY_NAME
from headrace.sync.operations.operation import Operation
from headrace.sync.operations.pdf_digests import PDF_OF


def request_of(operation: Operation) -> tuple[str, str]:
    """Return method and path of the operation's request.

    Imports and PDFs are POST, a changed contact is PUT (docs/api-evidence.md, Contacts).
    """
    deleting = operation.action == "delete"
    if operation.entity == "contact":
        external_id = external_id_of(operation.external_id, operation.customer)
        if operation.action == "create":
            return "POST", contacts_path(operation.customer)
        method = "DELETE" if deleting else "PUT"
        return method, contact_path(operation.customer, external_id)
    if operation.entity in PDF_OF:
        return "POST", pdf_path(BY_NAME[PDF_OF[operation.entity]], operation.external_id)
    entity = BY_NAME[operation.entity]
    if deleting:
        return "DELETE", external_path(entity, operation.external_id)
    return "POST", entity.path
