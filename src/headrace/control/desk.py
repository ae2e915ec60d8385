"""What the handlers of the control plane work with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from headrace.control.expiry import Expiry
from headrace.control.profiles import NoProfiles, Profiles
from headrace.model.errors import BadRequest, ConfigurationError, NotFound
from headrace.server.faults.scripts import Faults
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.frozen_clock import Times
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.engine.interface import Store
from headrace.store.engine.place import Place
from headrace.store.records.organisations import find_organisation

T = TypeVar("T")


class Desk(Struct, kw_only=True):
    """A hub's components, as its operator uses them."""

    place: Place
    store: Store
    times: Times
    keeper: PdfKeeper
    faults: Faults
    workers: int = 1
    profiles: Profiles = NoProfiles()
    expiry: Expiry | None = None
    """Deletes sandboxes; None for the desk of a seed."""


class Order(Struct, kw_only=True):
    """One request of the control plane."""

    desk: Desk
    names: dict[str, str]
    """The parameters in the path."""
    body: Any = None
    """The record that the route expects, or bytes where it expects another format."""
    query: Any = None
    """The route's query parameters."""
    context: Context | None = None
    """The context of a seed that makes the request; by default that of the moment."""
    origin: str = ""
    """Scheme and host that the client used."""

    @property
    def now(self) -> datetime:
        """Return the real time."""
        return self.desk.times.clock.now()

    async def organisation(self) -> Organisation:
        """Return the organisation in the path. Raises NotFound."""
        return await self.desk.store.read(named_organisation, self.names["organisation"])

    async def write(self, run: Callable[..., T], *arguments: Any) -> T:
        """Run `run(db, context, *arguments)` as a write of the organisation in the path.

        Raises NotFound when it does not exist.
        """
        organisation = await self.organisation()
        times = self.desk.times

        def with_context(db: Connection) -> T:
            # Read it again under the lock of its writes.
            known = named_organisation(db, organisation.name)
            return run(db, self.context or Context(known, times.now(known)), *arguments)

        return await self.desk.store.write(organisation.seq, with_context)

    async def write_alone(self, run: Callable[..., T], *arguments: Any) -> T:
        """Run the write `run(db, *arguments)`, which belongs to no organisation. Raises
        BadRequest for invalid arguments."""
        try:
            return await self.desk.store.write(0, run, *arguments)
        except ConfigurationError as error:
            raise BadRequest(str(error)) from None


def named_organisation(db: Connection, name: str) -> Organisation:
    """Return the organisation of that name. Raises NotFound."""
    organisation = find_organisation(db, name)
    if organisation is None:
        raise NotFound(f"There is no organisation {name} here.")
    return organisation
