"""The overview of a customer's account: sums, open invoices, what reduces them, and history, as
texts in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from headrace.ledger.document import open_amount
from headrace.model.collection import BankAccount
from headrace.model.portal import SharedFile
from headrace.portal.language import Reader
from headrace.portal.visit import Visit
from headrace.portal.wanted import PAGE_ROWS, SORTS, STATES, Wanted, find_wanted
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.portal_account import (
    AccountTotal,
    Answers,
    Family,
    answers_of,
    count_settled,
    days_late,
    documents_of,
    open_items,
    read_family,
    settled,
    state_of,
    totals_of,
)
from headrace.store.records.portal_settings import list_files, paid_into

_REDUCING_MAX = 50
"""Documents that are listed as not applied yet; the sums have all."""
_HISTORY = 10
HISTORY_ROWS = 100
BADGES = {"DUE": "none", "OVERDUE": "bad", "DISPUTED": "warn", "PAID": "good"}


class Row(Struct, frozen=True):
    """One document of a list."""

    id: str
    number: str
    kind: str
    customer: str
    """Its customer, where that is not the link's own."""
    date: str
    due: str
    days: int
    total: str
    open: str
    amount: int
    """What is open, in the currency's lowest division."""
    currency: str
    state: str
    badge: str
    promised: str
    pdf_url: str | None


class Figures(Struct, frozen=True):
    """The sums in one currency."""

    currency: str
    due_now: str
    overdue: str
    is_overdue: bool
    oldest: str
    later: str
    unapplied: str
    outstanding: str


class Overview(Struct, frozen=True, kw_only=True):
    """Everything that the page shows."""

    family: Family
    totals: list[AccountTotal]
    figures: list[Figures]
    rows: list[Row]
    found: int
    """The number of open invoices that are asked for, on all pages."""
    first: int
    """The place of the first row in these, from 1."""
    open: int
    """The number of all open invoices."""
    wanted: Wanted
    currencies: list[str]
    reducing: list[Row]
    reducing_more: int
    history: list[Row]
    history_count: int
    account: BankAccount | None
    files: list[SharedFile]


class _Numbers(Struct, gc=False, rename="camel"):
    custom_id: str | None = None
    ref_number: str | None = None


_NUMBERS = msgspec.json.Decoder(_Numbers)


def read_overview(db: Connection, visit: Visit, wanted: Wanted) -> Overview:
    """Return what the page shows. Raises NotFound for a customer outside the family."""
    context, reader = visit.context, visit.reader
    family = read_family(db, context, visit.door.customer, wanted.customer or None)
    items = open_items(db, family)
    found = find_wanted(db, context, family, items, wanted)
    first = _first_row(wanted.page, len(found))
    page = found[first : first + PAGE_ROWS]
    said = answers_of(db, family)
    reducing = [item for item in items if not item.is_invoice]
    documents = documents_of(db, (item.seq for item in page))
    totals = totals_of(items, context.today)
    return Overview(
        family=family,
        totals=totals,
        figures=[_figures(total, reader) for total in totals],
        rows=rows_of(documents, context, reader, family, said),
        found=len(found),
        first=first + 1,
        open=sum(item.is_invoice for item in items),
        wanted=wanted,
        currencies=sorted({item.currency for item in items if item.is_invoice}),
        reducing=rows_of(
            documents_of(db, (item.seq for item in reducing[:_REDUCING_MAX])),
            context, reader, family,
        ),
        reducing_more=max(0, len(reducing) - _REDUCING_MAX),
        history=rows_of(settled(db, family, _HISTORY), context, reader, family),
        history_count=count_settled(db, family),
        account=paid_into(db, context, visit.settings),
        files=list_files(db, context),
    )  # fmt: skip


def read_history(db: Connection, visit: Visit, wanted: Wanted) -> tuple[list[Row], int, int]:
    """Return a page of settled documents, the place of its first, and the number of all."""
    family = read_family(db, visit.context, visit.door.customer, wanted.customer or None)
    count = count_settled(db, family)
    first = _first_row(wanted.page, count, HISTORY_ROWS)
    documents = settled(db, family, HISTORY_ROWS, first)
    return rows_of(documents, visit.context, visit.reader, family), first + 1, count


def choices(overview: Overview, reader: Reader) -> dict[str, list[tuple[str, str]]]:
    """Return the options of the selects above the list, as pairs of value and text."""
    say = reader.say
    members = overview.family.members
    whole = ("", say("all_members", name=overview.family.head.name))
    return {
        "states": [("", say("state_all")), *((one, say(f"state_{one}")) for one in STATES)],
        "currencies": [("", say("currency_all")), *((one, one) for one in overview.currencies)],
        "sorts": [(one, say(f"sort_{one}")) for one in SORTS],
        "members": [whole, *((member.id, member.name) for member in members)],
    }


def rows_of(
    documents: Iterable[DocumentRow],
    context: Context,
    reader: Reader,
    family: Family,
    said: dict[int, Answers] | None = None,
) -> list[Row]:
    """Return documents as texts; `said` is what is in force about invoices."""
    return [_row(one, context, reader, family, said or {}) for one in documents]


def sums_of(rows: Sequence[DocumentRow], reader: Reader) -> list[tuple[str, int, str]]:
    """Return what is open per currency: the currency, the amount, and the amount as text."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + open_amount(row)
    return [(one, amount, reader.money(amount, one)) for one, amount in sorted(sums.items())]


def number_of(document: DocumentRow) -> str:
    """Return the number that people know a document by; empty where it has none."""
    numbers = _NUMBERS.decode(document.body)
    return numbers.custom_id or numbers.ref_number or document.external_id or ""


def _row(
    document: DocumentRow,
    context: Context,
    reader: Reader,
    family: Family,
    said: dict[int, Answers],
) -> Row:
    state = ""
    if document.entity == "invoice":
        state = state_of(document, context.today)
    amount, currency = open_amount(document), document.currency
    promised = said.get(document.seq, Answers()).promised_for
    return Row(
        id=document.id,
        number=number_of(document) or reader.say("without_number"),
        kind=reader.say(f"kind_{document.entity}"),
        customer="" if document.customer == family.head.seq else document.customer_name,
        date=reader.date(document.dated),
        due=reader.date(document.due_date),
        days=days_late(document.due_date, context.today),
        total=reader.money(document.amount, currency),
        open=reader.money(amount, currency),
        amount=amount,
        currency=currency,
        state=reader.say(f"state_{state}") if state in BADGES else state,
        badge=BADGES.get(state, "none"),
        promised=reader.say("promised", date=reader.date(promised)) if promised else "",
        pdf_url=context.pdf_url(document.id) if document.pdf is not None else None,
    )


def _figures(total: AccountTotal, reader: Reader) -> Figures:
    def money(amount: int) -> str:
        return reader.money(amount, total.currency)

    return Figures(
        currency=total.currency,
        due_now=money(total.due_now),
        overdue=money(total.overdue),
        is_overdue=total.overdue > 0,
        oldest=reader.count("days", total.oldest_days) if total.oldest_days else "",
        later=money(total.later),
        unapplied=money(total.unapplied),
        outstanding=money(total.outstanding),
    )


def _first_row(page: int, count: int, rows: int = PAGE_ROWS) -> int:
    """Return where a page begins, from 0; the last page for one after the end."""
    last = max(0, count - 1) // rows
    return min(max(page, 1) - 1, last) * rows
