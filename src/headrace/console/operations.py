"""What the console asks of the hub that it belongs to.

The hub is put together above the console, so it hands itself over as a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class ApiCall(Struct, frozen=True, kw_only=True):
    """A request to the API."""

    organisation: str
    method: str
    path: str
    """Begins with /v1/; with the query."""
    body: bytes = b""
    host: str = ""
    """The header Host that the person's browser sent, and the scheme that it used."""
    scheme: str = "http"


class ApiAnswer(Struct, frozen=True):
    """An answer of the API, as a client gets it."""

    status: int
    headers: list[tuple[str, str]]
    body: str


class Change(Struct, frozen=True, kw_only=True):
    """What a person changed, for the request journal."""

    organisation: str
    person: str
    """The e-mail."""
    path: str
    entity: str
    external_id: str | None
    customer: str | None
    sent: Mapping[str, Any]
    answered: bytes


class Pace(Struct, frozen=True):
    """The requests of an organisation in the last minute."""

    requests: int
    refused: int
    """Those of them that were refused by the limits."""
    most: int | None
    """How many are admitted in a minute; None without a limit."""


class Verified(Struct, frozen=True):
    """A rule of the API that the hub keeps, with its evidence."""

    operation: str
    rule: str
    evidence: str
    note: str


class Operations(Protocol):
    """The hub as its console uses it."""

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Carry out an operation of the control plane, by its method and its path below /_hub;
        returns the answer as JSON values. `body` is a record's JSON values, or bytes. Raises
        RequestError."""

    async def ask(self, call: ApiCall) -> ApiAnswer:
        """Send a request to the API as a client of the organisation does, with a key pair that
        lasts an hour."""

    async def pace(self, organisation: str) -> Pace | None:
        """Return the requests of the last minute; None where the hub keeps no journal."""

    def note(self, change: Change) -> None:
        """Add a change to the request journal, if the hub keeps one."""

    def profiles(self) -> Sequence[str]:
        """Return the companies whose data sandboxes can have."""

    def description(self) -> bytes:
        """Return the OpenAPI document of the API."""

    def verified(self) -> Sequence[Verified]:
        """Return the rules of the API that conformance cases verify; none where they are not
        installed."""

    def differences(self) -> Sequence[Mapping[str, Any]] | None:
        """Return what a proxy found, newest first; None when the hub was given no file of it."""
