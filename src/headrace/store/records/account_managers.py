"""The account manager of a customer, as a resource of its own."""

from __future__ import annotations

from headrace.model.collection import AccountManagerChoice, User
from headrace.model.customer import Customer
from headrace.model.resource import USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.customers import customer_body, put_customer
from headrace.store.records.directory import find_entry
from headrace.store.records.references import Address


def account_managers(
    db: Connection, context: Context, customer: Address
) -> tuple[CustomerRow, list[User]]:
    """Return the customer's account manager, or an empty list. Raises NotFound without the
    customer."""
    row = get_customer(db, context, customer)
    manager_id = customer_body(row).account_manager_id
    user = find_entry(db, context, USER, manager_id) if isinstance(manager_id, str) else None
    return row, [user] if user is not None else []


def choose_account_manager(
    db: Connection, context: Context, customer: Address, choice: AccountManagerChoice
) -> tuple[CustomerRow, list[User], bool]:
    """Set `accountManagerId`; returns True when the user was not the manager before."""
    _, before = account_managers(db, context, customer)
    put_customer(db, context, customer, Customer(account_manager_id=choice.id))
    row, after = account_managers(db, context, customer)
    return row, after, bool(after) and after != before
