"""The invoices that a customer selected, and what it does with them: pay, dispute, promise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct
from starlette.datastructures import QueryParams

from headrace.ledger.document import open_amount
from headrace.model.collection import BankAccount
from headrace.model.entity import INVOICE
from headrace.model.money import EXPONENTS
from headrace.model.payment import Payment
from headrace.model.portal import COMMENT_MAX, REASONS
from headrace.model.reference import InvoiceLink, Reference
from headrace.pages.form import FormFields
from headrace.portal.overview import Row, number_of, rows_of, sums_of
from headrace.portal.transfer import Transfer, reference_for
from headrace.portal.visit import Visit
from headrace.portal.wanted import Wanted, find_wanted, wanted_of
from headrace.store.connection import Connection
from headrace.store.records.collected_payment import collect_payment
from headrace.store.records.document_rows import DocumentRow, find_document
from headrace.store.records.portal_account import (
    Family,
    answers_of,
    documents_of,
    open_items,
    read_family,
)
from headrace.store.records.portal_answers import Said, note_answer
from headrace.store.records.portal_settings import paid_into
from headrace.store.records.references import Address

SELECTED_MAX = 1_000
"""Invoices that can be selected at a time."""
_SHOWN_MAX = 100
_YEAR = timedelta(days=366)
_INSTRUMENT = "CARD"
_CODE = 3
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,4}))?")
"""Without separators of thousands, which could be taken for decimals."""


class Choice(Struct, frozen=True):
    """Which invoices are selected: by their ids, or all that the overview was asked for."""

    ids: tuple[str, ...]
    whole: bool
    wanted: Wanted

    def fields(self) -> list[tuple[str, str]]:
        """Return the fields of a form or an address that selects the same."""
        customer = [("customer", self.wanted.customer)] if self.wanted.customer else []
        if not self.whole:
            return [*customer, *(("i", id) for id in self.ids)]
        return [("all", "1"), *((k, v) for k, v in self.wanted.parameters().items() if v)]


class Selected(Struct, frozen=True, kw_only=True):
    """The invoices that are selected and open."""

    family: Family
    documents: list[DocumentRow]
    rows: list[Row]
    """The first of them, as texts."""
    more: int
    sums: list[tuple[str, int, str]]
    """Per currency: what is open, also as text."""
    transfers: list[Transfer]
    choice: Choice

    @property
    def shown(self) -> str:
        """The sums as a form carries them, so that nobody pays another amount than it saw."""
        return " ".join(f"{currency}{amount}" for currency, amount, _ in self.sums)


def choice_of(given: QueryParams | FormFields) -> Choice:
    """Return what the parameters select."""
    ids = tuple(dict.fromkeys(given.getlist("i")))[: SELECTED_MAX + 1]
    return Choice(ids, given.get("all") == "1", wanted_of(given))


def read_selected(db: Connection, visit: Visit, choice: Choice) -> Selected:
    """Return the selection; what is not an open invoice of the family is left out."""
    context, reader = visit.context, visit.reader
    family = read_family(db, context, visit.door.customer, choice.wanted.customer or None)
    documents = _documents(db, visit, family, choice)
    sums = sums_of(documents, reader)
    account = paid_into(db, context, visit.settings)
    rows = rows_of(documents[:_SHOWN_MAX], context, reader, family, answers_of(db, family))
    return Selected(
        family=family,
        documents=documents,
        rows=rows,
        more=len(documents) - len(rows),
        sums=sums,
        transfers=_transfers(visit, family, documents, sums, account),
        choice=choice,
    )


def answer_selected(db: Connection, visit: Visit, choice: Choice, said: Said) -> int:
    """Note what a customer said about every invoice of the selection; returns their number."""
    family = read_family(db, visit.context, visit.door.customer, choice.wanted.customer or None)
    documents = _documents(db, visit, family, choice)[:SELECTED_MAX]
    for document in documents:
        note_answer(db, visit.context, document, said)
    return len(documents)


def pay_selected(
    db: Connection, visit: Visit, choice: Choice, shown: str, part: int | None = None
) -> list[str] | None:
    """Pay what is open of the selection, by one payment per currency, or a part of its only
    invoice; returns their ids.

    Returns None, and does nothing, when it is not what the customer was shown.
    """
    selected = read_selected(db, visit, choice)
    if selected.shown != shown or not selected.sums:
        return None
    if part is not None and len(selected.documents) != 1:
        return None
    payer = Reference(id=selected.family.head.id)
    made = []
    for currency, amount, _ in selected.sums:
        links = [
            InvoiceLink(amount_linked=part or open_amount(one), invoice=Reference(id=one.id))
            for one in selected.documents
            if one.currency == currency
        ]
        payment = Payment(
            currency=currency,
            amount=part or amount,
            customer=payer,
            instrument=_INSTRUMENT,
            linked_invoices=links,
        )
        made.append(str(collect_payment(db, visit.context, payment).id))
    return made


def part_of(text: str, shown: str) -> int | None:
    """Return the part of one invoice that a customer wants to pay, in the currency's lowest
    division; `shown` is what the page showed. None for what is no amount, more than is open, or a
    part of several invoices in different currencies."""
    currency, whole = shown[:_CODE], shown[_CODE:]
    found = _AMOUNT.fullmatch(text)
    if found is None or not whole.isdecimal() or currency not in EXPONENTS:
        return None
    exponent, decimals = EXPONENTS[currency], found[2] or ""
    if len(decimals) > exponent:
        return None
    amount = int(found[1] + decimals.ljust(exponent, "0"))
    return amount if 0 < amount <= int(whole) else None


def dispute_of(form: FormFields) -> tuple[Said, dict[str, str]]:
    """Return a dispute, and the names of the errors in its fields."""
    reason, comment = form.text("reason"), form.text("comment")
    errors = {}
    if reason not in REASONS:
        errors["reason"] = "error_reason"
    if len(comment) > COMMENT_MAX:
        errors["comment"] = "error_comment"
    elif reason == "OTHER" and not comment:
        errors["comment"] = "error_comment_needed"
    return Said("DISPUTE", reason=reason, comment=comment or None), errors


def promise_of(form: FormFields, today: date) -> tuple[Said, dict[str, str]]:
    """Return a promise, and the names of the errors in its fields."""
    errors = {}
    day = parse_day(form.text("day"))
    if day is None:
        errors["day"] = "error_day"
    elif day < today:
        errors["day"] = "error_day_past"
    elif day > today + _YEAR:
        errors["day"] = "error_day_far"
    return Said("PROMISE", promised_for=day.isoformat() if day else None), errors


def parse_day(text: str) -> date | None:
    """Return a day as browsers send it; None for anything else."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None


def _documents(db: Connection, visit: Visit, family: Family, choice: Choice) -> list[DocumentRow]:
    """Return at most one document more than can be selected."""
    items = open_items(db, family)
    if choice.whole:
        found = find_wanted(db, visit.context, family, items, choice.wanted)
        return documents_of(db, (item.seq for item in found[: SELECTED_MAX + 1]))
    open_invoices = {item.seq for item in items if item.is_invoice}
    documents = []
    for id in choice.ids:
        document = find_document(db, visit.context, INVOICE, Address(id=id.replace("\0", "")))
        if document is not None and document.seq in open_invoices:
            documents.append(document)
    return documents


def _transfers(
    visit: Visit,
    family: Family,
    documents: Sequence[DocumentRow],
    sums: Sequence[tuple[str, int, str]],
    account: BankAccount | None,
) -> list[Transfer]:
    if account is None:
        return []
    return [
        Transfer(
            visit.seller,
            account,
            amount,
            currency,
            reference_for(
                [number_of(one) for one in documents if one.currency == currency],
                customer_reference(family),
            ),
        )
        for currency, amount, _ in sums
    ]


def customer_reference(family: Family) -> str:
    """Return what the organisation knows the customer by: its account, else its id."""
    member = family.chosen or next(one for one in family.members if one.seq == family.head.seq)
    return member.accounting_ref or member.external_id or member.name
