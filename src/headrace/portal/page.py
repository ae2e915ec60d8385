"""The pages of the portal, for anyone with a customer's link."""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import Route

from headrace.model.entity import PAYMENT
from headrace.model.errors import NotFound
from headrace.model.money import EXPONENTS
from headrace.model.portal import COMMENT_MAX, REASONS
from headrace.pages.policy import download_headers
from headrace.portal.overview import (
    HISTORY_ROWS,
    Overview,
    choices,
    number_of,
    read_history,
    read_overview,
)
from headrace.portal.selection import (
    SELECTED_MAX,
    Choice,
    Selected,
    answer_selected,
    choice_of,
    customer_reference,
    dispute_of,
    parse_day,
    part_of,
    pay_selected,
    promise_of,
    read_selected,
)
from headrace.portal.statement_files import statement_file
from headrace.portal.statement_pdf import HAS_PDF
from headrace.portal.transfer import Transfer, qr_code
from headrace.portal.visit import Page, Visit, receive
from headrace.portal.wanted import PAGE_ROWS, Wanted, wanted_of
from headrace.store.admin.frozen_clock import Times
from headrace.store.connection import Connection
from headrace.store.engine.interface import Store
from headrace.store.records.document_rows import find_document
from headrace.store.records.portal_account import read_family
from headrace.store.records.portal_answers import Said
from headrace.store.records.portal_logo import read_logo
from headrace.store.records.portal_settings import read_file
from headrace.store.records.references import Address

_PERIOD = timedelta(days=365)
_DONE = ("dispute", "promise")
_RECEIPTS_MAX = 20


class Receipt(Struct, frozen=True):
    """A payment that was made."""

    sum: str
    reference: str


async def overview(
    visit: Visit, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """What the customer owes, and all that can be done about it."""
    wanted = wanted_of(visit.request.query_params)
    found = await visit.store.scan(read_overview, visit, wanted)
    await visit.note("overview")
    today = visit.context.today
    start = (today - _PERIOD).isoformat()
    given = visit.request.query_params
    done = given.get("done", "")
    return visit.render(
        "overview.html",
        status,
        page=found,
        options=choices(found, visit.reader),
        parameters=wanted.parameters(),
        pages=_pages(visit, "", wanted, found.first, PAGE_ROWS, found.found),
        transfers=[(one, _qr(visit, one)) for one in _whole_transfers(visit, found)],
        date=visit.reader.date(visit.context.timestamp),
        period=(given.get("from") or start, given.get("to") or today.isoformat()),
        errors=errors or {},
        done=done if done in _DONE else "",
        promised=_day(visit, given.get("day", "")),
        exponents=EXPONENTS,
        has_pdf=HAS_PDF,
    )


async def history(visit: Visit) -> Response:
    """Everything that is settled."""
    wanted = wanted_of(visit.request.query_params)
    rows, first, count = await visit.store.scan(read_history, visit, wanted)
    await visit.note("history")
    pages = _pages(visit, "history", wanted, first, HISTORY_ROWS, count)
    return visit.render("history.html", rows=rows, pages=pages, parameters=wanted.parameters())


async def selection(visit: Visit) -> Response:
    """The invoices that were selected, with their total, and what can be done with them."""
    choice = choice_of(visit.request.query_params)
    return await _show_selection(visit, choice)


async def statement(visit: Visit) -> Response:
    """A statement of account as a file."""
    given = visit.request.query_params
    first, last = parse_day(given.get("from", "")), parse_day(given.get("to", ""))
    if first is None or last is None or first > last:
        return await overview(visit, 400, {"period": "error_period"})
    made = await statement_file(visit, first, last, given.get("format", ""))
    if made is None:
        raise NotFound("There is no such format.")
    await visit.note("statement")
    content, media_type, name = made
    return Response(content, media_type=media_type, headers=download_headers(name))


async def shared_file(visit: Visit) -> Response:
    """A document that the organisation shares with its customers."""
    file = visit.request.path_params["file"]
    name, content = await visit.store.read(read_file, visit.context, file)
    await visit.note("document")
    if not name.lower().endswith(".pdf"):
        name += ".pdf"
    return Response(content, media_type="application/pdf", headers=download_headers(name))


async def logo(visit: Visit) -> Response:
    """The organisation's logo."""
    found = await visit.store.read(read_logo, visit.context)
    if found is None:
        raise NotFound("There is no logo.")
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=600",
        "Referrer-Policy": "no-referrer",
    }
    return Response(found.content, media_type=found.media_type, headers=headers)


async def pay(visit: Visit) -> Response:
    """Pay the selection by card, with the hub's own pretended processor."""
    processor = visit.settings.payments
    if processor == "off":
        raise NotFound("Nobody can pay by card here.")
    choice = choice_of(visit.form)
    if processor == "failing":
        await visit.note("payment failed")
        return await _show_selection(visit, choice, 402, {"pay": "failed"})
    shown, part = visit.form.text("shown"), None
    if "part" in visit.form:
        text = visit.form.text("part")
        part = part_of(text, shown) if visit.settings.partial else None
        selected: Selected = await visit.store.scan(read_selected, visit, choice)
        if part is None or len(selected.documents) != 1:
            return await _show_selection(visit, choice, 400, {"part": "error_part"})
    made = await _write(visit, pay_selected, visit, choice, shown, part)
    if made is None:
        return await _show_selection(visit, choice, 409, {"pay": "error_changed"})
    await visit.note("payment")
    return visit.redirect(visit.address("receipt", payment=",".join(made)))


async def receipt(visit: Visit) -> Response:
    """The payments that were just made."""
    ids = visit.request.query_params.get("payment", "").split(",")[:_RECEIPTS_MAX]
    paid = await visit.store.read(_receipts, visit, ids)
    if not paid:
        raise NotFound("There is no such payment.")
    return visit.render("receipt.html", paid=paid)


async def dispute(visit: Visit) -> Response:
    """Dispute the selection."""
    if not visit.settings.disputes:
        raise NotFound("Nothing can be disputed here.")
    said, errors = dispute_of(visit.form)
    return await _answer(visit, said, errors)


async def promise(visit: Visit) -> Response:
    """Promise to pay the selection."""
    if not visit.settings.promises:
        raise NotFound("Nothing can be promised here.")
    said, errors = promise_of(visit.form, visit.context.today)
    return await _answer(visit, said, errors)


PAGES: dict[str, tuple[str, Page]] = {
    "/portal/{token}": ("GET", overview),
    "/portal/{token}/history": ("GET", history),
    "/portal/{token}/selection": ("GET", selection),
    "/portal/{token}/statement": ("GET", statement),
    "/portal/{token}/receipt": ("GET", receipt),
    "/portal/{token}/files/{file}": ("GET", shared_file),
    "/portal/{token}/logo": ("GET", logo),
    "/portal/{token}/pay": ("POST", pay),
    "/portal/{token}/dispute": ("POST", dispute),
    "/portal/{token}/promise": ("POST", promise),
}
"""Each page by its path. All check the token, and those behind a form where it comes from."""


def portal_routes(store: Store, times: Times) -> list[Route]:
    """Return the routes of the portal; the token in the path is the only credential."""
    return [
        Route(path, receive(store, times, page, form=method == "POST"), methods=[method])
        for path, (method, page) in PAGES.items()
    ]


async def _answer(visit: Visit, said: Said, errors: dict[str, str]) -> Response:
    choice = choice_of(visit.form)
    if errors:
        return await _show_selection(visit, choice, 400, errors)
    if not await _write(visit, answer_selected, visit, choice, said):
        return await _show_selection(visit, choice, 409, {"selection": "error_none_selected"})
    kind = said.kind.lower()
    await visit.note(kind)
    parameters = {"done": kind, "customer": choice.wanted.customer}
    if said.promised_for:
        parameters["day"] = said.promised_for
    return visit.redirect(visit.address(**parameters))


async def _show_selection(
    visit: Visit, choice: Choice, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    selected: Selected = await visit.store.scan(read_selected, visit, choice)
    errors = dict(errors or {})
    if not selected.documents:
        errors, status = {"selection": "error_none_selected"}, 400 if status == 200 else status
    elif len(selected.documents) > SELECTED_MAX:
        errors, status = {"selection": "error_many"}, 400
    today = visit.context.today
    return visit.render(
        "selection.html",
        status,
        selected=selected,
        usable="selection" not in errors,
        errors=errors,
        limits={"error_many": SELECTED_MAX, "error_comment": COMMENT_MAX},
        comment_max=COMMENT_MAX,
        transfers=[(one, _qr(visit, one)) for one in selected.transfers],
        reasons=[(one, visit.reader.say(f"reason_{one}")) for one in REASONS],
        form=visit.form,
        days=(today.isoformat(), date(today.year + 1, today.month, min(today.day, 28)).isoformat()),
        proof=visit.proof(),
    )


def _day(visit: Visit, text: str) -> str:
    day = parse_day(text)
    return visit.reader.date(day.isoformat()) if day else ""


async def _write(visit: Visit, run: Any, *arguments: Any) -> Any:
    return await visit.store.write(visit.door.organisation.seq, run, *arguments)


def _receipts(db: Connection, visit: Visit, ids: list[str]) -> list[Receipt]:
    family = read_family(db, visit.context, visit.door.customer)
    members = {member.seq for member in family.members}
    found = []
    for id in ids:
        row = find_document(db, visit.context, PAYMENT, Address(id=id.replace("\0", "")))
        if row is not None and row.customer in members:
            paid = visit.reader.money(row.amount, row.currency)
            found.append(Receipt(paid, number_of(row)))
    return found


def _whole_transfers(visit: Visit, found: Overview) -> list[Transfer]:
    """Return one transfer per currency of all that is outstanding."""
    if found.account is None:
        return []
    reference = customer_reference(found.family)
    return [
        Transfer(visit.seller, found.account, total.outstanding, total.currency, reference)
        for total in found.totals
        if total.outstanding > 0
    ]


def _qr(visit: Visit, transfer: Transfer) -> dict[str, Any]:
    amount = visit.reader.money(transfer.amount, transfer.currency)
    return {"amount": amount, "code": qr_code(transfer, visit.reader.say("qr", amount=amount))}


def _pages(
    visit: Visit, page: str, wanted: Wanted, first: int, rows: int, count: int
) -> dict[str, str]:
    """Return the addresses of the neighbouring pages, and the text between them."""
    number = (first - 1) // rows + 1
    address = functools.partial(visit.address, page, **wanted.parameters())
    last = min(first + rows - 1, count)
    return {
        "previous": address(page=str(number - 1)) if number > 1 else "",
        "next": address(page=str(number + 1)) if last < count else "",
        "range": visit.reader.say("range", first=first if count else 0, last=last, n=count),
    }
