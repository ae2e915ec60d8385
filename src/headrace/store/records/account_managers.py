"""The account managers of a customer, as a resource of its own.

The first is the customer's `accountManagerId`, which imports set as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from headrace.model.collection import AccountManagerChoice, User
from headrace.model.errors import NotFound
from headrace.model.resource import USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.customers import StoredCustomer, customer_body, store_body
from headrace.store.records.directory import check_entry, find_entry
from headrace.store.records.references import Address


def account_managers(
    db: Connection, context: Context, customer: Address
) -> tuple[CustomerRow, list[User]]:
    """Return the customer's account managers, the first one first. Raises NotFound without the
    customer."""
    row = get_customer(db, context, customer)
    found = (find_entry(db, context, USER, id) for id in _ids(customer_body(row)))
    return row, [user for user in found if user is not None]


def add_account_manager(
    db: Connection, context: Context, customer: Address, choice: AccountManagerChoice
) -> tuple[CustomerRow, list[User], bool]:
    """Add a user, or remove all when the choice is null. Returns True when the user was added.

    Raises BadRequest when there is no such user.
    """
    check_entry(db, context, USER, choice.id, "id")
    row = get_customer(db, context, customer)
    body = customer_body(row)
    before = _ids(body)
    is_new = choice.id is not None and choice.id not in before
    after = [] if choice.id is None else [*before, choice.id] if is_new else before
    if after != before:
        store_body(db, context, row, _with(body, after))
    row, users = account_managers(db, context, customer)
    return row, users, is_new


def remove_account_manager(
    db: Connection, context: Context, customer: Address, user: Address
) -> CustomerRow:
    """Remove one; the next one becomes the first. Raises NotFound."""
    row = get_customer(db, context, customer)
    body = customer_body(row)
    before = _ids(body)
    if user.id not in before:
        raise NotFound(f"{row.label} has no account manager with {user}.")
    store_body(db, context, row, _with(body, [id for id in before if id != user.id]))
    return row


def _ids(body: StoredCustomer) -> list[str]:
    first, others = body.account_manager_id, body.other_managers
    ids = [first] if isinstance(first, str) else []
    return ids + [id for id in (others or []) if id != first]


def _with(body: StoredCustomer, ids: Sequence[str]) -> StoredCustomer:
    first, *others = ids or (None,)
    return msgspec.structs.replace(body, account_manager_id=first, other_managers=others or UNSET)
