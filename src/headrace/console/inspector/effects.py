"""What a request did to the balance of a customer's family.

The journal has what each request was answered. Links take from both sides alike, so the balance of
a family moves by amounts of documents only: an invoice or a refund raises it, a payment or a credit
note lowers it. The balance after a request is today's without what later requests added; it is not
known where something changed since that the journal does not have, such as a payment in the portal
or a request of this moment. That shows where a document is not as the journal has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from headrace.console.session import Seat
from headrace.ledger.document import OUT_OF_BALANCE, RAISES_BALANCE, open_amount
from headrace.model.money import format_money
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import SEARCH as SQL
from headrace.store.records.customer_rows import find_customer
from headrace.store.records.portal_account import open_items, read_family
from headrace.store.records.references import Address

_LOOKED_AT = 20_000
_DOCUMENTS = ("invoice", "credit_note", "payment", "refund")
_CREATED, _GONE = 201, 204
_SUCCESS = range(200, 300)


class Effect(Struct, frozen=True, kw_only=True):
    """What a request did; texts are empty where the journal does not say."""

    id: str = ""
    """The id of the record."""
    customer: str = ""
    """The id of the head of the customer's family."""
    name: str = ""
    before: str = ""
    change: str = ""
    after: str = ""


class _Family(Struct, frozen=True):
    members: set[str | None]
    """The external ids of its customers."""
    head: str
    name: str
    balances: dict[str, int]
    """By currency."""
    documents: dict[str, tuple[int, bool]]
    """Amount, and whether it counts in the balance, by id."""
    changed: set[str]
    """Ids of the documents that changed since the request."""

    def is_as(self, journal: Mapping[str, _Document | None]) -> bool:
        """Whether the documents are as the journal has them, by id; None stands for deleted."""
        return self.changed <= journal.keys() and all(
            self.documents.get(id) == (known.standing if known else None)
            for id, known in journal.items()
        )


class _Document(Struct, rename="camel"):
    id: str = ""
    currency: str = ""
    gross_amount: int | None = None
    amount: int | None = None
    amount_outstanding: int | None = None
    state: str | None = None

    @property
    def whole(self) -> int | None:
        """The amount, tax included."""
        return self.gross_amount if self.gross_amount is not None else self.amount

    @property
    def standing(self) -> tuple[int | None, bool]:
        """The amount, and whether it counts in the balance."""
        return self.whole, self.state not in OUT_OF_BALANCE

    def weight(self, entity: str, former: _Document | None) -> int | None:
        """Return what the document adds to its family's balance; None when that is not known."""
        whole = self.whole
        if whole is None:
            return None
        if self.state in OUT_OF_BALANCE:
            # What is applied to it still takes from the payments.
            if former is None or former.amount_outstanding is None:
                return None
            was_open = former.amount_outstanding if former.state not in OUT_OF_BALANCE else whole
            return whole - was_open
        return whole if entity in RAISES_BALANCE else -whole


_DECODER = msgspec.json.Decoder(_Document)


async def effects_of(seat: Seat, one: Mapping[str, Any]) -> Effect | None:
    """Return what a request of the journal did; None for one that changed nothing."""
    is_change = one["method"] in ("POST", "PUT", "DELETE") and one["status"] in _SUCCESS
    if not is_change:
        return None
    answered = _answered(one)
    own = answered.id if answered else ""
    if one["entity"] not in _DOCUMENTS or not one["customer"]:
        return Effect(id=own)
    query = {
        "organisation": seat.name, "within": str(_LOOKED_AT), "limit": "1000",
    }  # fmt: skip
    found = await seat.desk.operations.call("GET", "/requests", query=query)
    family = await seat.read(_family, one["customer"], one["clock"] or one["at"])
    if family is None:
        return Effect(id=own)
    requests = [x for x in found["requests"] if x["customer"] in family.members]
    moves, documents = _moves(requests)
    move = moves.get(one["id"])
    if move is None:
        return Effect(id=own, customer=family.head, name=family.name)
    currency, change = move
    change_text = format_money(change, currency)
    order = {request["id"]: place for place, request in enumerate(requests)}
    later = [m for key, m in moves.items() if order[key] > order[one["id"]]]
    if any(m is None for m in later) or not family.is_as(documents):
        return Effect(id=own, customer=family.head, name=family.name, change=change_text)
    after = family.balances.get(currency, 0) - sum(m[1] for m in later if m and m[0] == currency)
    return Effect(
        id=own,
        customer=family.head,
        name=family.name,
        before=format_money(after - change, currency),
        change=change_text,
        after=format_money(after, currency),
    )


def _moves(
    requests: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, tuple[str, int] | None], dict[str, _Document | None]]:
    """Return what each request added, by its id: currency and amount, None if that is not known;
    and the documents as they were answered last, by id, None for a deleted one."""
    known: dict[str, _Document] = {}
    found: dict[str, tuple[str, int] | None] = {}
    documents: dict[str, _Document | None] = {}
    for one in requests:
        entity = one["entity"]
        is_change = one["method"] in ("POST", "PUT", "DELETE") and one["status"] in _SUCCESS
        if entity not in _DOCUMENTS or not is_change or one["path"].endswith("/pdf"):
            continue
        name = f"{entity} {one['external_id']}"
        former = known.get(name)
        if one["status"] == _GONE:
            weight = former.weight(entity, former) if former else None
            found[one["id"]] = (former.currency, -weight) if former and weight is not None else None
            known.pop(name, None)
            if former is not None:
                documents[former.id] = None
            continue
        answer = _answered(one)
        if answer is None:
            found[one["id"]] = None
            continue
        new, old = answer.weight(entity, former), _former_weight(one, entity, former)
        if new is None or old is None:
            found[one["id"]] = None
        else:
            found[one["id"]] = (answer.currency, new - old)
        known[name] = answer
        if answer.id:
            documents[answer.id] = answer
    return found, documents


def _former_weight(one: Mapping[str, Any], entity: str, former: _Document | None) -> int | None:
    if one["status"] == _CREATED:
        return 0
    return former.weight(entity, former) if former else None


def _answered(one: Mapping[str, Any]) -> _Document | None:
    try:
        return _DECODER.decode(one["answered"])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def _family(db: Connection, context: Context, customer: str, since: str) -> _Family | None:
    """Return the family of a customer, with what changed since a moment."""
    row = find_customer(db, context, Address(external_id=customer))
    if row is None:
        return None
    head = row.parent_id or row.id
    family = read_family(db, context, Address(id=head))
    balances: dict[str, int] = {}
    for item in open_items(db, family):
        sign = 1 if item.entity in RAISES_BALANCE else -1
        balances[item.currency] = balances.get(item.currency, 0) + sign * open_amount(item)
    rows = db.execute(SQL["family_documents"], (since, family.head.seq, family.head.seq)).fetchall()
    return _Family(
        members={one.external_id for one in family.members},
        head=head,
        name=family.head.name,
        balances=balances,
        documents={id: (amount, mark not in OUT_OF_BALANCE) for id, amount, mark, _ in rows},
        changed={id for id, _, _, later in rows if later},
    )
