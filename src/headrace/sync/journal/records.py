"""Values of the journal: acknowledged, rejected and drifted records, and runs."""

from __future__ import annotations

from msgspec import Struct

Fields = list[tuple[str, str, str]]
Key = tuple[str, str]
"""(entity, external id)."""


class Acknowledged(Struct, frozen=True):
    """What the API last acknowledged of a record; `hash` is empty if its state is unknown."""

    hash: bytes
    payload: bytes | None
    customer: str


class Acknowledgement(Struct, frozen=True):
    """A record that the API has just acknowledged; `hash` is None if it was deleted."""

    entity: str
    external_id: str
    customer: str
    fingerprint: int | None
    hash: bytes | None
    payload: bytes | None
    action: str = "create"
    """The plan's action; ignored for a deleted record."""
    id: str = ""
    """The API's own id; empty if the answer has none."""


class Adopted(Struct, frozen=True):
    """A record that the API already had.

    `hash` is empty and `fingerprint` None if it differs from the source.
    """

    entity: str
    external_id: str
    customer: str
    fingerprint: int | None = None
    hash: bytes = b""
    payload: bytes | None = None


class Reject(Struct, frozen=True):
    """A record that the API refused for good, with its message."""

    entity: str
    external_id: str
    fingerprint: int | None
    status: int
    message: str
    payload: bytes | None = None
    rejected_at: float = 0.0
    ignored: bool = False
    """Whether a person chose not to see it in reports."""
    around: int | None = None
    """Hash of its neighbours when it was refused; None if unknown."""

    @property
    def key(self) -> Key:
        """Key of the record."""
        return self.entity, self.external_id


class Drift(Struct, frozen=True):
    """An acknowledged record that the API stores differently; `fields` are (name, sent, stored)."""

    entity: str
    external_id: str
    fields: Fields
    found_at: float = 0.0

    @property
    def sentence(self) -> str:
        """A sentence about the first differing field, with the number of others."""
        name, sent, kept = self.fields[0]
        more = f" and {len(self.fields) - 1} more" if len(self.fields) > 1 else ""
        return f"the API keeps {name} {kept or 'empty'} instead of {sent or 'empty'}{more}"


class Run(Struct, frozen=True):
    """One run of `apply`; times in seconds since 1970, UTC."""

    id: int
    command: str
    started_at: float
    ended_at: float | None
    outcome: str | None
    """How it ended: None while it is active, `killed` if its process ended without a record."""
    planned: int
    sent: int
    rejected: int
    open_left: int


class Sent(Struct, frozen=True):
    """One decision of the API about a record in a run."""

    entity: str
    external_id: str
    action: str
    at: float
    refused: str | None
    """The API's message if it refused the record; None if it acknowledged it."""

    @property
    def key(self) -> Key:
        """Key of the record."""
        return self.entity, self.external_id


class State(Struct, frozen=True, kw_only=True):
    """The state of an active run, which it records at most once a second."""

    noted_at: float
    done: int
    left: int
    rejected: int
    per_minute: int
    """Requests in the last minute, of the `rate` that the API allows."""
    rate: int
    open_left: int
    open_complete_in: float
    """Estimated seconds from `noted_at` until the open items are complete; 0 if they are."""
    complete_in: float
    note: str
