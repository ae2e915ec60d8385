"""A statement of account as CSV for a spreadsheet, or as PDF to read and file."""

from __future__ import annotations

import functools
import io
from datetime import date

from anyio import to_thread

from headrace.model.csv_text import CsvTable
from headrace.model.money import decimal_text
from headrace.pages.policy import file_name
from headrace.portal.statement_pdf import HAS_PDF, Heading, statement_pdf
from headrace.portal.visit import Visit
from headrace.portal.wanted import wanted_of
from headrace.store.connection import Connection
from headrace.store.records.account_statement import CurrencyStatement, read_account_statement
from headrace.store.records.portal_account import Family, read_family


async def statement_file(
    visit: Visit, first: date, last: date, kind: str
) -> tuple[bytes, str, str] | None:
    """Return a statement's content, media type and file name; None for an unknown kind, and for PDF
    without the extra that makes it."""
    if kind not in ("csv", "pdf") or (kind == "pdf" and not HAS_PDF):
        return None
    family, found = await visit.store.scan(_read, visit, first, last)
    customer = family.chosen.name if family.chosen else family.head.name
    name = file_name(f"{customer} {first} {last}.{kind}")
    if kind == "csv":
        made = await to_thread.run_sync(functools.partial(_csv, visit, found))
        return made, "text/csv; charset=utf-8", name
    heading = Heading(
        seller=visit.seller,
        customer=customer,
        first=visit.reader.date(first.isoformat()),
        last=visit.reader.date(last.isoformat()),
    )
    made = await to_thread.run_sync(functools.partial(statement_pdf, heading, found, visit.reader))
    return made, "application/pdf", name


def _read(
    db: Connection, visit: Visit, first: date, last: date
) -> tuple[Family, list[CurrencyStatement]]:
    wanted = wanted_of(visit.request.query_params)
    family = read_family(db, visit.context, visit.door.customer, wanted.customer or None)
    return family, read_account_statement(db, family, first, last)


def _csv(visit: Visit, found: list[CurrencyStatement]) -> bytes:
    """Return plain decimals with a point and ISO dates, for programs; headings in the reader's
    language, and the mark by which spreadsheets know UTF-8."""
    say = visit.reader.say
    out = io.StringIO()
    names = ("date", "kind", "number", "whose", "due", "currency", "debit", "credit", "balance")
    table = CsvTable(out, [say(name) for name in names])
    for statement in found:
        currency = statement.currency
        balance = decimal_text(statement.opening, currency)
        table.add(["", say("opening"), "", "", "", currency, "", "", balance])
        for line in statement.lines:
            amount = decimal_text(abs(line.amount), currency)
            sides = (amount, "") if line.amount >= 0 else ("", amount)
            kind = say(f"kind_{line.entity}")
            table.add(
                [line.day, kind, line.number, line.customer, line.due or "", currency, *sides,
                 decimal_text(line.balance, currency)]
            )  # fmt: skip
        balance = decimal_text(statement.closing, currency)
        table.add(["", say("closing"), "", "", "", currency, "", "", balance])
    return ("\N{ZERO WIDTH NO-BREAK SPACE}" + out.getvalue()).encode()
