"""Links to a customer's portal."""

from __future__ import annotations

from headrace.model.collection import PortalLink, PortalRequest
from headrace.server.call import Answer, Call, json_answer
from headrace.store.records.portal_links import make_portal_link


async def post(call: Call) -> Answer:
    """Create a link; without a body, it is valid for a day."""
    request = call.record(PortalRequest) if call.body.strip() else PortalRequest()
    call.customer = call.addresses[0].external_id
    row, token = await call.write(make_portal_link, call.addresses[0], request)
    call.customer = row.external_id
    return json_answer(201, PortalLink(url=f"{call.context.origin}/portal/{token}"))
