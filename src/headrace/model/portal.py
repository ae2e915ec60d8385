"""The portal: what an organisation sets for it, and what its customers say there."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from headrace.model.customer import CustomerBrief
from headrace.model.record import Record

Line = Annotated[str, Meta(min_length=1, max_length=200)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
"""Red, green and blue, such as #1d4ed8."""
Processor: TypeAlias = Literal["off", "on", "failing"]
"""Whether customers can pay by card: not at all, with success, or so that every payment fails. No
real money moves."""
AnswerKind: TypeAlias = Literal["DISPUTE", "PROMISE"]

REASONS = (
    "UNSATISFACTORY_WORK",
    "FAULTY_GOODS",
    "LATE_DELIVERY",
    "NEVER_AGREED",
    "UNABLE_TO_PAY",
    "PRICE",
    "INVOICE_ERROR",
    "OTHER",
)
"""Why an invoice is disputed (docs/api-evidence.md, Customer portal)."""
DISPUTED = "DISPUTED"
"""The mark, and therefore the state, of an invoice in dispute."""
COMMENT_MAX = 2_000
"""Characters of a comment."""


class PortalSettings(Record):
    """What the portal of an organisation shows and allows."""

    name: str | None = None
    """What customers know the organisation by; null for its own name."""
    colour: str | None = None
    contact_name: str | None = None
    """Whom customers may ask, also when a link has expired."""
    contact_email: str | None = None
    contact_phone: str | None = None
    bank_account_id: str | None = None
    """The account that customers pay into; null for the first one that has an IBAN."""
    disputes: bool = True
    promises: bool = True
    payments: Processor = "off"
    partial: bool = True
    """Whether customers may pay a part of one invoice."""


class PortalSettingsDraft(Record, forbid_unknown_fields=True):
    """Settings to change; those left out keep their values, null takes one back."""

    name: Line | None | UnsetType = UNSET
    colour: Colour | None | UnsetType = UNSET
    contact_name: Line | None | UnsetType = UNSET
    contact_email: Line | None | UnsetType = UNSET
    contact_phone: Line | None | UnsetType = UNSET
    bank_account_id: str | None | UnsetType = UNSET
    disputes: bool | UnsetType = UNSET
    promises: bool | UnsetType = UNSET
    payments: Processor | UnsetType = UNSET
    partial: bool | UnsetType = UNSET


class PortalAnswer(Record):
    """What a customer said about an invoice."""

    id: str
    kind: AnswerKind
    invoice: str
    """The invoice's id."""
    number: str | None
    customer: CustomerBrief
    reason: str | None
    comment: str | None
    promised_for: str | None
    """The day of a promise, in the organisation's time zone."""
    created_at: str
    settled_at: str | None
    """When it ended: settled by the organisation, or replaced by a later one."""


class SharedFile(Record):
    """A document that every customer of the organisation may download."""

    id: str
    name: str
    size: int
    """In bytes."""
    created_at: str


class SharedFileDraft(Record, forbid_unknown_fields=True):
    """A PDF for all customers."""

    name: Line
    data: str
    """The PDF in base64, of at most 5 MB."""


class PortalUse(Record):
    """How often a link was used in one way on a day."""

    day: str
    what: str
    total: int
    last_at: str


class PortalLinkEntry(Record):
    """A link of a customer, without its token, which is kept nowhere."""

    id: str
    customer: CustomerBrief
    frame_ancestors: str | None
    created_at: str
    expires_at: str
    revoked_at: str | None
    uses: list[PortalUse]
    """The access log, newest day first."""
