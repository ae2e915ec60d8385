"""The page of a document: its fields, what is open of it and why, its links, its history."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from headrace.console.operations import Change
from headrace.console.records.forms import ValueField, value_fields, values_of
from headrace.console.records.history import history_of
from headrace.console.records.kinds import (
    BADGES,
    SLUGS,
    STATE_WORDS,
    Kind,
    kind_of,
    number_of,
    state_of,
)
from headrace.console.session import Pages, Seat
from headrace.ledger.document import OUT_OF_BALANCE, open_amount
from headrace.model.entity import BY_NAME, INVOICE
from headrace.model.errors import BadRequest, RequestError
from headrace.model.money import format_money
from headrace.model.portal import COMMENT_MAX, REASONS
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.documents import read_document
from headrace.store.records.link_neighbours import Neighbour, neighbours_of
from headrace.store.records.marks import Mark, allowed_marks, mark_invoice
from headrace.store.records.portal_answers import Said
from headrace.store.records.references import parse_address

_LINKS_SHOWN = 100
_WIDTH = 1_000
_APART = ("links", "customFields", "customer", "linkedInvoices", "linkedTransactions",
    "linkedCreditNotes", "payments", "pdfUrl")  # fmt: skip
_MONEY = ("grossAmount", "netAmount", "amount", "amountOutstanding", "amountLinked")
_VALUED = ("payment", "credit_note")
_ACTIONS: dict[str, tuple[Mark | None, str]] = {
    "dispute": ("DISPUTED", "Dispute"),
    "void": ("VOIDED", "Void"),
    "write-off": ("WRITTEN_OFF", "Write off"),
    "restore": (None, "Take back"),
}


# A float would change a number of many digits.
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)


class Piece(Struct, frozen=True):
    """A part of a document's amount in the picture; x and width are thousandths."""

    x: int
    width: int
    number: str
    amount: str
    note: str
    place: str
    is_open: bool = False


class Shown(Struct, frozen=True):
    """Everything that the page shows."""

    row: DocumentRow
    answer: dict[str, Any]
    json: bytes
    links: list[Neighbour]
    count: int
    fields: list[ValueField]
    marks: list[Mark]


async def document_page(
    kind: Kind,
    seat: Seat,
    status: int = 200,
    errors: dict[str, str] | None = None,
) -> Response:
    """The page of one document."""
    shown = await seat.read(_read, kind, seat.request.path_params["id"])
    row, today = shown.row, seat.context.today
    state = state_of(row, today)
    events = await history_of(seat, kind.entity.name, (row.id, row.external_id))
    number = number_of(row)
    return seat.render(
        "document.html",
        status,
        kind=kind,
        row=row,
        number=number,
        facts=_facts(shown),
        parts_of_it=_pieces(seat, shown),
        more=shown.count - len(shown.links),
        amount=format_money(row.amount, row.currency),
        applied=format_money(row.applied, row.currency),
        open=format_money(open_amount(row), row.currency),
        out=row.mark in OUT_OF_BALANCE,
        state=(STATE_WORDS[state], BADGES[state]),
        mark=row.mark,
        pdf=shown.answer.get("pdfUrl"),
        marks=shown.marks,
        reasons=[(one, one.replace("_", " ").capitalize()) for one in REASONS],
        comment_max=COMMENT_MAX,
        fields=shown.fields,
        valued=kind.entity.name in _VALUED,
        given=seat.form,
        events=events,
        json=msgspec.json.format(shown.json, indent=2).decode(),
        curl=_curl(seat, kind, row.id),
        errors=errors or {},
        trail=((kind.title, seat.at(kind.slug)), (number, "")),
    )


async def set_mark(seat: Seat) -> Response:
    """Set a state that only people set, or take it back."""
    kind, id = kind_of("invoices"), seat.request.path_params["id"]
    action = seat.form.get("action", "")
    if action not in _ACTIONS:
        raise BadRequest("Choose what to do with the invoice.")
    mark = _ACTIONS[action][0]
    said, errors = _said(seat, mark)
    if errors:
        return await document_page(kind, seat, 400, errors)
    try:
        made = await seat.write(mark_invoice, parse_address(id), mark, said)
    except BadRequest as error:
        return await document_page(kind, seat, 400, {"action": str(error)})
    row = (await seat.read(_read, kind, str(made.id))).row
    seat.desk.operations.note(
        Change(
            organisation=seat.name,
            person=seat.session.email,
            path=seat.request.url.path,
            entity=INVOICE.name,
            external_id=row.external_id,
            customer=row.customer_external_id,
            sent={"state": mark},
            answered=msgspec.json.encode(made),
        )
    )
    return seat.redirect(seat.at(kind.slug, row.id))


async def set_values(slug: str, seat: Seat) -> Response:
    """Set values of custom fields, which the API does not assign to this kind."""
    kind = kind_of(slug)
    shown = await seat.read(_read, kind, seat.request.path_params["id"])
    row = shown.row
    values, errors = values_of(shown.fields, seat.form)
    if errors:
        return await document_page(kind, seat, 400, errors)
    body = {"customFields": values}
    try:
        made = await seat.operate("POST", f"{kind.entity.path}/{row.id}/custom_fields", body)
    except RequestError as error:
        if error.status != BadRequest.status:
            raise
        return await document_page(kind, seat, 400, {"values": str(error)})
    seat.desk.operations.note(
        Change(
            organisation=seat.name,
            person=seat.session.email,
            path=seat.request.url.path,
            entity=kind.entity.name,
            external_id=row.external_id,
            customer=row.customer_external_id,
            sent=body,
            answered=msgspec.json.encode(made),
        )
    )
    return seat.redirect(seat.at(kind.slug, row.id))


def document_pages() -> Pages:
    """Return the pages by their paths below an organisation's."""
    found: Pages = {}
    for name, slug in SLUGS.items():
        if name in BY_NAME and slug != "customers":
            page = functools.partial(document_page, kind_of(slug))
            found[f"/{slug}/{{id}}"] = ("GET", page)
            if name in _VALUED:
                values = functools.partial(set_values, slug)
                found[f"/{slug}/{{id}}/values"] = ("POST", values)
    found["/invoices/{id}/state"] = ("POST", set_mark)
    return found


def _read(db: Connection, context: Context, kind: Kind, id: str) -> Shown:
    record, row = read_document(db, context, kind.entity, parse_address(id.replace("\0", "")))
    json = msgspec.json.encode(record)
    answer = _DECODER.decode(json)
    links, count = neighbours_of(db, row, _LINKS_SHOWN)
    fields = value_fields(db, context, kind.entity, answer.get("customFields") or [])
    marks = allowed_marks(context, row) if kind.entity is INVOICE else []
    return Shown(row, answer, json, links, count, fields, marks)


def _said(seat: Seat, mark: Mark | None) -> tuple[Said | None, dict[str, str]]:
    if mark != "DISPUTED":
        return None, {}
    reason, comment = seat.form.get("reason", ""), seat.form.text("comment")
    errors = {}
    if reason not in REASONS:
        errors["reason"] = "Choose a reason."
    if len(comment) > COMMENT_MAX:
        errors["comment"] = f"A comment has at most {COMMENT_MAX:,} characters."
    return Said("DISPUTE", reason, comment or None, source="MANUAL"), errors


def _facts(shown: Shown) -> list[tuple[str, str]]:
    found = []
    for name, value in shown.answer.items():
        if name in _APART or value is None or isinstance(value, list | dict):
            continue
        text = str(value)
        if name in _MONEY:
            text = format_money(value, shown.row.currency)
        found.append((name, text))
    return found


def _pieces(seat: Seat, shown: Shown) -> list[Piece]:
    """Return the amount as parts: each link, and what is open."""
    row, found, x = shown.row, [], 0
    whole = row.amount or 1
    for link in shown.links:
        width, other = _WIDTH * link.amount // whole, link.other
        note = BY_NAME[other.entity].name.replace("_", " ")
        if link.reconciliation is not None:
            note += f", reconciliation {link.reconciliation}"
        place = seat.at(SLUGS[other.entity], other.id)
        amount = format_money(link.amount, row.currency)
        found.append(Piece(x, width, number_of(other), amount, note, place))
        x += width
    left = row.amount - row.applied
    if left:
        amount = format_money(left, row.currency)
        start = _WIDTH - _WIDTH * left // whole
        found.append(Piece(start, _WIDTH - start, "", amount, "", "", is_open=True))
    return found


def _curl(seat: Seat, kind: Kind, id: str) -> str:
    return (
        f'curl "{seat.context.origin}/v1{kind.entity.path}/{id}" '
        '-H "X-Api-Key: $KEY" -H "X-Api-Secret: $SECRET"'
    )
