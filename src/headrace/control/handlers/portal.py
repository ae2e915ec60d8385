"""The portal as its organisation sees it: settings, shared documents, links, and what customers
said."""

from __future__ import annotations

from headrace.control.desk import Order
from headrace.control.records import PortalAnswers, PortalLinks, SharedFiles
from headrace.model.portal import PortalAnswer, PortalLinkEntry, PortalSettings, SharedFile
from headrace.store.context import Context
from headrace.store.records.portal_answers import list_answers, settle_answer
from headrace.store.records.portal_links import (
    list_portal_links,
    revoke_portal_link,
    revoke_portal_links,
)
from headrace.store.records.portal_settings import (
    change_settings,
    list_files,
    read_settings,
    remove_file,
    share_file,
)
from headrace.store.records.references import parse_address


async def read(order: Order) -> PortalSettings:
    """Return the settings."""
    return await order.desk.store.read(read_settings, await _context(order))


async def change(order: Order) -> PortalSettings:
    """Change the settings that the body names."""
    return await order.write(change_settings, order.body)


async def files(order: Order) -> SharedFiles:
    """List the shared documents."""
    found = await order.desk.store.scan(list_files, await _context(order))
    return SharedFiles(documents=found)


async def share(order: Order) -> SharedFile:
    """Share a PDF with all customers."""
    return await order.write(share_file, order.body)


async def unshare(order: Order) -> None:
    """Stop sharing a document."""
    await order.write(remove_file, order.names["id"])


async def answers(order: Order) -> PortalAnswers:
    """List disputes and promises, newest first."""
    found = await order.desk.store.scan(list_answers, await _context(order))
    return PortalAnswers(answers=found)


async def settle(order: Order) -> PortalAnswer:
    """End a dispute or a promise."""
    return await order.write(settle_answer, order.names["id"])


async def links(order: Order) -> PortalLinks:
    """List the links of all customers, or of one, with how they were used."""
    named = order.query.customer
    customer = parse_address(named) if named else None
    found = await order.desk.store.scan(list_portal_links, await _context(order), customer)
    return PortalLinks(links=found)


async def revoke(order: Order) -> PortalLinkEntry:
    """Revoke one link."""
    return await order.write(revoke_portal_link, order.names["id"])


async def revoke_all(order: Order) -> None:
    """Revoke all links of a customer."""
    await order.write(revoke_portal_links, parse_address(order.names["id"]))


async def _context(order: Order) -> Context:
    organisation = await order.organisation()
    return Context(organisation, order.desk.times.now(organisation))
