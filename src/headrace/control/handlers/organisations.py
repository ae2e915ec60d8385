"""Organisations and their key pairs."""

from __future__ import annotations

from headrace.control.desk import Order
from headrace.control.records import KeyList, OrganisationAnswer, Organisations
from headrace.model.clock import format_instant
from headrace.model.errors import NotFound
from headrace.store.admin.keys import KeyPair, find_key, list_keys, make_key, revoke_key
from headrace.store.records.organisations import list_organisations, make_organisation


async def list_(order: Order) -> Organisations:
    """List all organisations."""
    found = await order.desk.store.scan(list_organisations)
    return Organisations(organisations=[OrganisationAnswer.of(one) for one in found])


async def create(order: Order) -> OrganisationAnswer:
    """Create an organisation, without keys."""
    draft = order.body
    timestamp = format_instant(order.now)
    await order.write_alone(
        make_organisation, draft.name, draft.currency, draft.time_zone, timestamp
    )
    order.names["organisation"] = draft.name
    return OrganisationAnswer.of(await order.organisation())


async def keys(order: Order) -> KeyList:
    """List all keys."""
    return KeyList(keys=await order.desk.store.scan(list_keys))


async def create_key(order: Order) -> KeyPair:
    """Create a key pair; its secret appears in this answer only."""
    organisation = await order.organisation()
    return await order.write_alone(
        make_key, organisation.name, format_instant(order.now), order.body.name
    )


async def end_key(order: Order) -> None:
    """Revoke a key; it is refused from the next request on."""
    key = order.names["key"]
    if await order.desk.store.read(find_key, key) is None:
        raise NotFound(f"There is no key {key}.")
    await order.write_alone(revoke_key, key, format_instant(order.now))
