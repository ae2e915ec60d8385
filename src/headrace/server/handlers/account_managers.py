"""A customer's account managers."""

from __future__ import annotations

from headrace.model.collection import AccountManagerChoice, User
from headrace.server.call import Answer, Call
from headrace.server.paging import page_answer, window
from headrace.store.records.account_managers import (
    account_managers,
    add_account_manager,
    remove_account_manager,
)
from headrace.store.records.page import Page


async def post(call: Call) -> Answer:
    """Add one by the user's id; null removes all."""
    choice = call.record(AccountManagerChoice)
    call.customer = call.addresses[0].external_id
    row, managers, new = await call.write(add_account_manager, call.addresses[0], choice)
    call.customer = row.external_id
    return _answer(call, managers, 201 if new else 200)


async def list_(call: Call) -> Answer:
    """A page; the first is the customer's `accountManagerId`."""
    row, managers = await call.read(account_managers, call.addresses[0])
    call.customer = row.external_id
    return _answer(call, managers, 200)


async def delete(call: Call) -> Answer:
    """Remove one."""
    row = await call.write(remove_account_manager, *call.addresses)
    call.customer = row.external_id
    return Answer(204)


def _answer(call: Call, managers: list[User], status: int) -> Answer:
    part = window(call.query, call.entity.page_cap)
    page = Page(managers[part.offset : part.offset + part.limit], len(managers))
    answer = page_answer(call.entity, part, page)
    return Answer(status, answer.body)
