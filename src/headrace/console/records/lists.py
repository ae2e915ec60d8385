"""Lists of customers, documents and payments, as pages and as CSV."""

from __future__ import annotations

import functools
import io
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

from msgspec import UnsetType
from starlette.responses import Response, StreamingResponse

from headrace.console.records.kinds import (
    CUSTOMERS,
    KINDS,
    STATE_WORDS,
    Kind,
    number_of,
    row_of,
    state_of,
)
from headrace.console.records.wanted import Wanted, mark_text, wanted_of
from headrace.console.session import Pages, Seat
from headrace.ledger.document import open_amount
from headrace.model.csv_text import CsvTable
from headrace.model.customer import CustomerAnswer
from headrace.model.money import decimal_text, format_money
from headrace.pages.policy import download_headers
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.customers import answer_customers
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.open_groups import open_groups
from headrace.store.records.record_search import (
    FoundPage,
    Mark,
    search_customers,
    search_documents,
)
from headrace.store.records.references import parse_address

Cells: TypeAlias = tuple[str | int | None, ...]

_CSV_ROWS = 500
_CUSTOMER_COLUMNS = (
    "id", "externalId", "name", "accountingRef", "parent", "currency", "balance", "due", "overdue",
    "email",
)  # fmt: skip
_DOCUMENT_COLUMNS = (
    "id", "externalId", "number", "customerId", "customerExternalId", "customer", "date",
    "dueDate", "currency", "amount", "open", "state",
)  # fmt: skip
_DOCUMENT_HEADS = (
    ("Number", "", ""),
    ("Customer", "", ""),
    ("Date", "date", ""),
    ("Due", "due", ""),
    ("Amount", "amount", "number"),
    ("Open", "", "number"),
    ("State", "", ""),
)
_CUSTOMER_HEADS = (
    ("Name", "name", ""),
    ("Parent", "", ""),
    ("Balance", "", "number"),
    ("Due, not overdue", "", "number"),
    ("Overdue", "", "number"),
    ("Open invoices", "", "number"),
)


async def list_page(kind: Kind, seat: Seat) -> Response:
    """A page of a list."""
    wanted = wanted_of(kind, seat.request.query_params)
    rows, found, owner = await seat.read(_read, kind, wanted)
    here = functools.partial(seat.at, kind.slug)
    return seat.render(
        "list.html",
        kind=kind,
        wanted=wanted,
        rows=rows,
        found=found,
        owner=owner,
        heads=_heads(kind, wanted, here),
        more=here(**wanted.parameters(after=mark_text(found.next))) if found.next else "",
        start=here(**wanted.parameters()),
        csv=seat.at(f"{kind.slug}.csv", **wanted.parameters()),
        trail=((kind.title, ""),),
    )


async def list_csv(kind: Kind, seat: Seat) -> Response:
    """The whole list as CSV, part by part."""
    wanted = wanted_of(kind, seat.request.query_params)
    name = f"{seat.name} {kind.slug} {seat.context.today}.csv"
    headers = download_headers(name)
    # What can't be read is refused before the file begins.
    first = await seat.read(_lines, kind, wanted)
    return StreamingResponse(
        _csv(kind, wanted, seat, first), media_type="text/csv; charset=utf-8", headers=headers
    )


def list_pages() -> Pages:
    """Return the pages by their paths below an organisation's."""
    found: Pages = {}
    for slug, kind in KINDS.items():
        found[f"/{slug}"] = ("GET", functools.partial(list_page, kind))
        found[f"/{slug}.csv"] = ("GET", functools.partial(list_csv, kind))
    return found


def customer_cells(db: Connection, context: Context, row: CustomerRow) -> dict[str, Any]:
    """Return a customer as a row of a list."""
    one = answer_customers(db, context, [row], {row.seq: open_groups(db, context, row.seq)})[0]
    return {
        "id": row.id,
        "name": row.name,
        "external_id": row.external_id or "",
        "parent": row.parent_external_id or row.parent_id or "",
        "parent_id": row.parent_id or "",
        "balance": format_money(one.balance, one.currency),
        "due": format_money(one.amount_due, one.currency),
        "overdue": format_money(one.amount_overdue, one.currency),
        "is_overdue": one.amount_overdue > 0,
        "open": one.count_invoices_due + one.count_invoices_overdue,
    }


def _read(
    db: Connection, context: Context, kind: Kind, wanted: Wanted
) -> tuple[list[Any], FoundPage[Any], CustomerRow | None]:
    if kind is CUSTOMERS:
        customers = search_customers(db, context, wanted.query(0))
        return [customer_cells(db, context, one) for one in customers.rows], customers, None
    owner = None
    if wanted.customer:
        owner = get_customer(db, context, parse_address(wanted.customer))
    query = wanted.query(owner.seq if owner else 0)
    documents = search_documents(db, context, kind.entity, query)
    return [row_of(one, context.today) for one in documents.rows], documents, owner


def _heads(kind: Kind, wanted: Wanted, here: Callable[..., str]) -> list[tuple[str, str, str, str]]:
    """Return title, address, order and class of each column."""
    found = []
    now = wanted.sort or wanted.usual_sort
    columns = _CUSTOMER_HEADS if kind is CUSTOMERS else _DOCUMENT_HEADS
    for title, sort, style in columns:
        sorts = sort and (sort != "due" or wanted.usual_sort == "due")
        if not sorts:
            found.append((title, "", "", style))
            continue
        is_here, down = now.removeprefix("-") == sort, now.startswith("-")
        turned = sort if is_here and down else f"-{sort}"
        if not is_here and sort in ("name", "due"):
            turned = sort
        order = ("descending" if down else "ascending") if is_here else ""
        found.append((title, here(**wanted.parameters(sort=turned)), order, style))
    return found


async def _csv(
    kind: Kind, wanted: Wanted, seat: Seat, first: tuple[list[Cells], Mark | None]
) -> AsyncIterator[bytes]:
    columns = _CUSTOMER_COLUMNS if kind is CUSTOMERS else _DOCUMENT_COLUMNS
    out = io.StringIO()
    table = CsvTable(out, columns)
    yield b"\xef\xbb\xbf"
    after, (lines, mark) = wanted, first
    while True:
        table.add_all(lines)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
        if mark is None:
            return
        after = _after(after, mark)
        lines, mark = await seat.read(_lines, kind, after)


def _after(wanted: Wanted, mark: Mark) -> Wanted:
    fields = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    return Wanted(**{**fields, "after": mark})


def _lines(
    db: Connection, context: Context, kind: Kind, wanted: Wanted
) -> tuple[list[Cells], Mark | None]:
    if kind is CUSTOMERS:
        customers = search_customers(db, context, wanted.query(0, _CSV_ROWS))
        answers = (answer_customers(db, context, [one])[0] for one in customers.rows)
        return list(map(_customer_line, answers)), customers.next
    owner = 0
    if wanted.customer:
        owner = get_customer(db, context, parse_address(wanted.customer)).seq
    found = search_documents(db, context, kind.entity, wanted.query(owner, _CSV_ROWS))
    return list(_document_lines(context, found.rows)), found.next


def _customer_line(one: CustomerAnswer) -> Cells:
    parent = one.parent.external_id or one.parent.id if one.parent else None
    contacts = [] if isinstance(one.contacts, UnsetType) else one.contacts
    main = next((contact.email for contact in contacts if contact.is_main), None)
    sums = (one.balance, one.amount_due, one.amount_overdue)
    texts = (one.id, one.external_id, one.name, one.accounting_ref, parent, one.currency)
    money = (decimal_text(amount, one.currency) for amount in sums)
    return tuple(text if isinstance(text, str) else None for text in (*texts, *money, main))


def _document_lines(context: Context, rows: list[DocumentRow]) -> Iterator[Cells]:
    for row in rows:
        yield (
            row.id,
            row.external_id,
            number_of(row),
            row.customer_id,
            row.customer_external_id,
            row.customer_name,
            (row.dated or "")[:10],
            (row.due_date or "")[:10],
            row.currency,
            decimal_text(row.amount, row.currency),
            decimal_text(open_amount(row), row.currency),
            STATE_WORDS[state_of(row, context.today)],
        )
