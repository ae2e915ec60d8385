"""PDFs of invoices and credit notes. The route says which kind."""

from __future__ import annotations

from headrace.server.call import Answer, Call


async def post(call: Call) -> Answer:
    """Upload a PDF, in place of the previous one."""
    address = call.addresses[0]
    call.external_id = address.external_id
    row = await call.pdfs.receive(
        call.context, call.entity, address, call.incoming, call.content_type
    )
    call.external_id, call.customer = row.external_id, row.customer_external_id
    return Answer(204)
