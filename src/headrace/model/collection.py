"""Records of the collection team: read through the API, written by people."""

from __future__ import annotations

from typing import Literal

from headrace.model.customer import CustomerBrief
from headrace.model.record import Instant, Record, Text
from headrace.model.reference import Reference


class DunningPlan(Record):
    """A dunning workflow; the API refers to it but never creates it (docs/api-evidence.md, Account
    managers and workflows)."""

    id: str
    name: str
    mode: str = "AUTOMATIC"
    entity: str = "CUSTOMER"


class User(Record):
    """A member of the team; `id` is a customer's `accountManagerId`."""

    id: str
    first_name: str | None
    last_name: str | None
    email: str
    position: str | None


class BankAccount(Record):
    """An account that payments are made to."""

    id: str
    name: str
    iban: str | None = None
    bic: str | None = None
    currency: str | None = None


class PlanBrief(Record):
    """A dunning plan inside an action."""

    id: str
    name: str


class CarryingInvoice(Record):
    """The invoice that a reminder is about."""

    id: str
    custom_id: str | None
    external_id: str | None


class Assignee(Record):
    """Who an action is for."""

    email: str


class Action(Record):
    """A reminder, task or reply on the team's list."""

    id: str
    name: str
    type: str
    state: str
    source: str
    created_at: Instant
    updated_at: Instant
    due_date: Instant | None = None
    dunning_plan: PlanBrief | None = None
    customer: CustomerBrief | None = None
    carrying_invoice: CarryingInvoice | None = None
    assigned_to: list[Assignee] = []


class ActionDraft(Record):
    """The fields of a new action; the API can't create one."""

    name: Text
    type: Text
    state: Literal["TODO", "EXECUTED", "IGNORED"] = "TODO"
    source: Text = "MANUAL"
    due_date: Instant | None = None
    dunning_plan_id: str | None = None
    customer: Reference | None = None
    carrying_invoice: Reference | None = None
    assigned_to: list[str] = []
    """Users, by id or e-mail."""


class NoteDraft(Record):
    """A note as posted."""

    content: Text


class Note(Record):
    """Free text on a customer."""

    id: str
    content: str
    created_at: str


class AccountManagerChoice(Record):
    """Who should manage a customer; null for nobody."""

    id: str | None


class PortalRequest(Record):
    """The request for a portal link (docs/api-evidence.md, Customer portal)."""

    expires_in: int = 86_400
    """Seconds, at least 1; no maximum."""
    frame_ancestors: str | None = None
    """Space-separated host names that may frame the page."""


class PortalLink(Record):
    """The answer: a URL with a token that expires."""

    url: str
