"""The collection team's actions: the API reads them, the hub's operator creates them."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.model.collection import (
    Action,
    ActionDraft,
    Assignee,
    CarryingInvoice,
    PlanBrief,
)
from headrace.model.customer import CustomerBrief
from headrace.model.entity import INVOICE
from headrace.model.errors import NotFound
from headrace.model.invoice import Invoice
from headrace.model.resource import ACTION, DUNNING_PLAN, USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import ACTION as SQL
from headrace.store.records import counters
from headrace.store.records.customer_rows import find_customer
from headrace.store.records.directory import check_entry, find_entry, user_email
from headrace.store.records.document_rows import find_document
from headrace.store.records.page import Days, Page, Window, page_of_rows
from headrace.store.records.patch import refuse, set_or_none
from headrace.store.records.references import Address, resolve_reference

_BODY = msgspec.json.Decoder(Action)
_INVOICE = msgspec.json.Decoder(Invoice)


def make_action(db: Connection, context: Context, draft: ActionDraft) -> Action:
    """Create a reminder, task or reply. Raises BadRequest when it refers to something that does not
    exist."""
    organisation = context.organisation.seq
    customer = invoice = None
    if draft.customer is not None:
        customer = resolve_reference(
            draft.customer, lambda a: find_customer(db, context, a), "customer", "customer"
        ).seq
    if draft.carrying_invoice is not None:
        row = resolve_reference(
            draft.carrying_invoice,
            lambda a: find_document(db, context, INVOICE, a),
            "carryingInvoice",
            "invoice",
        )
        invoice, customer = row.seq, customer or row.customer
    body = _body(db, context, draft)
    text = msgspec.json.encode(body).decode()
    db.execute(SQL["insert"], (organisation, body.id, customer, invoice, text))
    counters.note_size(db, context.organisation, text)
    counters.count(db, organisation, ACTION.name, 1)
    if customer is not None:
        counters.count_other(db, organisation, ACTION.name, customer, 1)
    return read_action(db, context, Address(id=body.id))


def read_action(db: Connection, context: Context, address: Address) -> Action:
    """Return one action. Raises NotFound. Actions have no externalId."""
    row = None
    if address.id is not None:
        row = db.execute(SQL["by_id"], (address.id, context.organisation.seq)).fetchone()
    if row is None:
        raise NotFound(f"There is no action with {address}.")
    return _answer(row)


def list_actions(
    db: Connection,
    context: Context,
    window: Window,
    customer: Address | None,
    days: Days | None = None,
    kind: str | None = None,
) -> Page[Action]:
    """Return a page, newest first, of all or of one customer's; empty for an unknown customer.

    With `days` or `kind`, only of those created then or of that type. These read the whole list.
    """
    organisation = context.organisation
    name, owner, counted = "page", organisation.seq, counters.WHOLE_ORGANISATION
    if customer is not None:
        found = find_customer(db, context, customer)
        if found is None:
            return Page([], 0)
        name, owner, counted = "page_of_customer", found.seq, counters.other_key(found.seq)
    length = counters.length(db, organisation, ACTION.name, counted)
    if days is None and kind is None:
        page = page_of_rows(db, SQL, name, (owner,), window, length)
        return Page([_answer(row) for row in page.items], page.total)
    days = days or Days()
    matching = [
        action
        for row in db.execute(SQL[f"{name}_newest"], (owner, length.total, 0))
        if kind in (None, (action := _answer(row)).type) and days.contain(action.created_at)
    ]
    return Page(matching[window.offset :][: window.limit], len(matching))


def finish_actions(db: Connection, context: Context, invoice: int, kind: str) -> None:
    """Note that what an invoice's actions of this type ask for is done."""
    for seq, text in db.execute(SQL["of_invoice"], (invoice,)).fetchall():
        body = _BODY.decode(text)
        if body.type == kind and body.state == "TODO":
            done = msgspec.structs.replace(body, state="EXECUTED", updated_at=context.timestamp)
            db.execute(SQL["update"], (msgspec.json.encode(done).decode(), seq))


def remove_actions(db: Connection, context: Context, customer: int) -> None:
    """Delete the actions of a customer that is being deleted; its counter goes with the customer's
    row."""
    gone = db.execute(SQL["delete_of_customer"], (customer,)).rowcount
    if gone:
        counters.count(db, context.organisation.seq, ACTION.name, -gone)


def forget_invoice(db: Connection, invoice: int) -> None:
    """Unlink a deleted invoice from its actions; the actions stay."""
    db.execute(SQL["forget_invoice"], (invoice,))


def _body(db: Connection, context: Context, draft: ActionDraft) -> Action:
    plan = None
    if draft.dunning_plan_id is not None:
        check_entry(db, context, DUNNING_PLAN, draft.dunning_plan_id, "dunningPlanId")
        found = find_entry(db, context, DUNNING_PLAN, draft.dunning_plan_id)
        plan = PlanBrief(id=found.id, name=found.name)
    return Action(
        id=context.new_id(),
        name=draft.name,
        type=draft.type,
        state=draft.state,
        source=draft.source,
        created_at=context.timestamp,
        updated_at=context.timestamp,
        due_date=draft.due_date,
        dunning_plan=plan,
        assigned_to=[
            Assignee(email=_email_of(db, context, one, f"assignedTo[{place}]"))
            for place, one in enumerate(draft.assigned_to)
        ],
    )


def _email_of(db: Connection, context: Context, assignee: str, place: str) -> str:
    """Return the e-mail of a user, who is named by it or by the id."""
    if "@" not in assignee:
        check_entry(db, context, USER, assignee, place)
        return str(find_entry(db, context, USER, assignee).email)
    email = user_email(db, context, assignee)
    if email is None:
        refuse(place, f"no user with the e-mail {assignee} exists")
    return email


def _answer(row: Any) -> Action:
    _, body, customer_id, external_id, name, accounting_ref, *carrying = row
    customer = invoice = None
    if customer_id is not None:
        customer = CustomerBrief(
            id=customer_id,
            external_id=external_id,
            company_name=name,
            accounting_ref=accounting_ref,
        )
    invoice_id, invoice_external_id, invoice_body = carrying
    if invoice_id is not None:
        custom_id = set_or_none(_INVOICE.decode(invoice_body).custom_id)
        invoice = CarryingInvoice(
            id=invoice_id, custom_id=custom_id, external_id=invoice_external_id
        )
    return msgspec.structs.replace(_BODY.decode(body), customer=customer, carrying_invoice=invoice)
