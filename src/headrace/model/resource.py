"""Resources of the API other than the imported entities: names, paths, records."""

from __future__ import annotations

from headrace.model.collection import (
    AccountManagerChoice,
    Action,
    BankAccount,
    DunningPlan,
    Note,
    NoteDraft,
    PortalLink,
    PortalRequest,
    User,
)
from headrace.model.contact import Contact
from headrace.model.custom_field import CustomField, CustomFieldAnswer
from headrace.model.entity import Entity
from headrace.model.reconciliation import Reconciliation
from headrace.model.statement import Statement, StatementRequest

CONTACT = Entity("contact", "/customers/{}/contacts", "contacts", 500, Contact, Contact, ("email",))
CUSTOM_FIELD = Entity(
    "custom_field",
    "/custom_fields",
    "items",
    500,
    CustomField,
    CustomFieldAnswer,
    ("label", "data_type", "entity_type"),
)
USER = Entity("user", "/users", "users", 500, User, User, ())
BANK_ACCOUNT = Entity(
    "bank_account", "/bank_accounts", "bankAccounts", 500, BankAccount, BankAccount, ()
)
DUNNING_PLAN = Entity("dunning_plan", "/dunning_plans", "items", 500, DunningPlan, DunningPlan, ())
ACCOUNT_MANAGER = Entity(
    "account_manager",
    "/customers/{}/account-managers",
    "accountManagers",
    500,
    AccountManagerChoice,
    User,
    ("id",),
)
ACTION = Entity("action", "/actions", "items", 500, Action, Action, ())
NOTE = Entity("note", "/customers/{}/notes", "items", 500, NoteDraft, Note, ("content",))
RECONCILIATION = Entity(
    "reconciliation", "/reconcile", "", 0, Reconciliation, Reconciliation, ("external_id",)
)
"""Its answer is just the word CREATED."""
PORTAL_LINK = Entity(
    "portal_link", "/customers/{}/portal", "", 0, PortalRequest, PortalLink, (), optional=True
)
STATEMENT = Entity(
    "statement",
    "/customers/{}/customer_summary",
    "",
    0,
    StatementRequest,
    Statement,
    (),
    optional=True,
)

RESOURCES = (
    CONTACT,
    CUSTOM_FIELD,
    USER,
    BANK_ACCOUNT,
    DUNNING_PLAN,
    ACCOUNT_MANAGER,
    ACTION,
    NOTE,
    RECONCILIATION,
    PORTAL_LINK,
    STATEMENT,
)
