"""Builds a complete hub: the API, the customers' pages and the control plane on one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from starlette.routing import BaseRoute

from headrace.console.operations import Verified
from headrace.console.page import console_routes
from headrace.control.access import Access
from headrace.control.console_operations import HubOperations
from headrace.control.desk import Desk
from headrace.control.expiry import Expiry
from headrace.control.plane import control_pages
from headrace.control.profiles import NoProfiles, Profiles
from headrace.model.clock import SYSTEM_CLOCK, Clock
from headrace.portal.page import portal_routes
from headrace.server.admission.door import Door
from headrace.server.admission.limits import Limits
from headrace.server.app import Hub
from headrace.server.faults.scripts import Faults
from headrace.server.observing.readiness import readiness_route
from headrace.server.observing.request_journal import JOURNAL, Exchange
from headrace.server.observing.request_log import Sink
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.frozen_clock import Times
from headrace.store.engine.interface import Store
from headrace.store.engine.place import Place
from headrace.store.pdf_files import PdfFiles


class Parts(Struct, frozen=True, kw_only=True):
    """The components of a hub."""

    place: Place
    store: Store
    door: Door
    pdfs: PdfFiles
    clock: Clock = SYSTEM_CLOCK
    sink: Sink | None = None
    journal: Callable[[Exchange], None] | None = None
    access: Access | None = None
    """Access to the control plane; None for a hub without one."""
    test_mode: bool = False
    profiles: Profiles = NoProfiles()
    """Makes up the data of sandboxes."""
    console: bool = False
    """Whether people can sign in to the console."""
    sync_pages: str = ""
    """Address of the sync pages, to which the console links; empty for none."""
    verified: Callable[[], Sequence[Verified]] = tuple
    """The rules of the API that conformance cases verify, for the console."""
    differences: Path | None = None
    """What `headrace proxy --json` found, for the console."""
    limits: Limits | None = None
    """The limits of organisations that have none of their own, as the console shows them."""
    workers: int = 1
    own_process: bool = True
    """Whether a fault may end the process."""


def put_together(parts: Parts) -> Hub:
    """Return the ASGI application."""
    times = Times(parts.clock, test_mode=parts.test_mode)
    keeper = PdfKeeper(parts.store, parts.pdfs, parts.clock)
    faults = Faults(may_exit=parts.own_process)
    access = parts.access
    ready = readiness_route(parts.store, access.knows) if access else readiness_route(parts.store)
    journal = parts.place.folder / JOURNAL if parts.place.folder else None
    expiry = Expiry(parts.store, parts.clock, keeper, faults, parts.door, journal)
    pages: list[BaseRoute] = [*portal_routes(parts.store, times), ready]
    desk = Desk(
        place=parts.place,
        store=parts.store,
        times=times,
        keeper=keeper,
        faults=faults,
        workers=parts.workers,
        profiles=parts.profiles,
        expiry=expiry,
    )
    if parts.console:
        operations = HubOperations(
            desk, lambda: hub, parts.journal, parts.verified, parts.differences, parts.limits
        )
        pages += console_routes(parts.store, times, operations, parts.sync_pages)
    if parts.access is not None:
        pages += control_pages(desk, parts.access)
    hub = Hub(parts.store, times, parts.door, keeper, parts.sink, pages, parts.journal, faults)
    hub.run_beside(expiry.run)
    return hub
