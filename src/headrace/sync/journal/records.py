"""Values of the journal: records acknowledged, refused or drifted, and runs."""

from __future__ import annotations

from msgspec import Struct

Fields = list[tuple[str, str, str]]
Key = tuple[str, str]
"""(entity, external id)."""


class Acknowledged(Struct, frozen=True):
    """What the API last acknowledged of one record."""

    hash: bytes
    payload: bytes | None
    customer: str


class Acknowledgement(Struct, frozen=True):
    """One record as the API has just taken it; `hash` None when it was deleted."""

    entity: str
    external_id: str
    customer: str
    fingerprint: int | None
    hash: bytes | None
    payload: bytes | None
    action: str = "create"
    """What it was to the plan; whatever is said, a record without hash was deleted."""
    id: str = ""
    """The API's own; empty where its answer shows none."""


class Adopted(Struct, frozen=True):
    """One record that the API has had from elsewhere.

    `hash` is empty and `fingerprint` None where it has another state than the source.
    """

    entity: str
    external_id: str
    customer: str
    fingerprint: int | None = None
    hash: bytes = b""
    payload: bytes | None = None


class Reject(Struct, frozen=True):
    """A record that the API refused, with its own sentence."""

    entity: str
    external_id: str
    fingerprint: int | None
    status: int
    message: str
    payload: bytes | None = None
    rejected_at: float = 0.0
    ignored: bool = False
    """Whether a person chose not to be reminded of it."""
    around: int | None = None
    """Stands for its neighbours as they were when it was refused; None when that is not known."""

    @property
    def key(self) -> Key:
        """The record."""
        return self.entity, self.external_id


class Drift(Struct, frozen=True):
    """An acknowledged record that the API keeps differently; `fields` are (name, sent, kept)."""

    entity: str
    external_id: str
    fields: Fields
    found_at: float = 0.0

    @property
    def said(self) -> str:
        """The first field in words, and how many more."""
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
    """None while it goes on; `killed` without an end when its process went away."""
    planned: int
    sent: int
    rejected: int
    open_left: int


class Sent(Struct, frozen=True):
    """One decision of the API on a record; `refused` is its sentence, None when it was taken."""

    entity: str
    external_id: str
    action: str
    at: float
    refused: str | None

    @property
    def key(self) -> Key:
        """The record."""
        return self.entity, self.external_id


class State(Struct, frozen=True, kw_only=True):
    """What a run that goes on says of itself, at most once a second."""

    noted_at: float
    done: int
    left: int
    rejected: int
    per_minute: int
    """Requests that count at the API in the last minute, of the `rate` that it allows."""
    rate: int
    open_left: int
    open_complete_in: float
    """Seconds from `noted_at`; 0 when the open items are complete."""
    complete_in: float
    note: str
