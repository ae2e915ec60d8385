"""A company or person that owes money."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headrace.model.contact import Contact
from headrace.model.custom_field import CustomFieldValue
from headrace.model.fields import Sent
from headrace.model.record import UNSET, Balance, Record, Text, UnsetType
from headrace.model.reference import Reference


class Address(Record):
    """The customer's address; `country` is a name such as France, not a code."""

    address: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    zipcode: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    city: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    state: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    country: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET


class Customer(Record):
    """As imported by `POST /customers`, which requires `name`; a partial update does not."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    name: Annotated[Text | UnsetType, Sent(required=True)] = UNSET
    vat_number: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    accounting_ref: Annotated[str | None | UnsetType, Sent(clears="empty")] = UNSET
    account_manager_id: Annotated[
        str | None | UnsetType, Sent(column="account_manager", clears="null")
    ] = UNSET
    dunning_plan_id: Annotated[
        str | None | UnsetType, Sent(column="dunning_plan", clears="null")
    ] = UNSET
    """An existing plan; null removes the customer from its plan."""
    address: Address | None | UnsetType = UNSET
    parent: Annotated[
        Reference | None | UnsetType,
        Sent(
            kind="id",
            column="parent_external_id",
            refers="customer",
            clears="null",
            binds=True,
        ),
    ] = UNSET
    """One level only, and it must exist already (docs/api-evidence.md, Parent-child relation)."""
    payment_methods: dict[str, msgspec.Raw] | None | UnsetType = UNSET
    custom_fields: list[CustomFieldValue] | UnsetType = UNSET
    contacts: list[Contact] | UnsetType = UNSET
    """Present: the full list, and others are removed. Absent: left unchanged."""


class CustomerAnswer(Customer):
    """A customer as the API answers it: the imported fields, and figures derived from the
    documents."""

    balance: Balance = 0
    """Amount owed in `currency`, children included; negative when the customer has credit."""
    amount_due: Balance = 0
    """Open and not yet overdue: excludes `amount_overdue`."""
    amount_overdue: Balance = 0
    count_invoices_due: int = 0
    count_invoices_overdue: int = 0
    currency: str = ""
    direct_url: str | None = None


class CustomerBrief(Record):
    """A customer inside another entity's answer, where `companyName` is its name."""

    id: str
    external_id: str | None = None
    company_name: str = ""
    accounting_ref: str | None = None
