"""Operations of the control plane on data that the API only reads or that Upflow itself creates.
Seeds may use them too."""

from __future__ import annotations

from typing import Any

from headrace.control import records
from headrace.control.handlers import catalogue, collecting, values
from headrace.control.route import OF_ORGANISATION, ControlRoute
from headrace.model.collection import Action, ActionDraft, BankAccount, DunningPlan, User
from headrace.model.credit_note import CreditNoteAnswer
from headrace.model.customer import Customer, CustomerAnswer
from headrace.model.entity import CREDIT_NOTE, PAYMENT
from headrace.model.payment import PaymentAnswer
from headrace.model.refund import RefundAnswer
from headrace.model.resource import BANK_ACCOUNT, DUNNING_PLAN, USER
from headrace.store.records.directory import make_bank_account, make_dunning_plan, make_user

_OF = OF_ORGANISATION


def _entries(name: str, make: Any, draft: Any, answer: Any, entity: Any) -> list[ControlRoute]:
    noun = entity.name.replace("_", " ")
    path = f"{_OF}/{name}"
    create, delete = catalogue.creator(make), catalogue.remover(entity)
    return [
        ControlRoute("POST", path, create, f"Make one {noun}", draft, answer, 201),
        ControlRoute("DELETE", f"{path}/{{id}}", delete, f"Remove a {noun} that nothing names"),
    ]


CATALOGUE_ROUTES = (
    *_entries("users", make_user, records.UserDraft, User, USER),
    *_entries(
        "bank_accounts", make_bank_account, records.BankAccountDraft, BankAccount, BANK_ACCOUNT
    ),
    *_entries(
        "dunning_plans", make_dunning_plan, records.DunningPlanDraft, DunningPlan, DUNNING_PLAN
    ),
    ControlRoute(
        "POST", f"{_OF}/customers", catalogue.create_customer,
        "Make a customer as people do, without an external id", Customer, CustomerAnswer, 201,
    ),
    ControlRoute(
        "POST", f"{_OF}/actions", catalogue.create_action, "Make an action", ActionDraft, Action,
        201,
    ),
    ControlRoute(
        "GET", f"{_OF}/positions", catalogue.positions, "All positions of contacts", None,
        records.Positions,
    ),
    ControlRoute(
        "POST", f"{_OF}/positions", catalogue.create_position, "Make a position of contacts",
        records.Position, records.Position, 201,
    ),
    ControlRoute(
        "DELETE", f"{_OF}/positions/{{name}}", catalogue.remove_position,
        "Remove a position that no contact has",
    ),
    ControlRoute(
        "POST", f"{_OF}/payments/{{id}}/custom_fields", values.assigner(PAYMENT),
        "Assign values of a payment's custom fields", records.ValuesDraft, PaymentAnswer,
    ),
    ControlRoute(
        "POST", f"{_OF}/credit_notes/{{id}}/custom_fields", values.assigner(CREDIT_NOTE),
        "Assign values of a credit note's custom fields", records.ValuesDraft, CreditNoteAnswer,
    ),
    ControlRoute(
        "POST", f"{_OF}/collected", collecting.collect, "Pay as a customer does in the portal",
        records.CollectedDraft, PaymentAnswer, 201,
    ),
    ControlRoute(
        "POST", f"{_OF}/collected/{{id}}/failed", collecting.fail,
        "Give a collected payment back, as a direct debit that fails", records.FailedDraft,
        RefundAnswer, 201,
    ),
)  # fmt: skip
