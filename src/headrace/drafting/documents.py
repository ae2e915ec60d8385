"""Drafts the models of invoices, credit notes and their PDFs."""

from __future__ import annotations

from headrace.drafting.answers import NEGATIVE, NONE, meant
from headrace.drafting.ground import Ground
from headrace.drafting.roles import pick
from headrace.drafting.select import Select, identifier, text
from headrace.drafting.survey import Column, Table
from headrace.drafting.vocabulary import PAID


def invoices(ground: Ground) -> str:
    """Return the model of invoices."""
    table = ground.roles.get("invoices")
    if table is None:
        return ""
    split = ground.split()
    select = _document(ground, table)
    if ground.answers.credit_notes == NEGATIVE:
        select.where(split.notes.replace(" < 0", " >= 0"))
    elif split.notes:
        select.where(split.notes.replace(" in (", " not in (", 1))
    if split.kept:
        select.where(split.kept)
    if marked := _marked(ground, table, select):
        select.add("marked_paid_at", marked)
    return select.sql()


def credit_notes(ground: Ground) -> str:
    """Return the model of credit notes: a table of their own, or some of the invoices."""
    own = ground.roles.get("credit_notes")
    if own is not None:
        return _document(ground, own, invoice=False).sql()
    if "invoices" not in ground.roles or not (split := ground.split()).notes:
        return ""
    select = _document(ground, ground.roles["invoices"], invoice=False)
    select.where(split.notes)
    if split.kept:
        select.where(split.kept)
    return select.sql()


def _document(ground: Ground, table: Table, *, invoice: bool = True) -> Select:
    select = Select(table.name)
    key = table.key or next(iter(table.columns))
    select.add("external_id", select.own(key))
    select.add("customer_external_id", ground.customer(table, select))
    amount = ground.amount_column(table)
    taken = [key, amount.name if amount else ""]
    number = pick(table, "custom_id", unlike=taken)
    customers = ground.roles.get("customers")
    if number is not None and customers is not None:
        referring = {r.column for r in ground.survey.refers(table.name, customers.name)}
        number = pick(table, "custom_id", unlike=[*taken, *referring])
    own_number = select.own(number.name if number else key)
    select.add("custom_id", own_number if number else f"{own_number}::varchar")
    issued = pick(table, "issued_at") or ground.first_date(table)
    due = pick(table, "due_date", unlike=[issued.name if issued else ""])
    select.add("issued_at", ground.day(issued, select, "the day of issue"))
    if invoice:
        select.add("due_date", _due(ground, issued, due, select))
    currency = ground.currency(table, select)
    select.add("currency", currency)
    negative = not invoice and ground.answers.credit_notes == NEGATIVE
    gross = ground.minor(amount, currency, select, negative)
    select.add("gross_amount", gross)
    net = pick(table, "net_amount", unlike=taken)
    select.add("net_amount", ground.minor(net, currency, select, negative) if net else gross)
    select.add_found("name", pick(table, "subject", unlike=taken))
    return select


def _due(ground: Ground, issued: Column | None, due: Column | None, select: Select) -> str:
    terms = ground.answers.terms
    if issued is None:
        return ground.day(due, select, "the due date")
    later = f"{ground.day(issued, select, '')}::timestamp + interval {terms} days"
    if due is None:
        return later
    own = ground.day(due, select, "")
    return f"coalesce({own}, {ground.day(issued, select, '')})" if due.nulls else own


def _marked(ground: Ground, table: Table, select: Select) -> str:
    answer = ground.answers.paid
    if answer in ("", NONE):
        return ""
    column = table.columns.get(answer)
    if column is not None and column.is_date:
        return select.own(column.name)
    issued = pick(table, "issued_at") or ground.first_date(table)
    said = meant(column.values, PAID) if column else []
    if column is None or issued is None or not (said or column.type == "BOOLEAN"):
        return ""
    own = select.own(column.name)
    test = f"{own} in ({', '.join(map(text, said))})" if said else own
    return f"case when {test} then {select.own(issued.name)} end"


def documents(ground: Ground) -> str:
    """Return the model of PDFs, where the invoices name files."""
    table = ground.roles.get("invoices")
    if table is None:
        return ""
    column = next(
        (
            c
            for c in table.columns.values()
            if c.type == "VARCHAR"
            and c.samples
            and all(sample.lower().endswith(".pdf") for sample in c.samples)
        ),
        None,
    )
    if column is None:
        return ""
    select = Select(table.name)
    notes = ground.split().notes
    select.add("entity", f"if({notes}, 'credit_note', 'invoice')" if notes else "'invoice'")
    select.add("external_id", select.own(table.key or ""))
    select.add("location", select.own(column.name))
    select.where(f"{identifier(column.name)} is not null")
    if ground.split().kept:
        select.where(ground.split().kept)
    return select.sql()
