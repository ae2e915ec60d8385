"""Checks the references in a customer's record to entities other than customers."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headrace.model.customer import Customer
from headrace.model.record import Record
from headrace.model.reference import Reference
from headrace.model.resource import BANK_ACCOUNT, DUNNING_PLAN, USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.directory import check_entry
from headrace.store.records.patch import refuse

_METHOD_PARTS_MAX = 200
_WIRE_TRANSFER = "wireTransfer"


class _WireTransfer(Record):
    bank_account: Reference | None = None
    bank_accounts: list[Reference] | None = None


def check_customer_values(db: Connection, context: Context, record: Customer) -> None:
    """Reject an account manager, dunning plan or bank account that does not exist."""
    check_entry(db, context, USER, record.account_manager_id, "accountManagerId")
    check_entry(db, context, DUNNING_PLAN, record.dunning_plan_id, "dunningPlanId")
    for name, value in (record.payment_methods or {}).items():
        place = f"paymentMethods.{name}"
        raw = bytes(value)
        # They are stored unchanged, so their nesting depth is bounded: whatever is stored must be
        # readable.
        if raw.count(b"{") + raw.count(b"[") > _METHOD_PARTS_MAX:
            refuse(place, "has more parts than any method of payment needs")
        if name == _WIRE_TRANSFER:
            for where, account in _accounts(raw, place):
                check_entry(db, context, BANK_ACCOUNT, account.id, f"{where}.id")


def _accounts(raw: bytes, place: str) -> Iterator[tuple[str, Reference]]:
    try:
        method = msgspec.json.decode(raw, type=_WireTransfer | None)
    except (msgspec.DecodeError, UnicodeDecodeError):
        refuse(place, 'takes bank accounts by id, such as {"bankAccount": {"id": "..."}}')
    if method is None:
        return
    if method.bank_account is not None:
        yield f"{place}.bankAccount", method.bank_account
    for n, account in enumerate(method.bank_accounts or ()):
        yield f"{place}.bankAccounts[{n}]", account
