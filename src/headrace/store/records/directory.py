"""What the API only reads of an organisation: users, bank accounts and dunning plans.

The hub's operator creates them through this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from headrace.model.collection import BankAccount, DunningPlan, User
from headrace.model.entity import Entity
from headrace.model.errors import BadRequest, NotFound
from headrace.model.record import Record
from headrace.model.resource import BANK_ACCOUNT, DUNNING_PLAN, USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CATALOGUE as SQL
from headrace.store.records import counters
from headrace.store.records.page import Page, Window, page_of_rows
from headrace.store.records.patch import refuse

_NAMED_MAX = 10
"""Maximum number of entries that an error message lists."""

_BODIES: dict[str, msgspec.json.Decoder[Any]] = {
    "user": msgspec.json.Decoder(User),
    "bank_account": msgspec.json.Decoder(BankAccount),
    "dunning_plan": msgspec.json.Decoder(DunningPlan),
}
_CALLED: dict[str, Callable[[Any], str]] = {
    "user": lambda user: str(user.email),
    "bank_account": lambda account: str(account.name),
    "dunning_plan": lambda plan: str(plan.name),
}


def make_user(
    db: Connection,
    context: Context,
    *,
    email: str,
    first_name: str | None = None,
    last_name: str | None = None,
    position: str | None = None,
) -> User:
    """Create a member of the team; its id can be a customer's `accountManagerId`."""
    user = User(
        id=context.new_id(),
        first_name=first_name,
        last_name=last_name,
        email=email,
        position=position,
    )
    _insert(db, context, USER, user.id, user)
    return user


def make_bank_account(
    db: Connection,
    context: Context,
    *,
    name: str,
    iban: str | None = None,
    bic: str | None = None,
    currency: str | None = None,
) -> BankAccount:
    """Create an account of the organisation that its customers pay into."""
    account = BankAccount(id=context.new_id(), name=name, iban=iban, bic=bic, currency=currency)
    _insert(db, context, BANK_ACCOUNT, account.id, account)
    return account


def make_dunning_plan(
    db: Connection,
    context: Context,
    *,
    name: str,
    mode: str = "AUTOMATIC",
    entity: str = "CUSTOMER",
) -> DunningPlan:
    """Create a dunning plan that customers can be assigned to."""
    plan = DunningPlan(id=context.new_id(), name=name, mode=mode, entity=entity)
    _insert(db, context, DUNNING_PLAN, plan.id, plan)
    return plan


def delete_entry(db: Connection, context: Context, entity: Entity, entry_id: str) -> None:
    """Delete an entry. Raises NotFound, or BadRequest while customers or documents refer to it."""
    organisation = context.organisation.seq
    noun = entity.name.replace("_", " ")
    if find_entry(db, context, entity, entry_id) is None:
        raise NotFound(f"There is no {noun} with id {entry_id}.")
    # Ids are unique and never part of other text, so a text search finds them without decoding.
    named = f'%"{entry_id}"%'
    (users,) = db.execute(SQL["used"], (organisation, named, organisation, named)).fetchone()
    if users:
        raise BadRequest(
            f"The {noun} {entry_id} is named by {users} customers or documents: change those first."
        )
    db.execute(SQL["delete"], (entry_id, entity.name, organisation))
    counters.count(db, organisation, entity.name, -1)


def list_entries(db: Connection, context: Context, entity: Entity, window: Window) -> Page[Record]:
    """Return a page of one kind, newest first."""
    organisation = context.organisation
    length = counters.length(db, organisation, entity.name, counters.WHOLE_ORGANISATION)
    page = page_of_rows(db, SQL, "page", (entity.name, organisation.seq), window, length)
    decoder = _BODIES[entity.name]
    return Page([decoder.decode(body) for (body,) in page.items], page.total)


def find_entry(db: Connection, context: Context, entity: Entity, entry_id: str) -> Any:
    """Return one record, or None."""
    key = (entry_id, entity.name, context.organisation.seq)
    row = db.execute(SQL["by_id"], key).fetchone()
    return _BODIES[entity.name].decode(row[0]) if row else None


def user_email(db: Connection, context: Context, email: str) -> str | None:
    """Return the e-mail of a user as it is stored, ignoring case; None when there is no such
    user."""
    length = counters.length(db, context.organisation, USER.name, counters.WHOLE_ORGANISATION)
    users: list[Any] = list_entries(db, context, USER, Window(0, length.total)).items
    found = (user.email for user in users if user.email.casefold() == email.casefold())
    return next(found, None)


def check_entry(
    db: Connection, context: Context, entity: Entity, entry_id: object, place: str
) -> None:
    """Reject an id that does not exist, listing those that do; null and absent are accepted."""
    if not isinstance(entry_id, str) or find_entry(db, context, entity, entry_id) is not None:
        return
    noun = entity.name.replace("_", " ")
    key = (entity.name, context.organisation.seq, _NAMED_MAX + 1)
    known = [_BODIES[entity.name].decode(body) for (body,) in db.execute(SQL["first"], key)]
    if not known:
        refuse(place, f"no {noun} with id {entry_id} exists; there is none, and the API makes none")
    named = [f"{entry.id} ({_CALLED[entity.name](entry)})" for entry in known[:_NAMED_MAX]]
    more = " and others" if len(known) > _NAMED_MAX else ""
    refuse(place, f"no {noun} with id {entry_id} exists; there are {', '.join(named)}{more}")


def _insert(
    db: Connection, context: Context, entity: Entity, entry_id: str, record: Record
) -> None:
    organisation = context.organisation.seq
    body = msgspec.json.encode(record).decode()
    db.execute(SQL["insert"], (organisation, entity.name, entry_id, body))
    counters.count(db, organisation, entity.name, 1)
