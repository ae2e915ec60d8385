"""The account of a customer as the portal shows it: sums, a page of open invoices, what reduces the
sums, and what is settled.

Sums and order come from a few columns of all open documents; whole documents are read for the rows
that are shown only, so a page of ten thousand invoices costs little more than one of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from headrace.ledger.document import Item, invoice_state, open_amount
from headrace.ledger.standing import standing
from headrace.model.entity import INVOICE
from headrace.model.errors import NotFound
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import PORTAL
from headrace.store.queries import PORTAL_ACCOUNT as SQL
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.document_rows import DocumentRow, document_by_seq
from headrace.store.records.references import Address

NOBODY = 0
"""The parent of nobody: numbers of customers begin with 1."""


class Member(Struct, frozen=True):
    """A customer of the family."""

    seq: int
    id: str
    external_id: str | None
    name: str
    accounting_ref: str | None


class Family(Struct, frozen=True):
    """The customer of a link with its children, and the one that was picked of them, if any."""

    head: CustomerRow
    members: list[Member]
    chosen: Member | None

    @property
    def scope(self) -> tuple[int, int]:
        """The parameters of the statements: whose documents, and whose children's."""
        if self.chosen is not None:
            return self.chosen.seq, NOBODY
        return self.head.seq, self.head.seq if len(self.members) > 1 else NOBODY


class OpenItem(Item, frozen=True, gc=False):
    """An open document, with what lists are ordered by."""

    seq: int
    dated: str | None

    @property
    def is_invoice(self) -> bool:
        """Whether it is one, and not a settlement that is not applied yet."""
        return self.entity == INVOICE.name


class AccountTotal(Struct, frozen=True):
    """Sums in one currency: `due_now` + `later` - `unapplied` = `outstanding`."""

    currency: str
    due_now: int
    """Open invoices whose due date is today or past, or that have none."""
    overdue: int
    """Of these, those whose due date is past."""
    later: int
    unapplied: int
    outstanding: int
    oldest_days: int
    """How many days the oldest is overdue; 0 when none is."""


class Answers(Struct, frozen=True):
    """What was said about an invoice and is in force."""

    reason: str | None = None
    promised_for: str | None = None


class _Texts(Struct, gc=False, rename="camel"):
    """What can be searched for, of an invoice's body."""

    custom_id: str | None = None
    name: str | None = None


_TEXTS = msgspec.json.Decoder(_Texts)


def read_family(
    db: Connection, context: Context, customer: Address, chosen: str | None = None
) -> Family:
    """Return the customer of a link with its children. Raises NotFound, also when `chosen` is the
    id of a customer outside the family."""
    head = get_customer(db, context, customer)
    members = [Member(*row) for row in db.execute(SQL["members"], (head.seq, head.seq))]
    if chosen is None:
        return Family(head, members, None)
    for member in members:
        if member.id == chosen:
            return Family(head, members, member)
    raise NotFound("There is no such customer in this family.")


def open_items(db: Connection, family: Family) -> list[OpenItem]:
    """Return everything that is open."""
    rows = db.execute(SQL["open"], family.scope)
    return [item for row in rows if open_amount(item := OpenItem(*row))]


def totals_of(items: Sequence[OpenItem], today: date) -> list[AccountTotal]:
    """Return the sums per currency."""
    totals = []
    for currency in sorted({item.currency for item in items}):
        own = [item for item in items if item.currency == currency]
        sums = standing(own, currency, today)
        now = [item for item in own if item.is_invoice and is_due(item, today)]
        due_now = sum(map(open_amount, now))
        totals.append(
            AccountTotal(
                currency=currency,
                due_now=due_now,
                overdue=sums.overdue,
                later=sums.due + sums.overdue - due_now,
                unapplied=sums.due + sums.overdue - sums.balance,
                outstanding=sums.balance,
                oldest_days=max((days_late(item.due_date, today) for item in now), default=0),
            )
        )
    return totals


def is_due(item: Item, today: date) -> bool:
    """Whether an invoice should be paid by now; one without a due date should."""
    return not item.due_date or item.due_date[:10] <= today.isoformat()


def days_late(due_date: str | None, today: date) -> int:
    """Return how many days a due date is past; 0 when it is not, or there is none."""
    return max(0, (today - date.fromisoformat(due_date[:10])).days) if due_date else 0


def state_of(item: Item, today: date) -> str:
    """Return the state of an open invoice, as the API answers it."""
    return invoice_state(item, today)


def matching(db: Connection, family: Family, words: str) -> set[int]:
    """Return the open invoices that contain all words, in the number, the name, the external id or
    the customer's name; ignoring case."""
    wanted = words.casefold().split()
    found = set()
    for seq, external_id, body, name in db.execute(SQL["open_texts"], family.scope):
        texts = _TEXTS.decode(body)
        text = f"{texts.custom_id or ''} {texts.name or ''} {external_id or ''} {name}".casefold()
        if all(word in text for word in wanted):
            found.add(seq)
    return found


def numbers_of(db: Connection, family: Family) -> Callable[[OpenItem], str]:
    """Return a function that gives an open invoice's number, to sort by."""
    numbers = {
        seq: (_TEXTS.decode(body).custom_id or external_id or "").casefold()
        for seq, external_id, body, _ in db.execute(SQL["open_texts"], family.scope)
    }
    return lambda item: numbers.get(item.seq, "")


def documents_of(db: Connection, items: Iterable[int]) -> list[DocumentRow]:
    """Return whole documents by their numbers in the store."""
    return [document_by_seq(db, seq) for seq in items]


def answers_of(db: Connection, family: Family) -> dict[int, Answers]:
    """Return what is in force about invoices of the family, by the invoice's number in the
    store."""
    found: dict[int, Answers] = {}
    key = (family.head.seq, family.head.seq)
    for invoice, kind, reason, promised_for in db.execute(PORTAL["answers_in_force"], key):
        known = found.get(invoice, Answers())
        if kind == "DISPUTE":
            found[invoice] = msgspec.structs.replace(known, reason=reason)
        else:
            found[invoice] = msgspec.structs.replace(known, promised_for=promised_for)
    return found


def settled(db: Connection, family: Family, limit: int, offset: int = 0) -> list[DocumentRow]:
    """Return settled documents, the newest first."""
    rows = db.execute(SQL["settled"], (*family.scope, limit, offset)).fetchall()
    return documents_of(db, (seq for (seq,) in rows))


def count_settled(db: Connection, family: Family) -> int:
    """Return the number of settled documents."""
    (count,) = db.execute(SQL["count_settled"], family.scope).fetchone()
    return int(count)
