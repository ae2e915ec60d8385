"""Paths that are known not to exist."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import CLIENTS, assumed, observed
from headrace.testkit.conformance.session import Session


@observed(CLIENTS)
async def known_gaps(s: Session) -> None:
    """`/reminders`, `/events`, `/activities`, `/aging`, `/dashboard` and others are 404."""
    for name in (
        "reminders", "events", "activities", "aging", "dashboard", "payment-links", "dunning-plans",
    ):  # fmt: skip
        await s.status(404, "GET", f"/{name}")


@assumed()
async def slips_of_other_clients(s: Session) -> None:
    """`/portalUrl` is 404, PATCH is 405."""
    await s.customer("C")
    await s.status(404, "POST", f"{s.at('/customers', 'C')}/portalUrl", {})
    await s.status(405, "PATCH", s.at("/customers", "C"), {"name": "D"})
