"""What the control plane is sent and what it answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from headrace.model.record import Amount, Currency, Instant, Record, Text
from headrace.model.reference import InvoiceLink, Reference
from headrace.server.faults.scripts import ScriptReport
from headrace.server.observing.request_search import Entry
from headrace.store.admin.keys import KeyEntry
from headrace.store.admin.snapshots import Snapshot
from headrace.store.context import Organisation

Name = Annotated[str, Meta(pattern=r"^[^/\s]([^/]*[^/\s])?$", max_length=200)]
"""Of an organisation: it stands in paths."""


class OrganisationDraft(Record, forbid_unknown_fields=True):
    """A new organisation."""

    name: Name
    currency: Currency = "EUR"
    time_zone: str = "UTC"


class OrganisationAnswer(Record):
    """An organisation; `clock` is null in real time."""

    name: str
    currency: str
    time_zone: str
    clock: str | None

    @classmethod
    def of(cls, organisation: Organisation) -> OrganisationAnswer:
        """What may be shown of one."""
        return cls(
            name=organisation.name,
            currency=organisation.currency,
            time_zone=organisation.time_zone,
            clock=organisation.clock,
        )


class Organisations(Record):
    """All of the hub."""

    organisations: list[OrganisationAnswer]


class KeyDraft(Record, forbid_unknown_fields=True):
    """A new key pair."""

    name: str = ""
    """What it is for."""


class KeyList(Record):
    """All keys of all organisations, never with a secret."""

    keys: list[KeyEntry]


class UserDraft(Record, forbid_unknown_fields=True):
    """A member of the team."""

    email: Text
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None


class BankAccountDraft(Record, forbid_unknown_fields=True):
    """An account into which customers pay."""

    name: Text
    iban: str | None = None
    bic: str | None = None
    currency: Currency | None = None


class DunningPlanDraft(Record, forbid_unknown_fields=True):
    """A workflow that customers can be put on."""

    name: Text
    mode: Text = "AUTOMATIC"
    entity: Text = "CUSTOMER"


class Position(Record, forbid_unknown_fields=True):
    """A position of contacts."""

    name: Text


class Positions(Record):
    """All of an organisation, the four seeded ones included."""

    positions: list[str]


class CollectedDraft(Record, forbid_unknown_fields=True):
    """A payment that a customer makes in the portal."""

    customer: Reference
    currency: Currency
    amount: Amount
    validated_at: Instant | UnsetType = UNSET
    """Now, unless given."""
    instrument: str = "CARD"
    ref_number: str | None | UnsetType = UNSET
    """Made up unless given."""
    linked_invoices: list[InvoiceLink] = []


class FailedDraft(Record, forbid_unknown_fields=True):
    """A direct debit that comes back."""

    validated_at: Instant | UnsetType = UNSET
    """Now, unless given."""


class Freeze(Record, forbid_unknown_fields=True):
    """Where to stop an organisation's time."""

    at: Instant | UnsetType = UNSET
    """Now, unless given."""


class Advance(Record, forbid_unknown_fields=True):
    """How far to move it on."""

    by: str
    """An interval, such as 30s, 12h or 45d."""


class ClockAnswer(Record):
    """An organisation's time; `stopped` is false in real time."""

    now: str
    stopped: bool


class SeedAnswer(Record):
    """What a seed has made."""

    lines: int
    made: dict[str, int]
    """How many POSTs by what they made."""
    named: dict[str, str]
    """Ids by the names that its lines gave them."""


class SnapshotDraft(Record, forbid_unknown_fields=True):
    """A new snapshot."""

    name: str | UnsetType = UNSET
    """Made of the moment unless given."""


class Snapshots(Record):
    """All of the hub."""

    snapshots: list[Snapshot]


class Requests(Record):
    """Requests of the hub's journal, oldest first."""

    requests: list[Entry]


class ScriptReports(Record):
    """All scripts of faults."""

    scripts: list[ScriptReport]
