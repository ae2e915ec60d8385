"""Customers, with their contacts and their parent."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from headrace.ledger.document import Item
from headrace.ledger.standing import Standing, customer_currency, standing
from headrace.model.contact import Contact
from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import Customer, CustomerAnswer
from headrace.model.entity import CUSTOMER
from headrace.model.errors import BadRequest
from headrace.model.reference import Reference
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOMER as SQL
from headrace.store.records import counters
from headrace.store.records.actions import remove_actions
from headrace.store.records.contacts import parse_contacts, replace_contacts
from headrace.store.records.custom_filter import Condition, page_of_owners
from headrace.store.records.custom_values import CUSTOMER as CUSTOMER_FIELDS
from headrace.store.records.custom_values import marked, read_values, remove_values, write_values
from headrace.store.records.customer_rows import (
    CustomerRow,
    customer_by_seq,
    find_customer,
    get_customer,
    page_of_customers,
)
from headrace.store.records.customer_values import check_customer_values
from headrace.store.records.notes import remove_notes
from headrace.store.records.outcome import Outcome
from headrace.store.records.page import Page, Window, refuse_large
from headrace.store.records.parents import wanted_parent
from headrace.store.records.patch import (
    check_new_external_id,
    merge,
    refuse,
    require,
    set_or_none,
)
from headrace.store.records.portal_links import remove_portal_links
from headrace.store.records.rates import converter
from headrace.store.records.references import Address, find_for_import


class StoredCustomer(Customer):
    """A customer's body as stored."""

    other_managers: list[str] | UnsetType = UNSET
    """Ids of the account managers beside `account_manager_id`."""


_BODY = msgspec.json.Decoder(StoredCustomer)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""As the databases do it, which know no other letters."""
_APART = ("id", "external_id", "parent", "contacts", "custom_fields")
"""Fields stored in columns or rows of their own. An empty `custom_fields` in the body marks that
values exist."""


def read_customer(db: Connection, context: Context, address: Address) -> CustomerAnswer:
    """Return one customer as answered."""
    return answer_customers(db, context, [get_customer(db, context, address)])[0]


def list_customers(
    db: Connection,
    context: Context,
    window: Window,
    conditions: Sequence[Condition] = (),
    name: str | None = None,
) -> Page[CustomerAnswer]:
    """Return a page, newest first, of all customers or of those that meet the conditions and have
    `name` within their name, whatever the case of the letters a to z."""
    if name is None and not conditions:
        page = page_of_customers(db, context, window)
        return Page(answer_customers(db, context, page.items), page.total)
    if name is None:
        owners = page_of_owners(db, context, window, conditions)
    else:
        owners = _page_of_named(db, context, window, conditions, name)
    rows: list[CustomerRow] = []

    def sizes() -> Iterator[int]:
        for seq in owners.items:
            rows.append(customer_by_seq(db, seq))
            yield len(rows[-1].contacts) + len(rows[-1].body)

    refuse_large(sizes())
    # One by one: the rows between two matches may be the rest of the organisation.
    return Page([answer_customers(db, context, [row])[0] for row in rows], owners.total)


def import_customer(db: Connection, context: Context, record: Customer) -> Outcome:
    """Create or update a customer, matched by externalId, else by id."""
    present = find_for_import(
        record.external_id, record.id, lambda a: find_customer(db, context, a), "customer"
    )
    if present is not None:
        return _change(db, context, present, record)
    require(CUSTOMER, record)
    return _create(db, context, record)


def make_customer(db: Connection, context: Context, record: Customer) -> CustomerAnswer:
    """Create a customer as people do in Upflow's interface, which needs a name alone."""
    if not isinstance(record.name, str):
        refuse("name", "is required")
    answer = _create(db, context, record).answer
    assert isinstance(answer, CustomerAnswer)
    return answer


def put_customer(db: Connection, context: Context, address: Address, record: Customer) -> Outcome:
    """Change the fields that the record carries."""
    present = get_customer(db, context, address)
    if record.id not in (UNSET, present.id):
        refuse("id", f"{present.label} has another id, and an id never changes")
    return _change(db, context, present, record)


def delete_customer(db: Connection, context: Context, address: Address) -> CustomerRow:
    """Delete a customer. Raises BadRequest, naming what it still has, while it has documents or
    children."""
    row = get_customer(db, context, address)
    held = counters.of_customer(db, context.organisation, row.seq)
    children = db.execute(SQL["count_children"], (row.seq,)).fetchone()[0]
    if children:
        held["child customer"] = children
    if held:
        parts = [f"{count} {_plural(noun, count)}" for noun, count in held.items()]
        raise BadRequest(
            f"{_capital(row.label)} still has {' and '.join(parts)}: delete them first."
        )
    counters.forget_customer(db, context.organisation, row.seq)
    if _BODY.decode(row.body).custom_fields is not UNSET:
        remove_values(db, context, CUSTOMER_FIELDS, row.seq)
    remove_actions(db, context, row.seq)
    remove_notes(db, row.seq)
    remove_portal_links(db, row.seq)
    db.execute(SQL["delete"], (row.seq,))
    counters.count_customer(db, context.organisation, -1)
    return row


def store_contacts(
    db: Connection, context: Context, row: CustomerRow, contacts: list[Contact]
) -> None:
    """Store a customer's complete list of contacts."""
    text = msgspec.json.encode(contacts).decode()
    db.execute(SQL["update_contacts"], (text, context.timestamp, row.seq))
    counters.note_size(db, context.organisation, text, row.body)


def answer_customers(
    db: Connection,
    context: Context,
    rows: list[CustomerRow],
    known: Mapping[int, Sequence[Item]] | None = None,
) -> list[CustomerAnswer]:
    """Build answers, with the figures that follow from the customers' documents; in the order
    given. `known` are the open documents by the customer's number, if they have been read."""
    if not rows:
        return []
    first = min(row.seq for row in rows)
    last = max(row.seq for row in rows)
    organisation = context.organisation
    open_documents = known if known is not None else _open_documents(db, context, first, last)
    currencies = counters.currencies(db, organisation, first, last)
    bodies = [_BODY.decode(row.body) for row in rows]
    values: dict[int, list[CustomFieldValue]] = {}
    if any(body.custom_fields is not UNSET for body in bodies):
        values = read_values(db, context, CUSTOMER_FIELDS, first, last)
    answers = []
    convert = None
    for row, body in zip(rows, bodies, strict=True):
        currency = customer_currency(currencies.get(row.seq, ()), organisation.currency)
        documents = open_documents.get(row.seq, ())
        if convert is None and any(document.currency != currency for document in documents):
            convert = converter(db, context)
        figures = standing(documents, currency, context.today, convert)
        answers.append(_answer(row, body, figures, values.get(row.seq, [])))
    return answers


def _open_documents(
    db: Connection, context: Context, first: int, last: int
) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    organisation = context.organisation.seq
    parameters = (organisation, first, last, organisation, first, last)
    for customer, *item in db.execute(SQL["open_documents_of_page"], parameters):
        found.setdefault(customer, []).append(Item(*item))
    return found


def _page_of_named(
    db: Connection,
    context: Context,
    window: Window,
    conditions: Sequence[Condition],
    name: str,
) -> Page[int]:
    part = re.sub(r"[%_\\]", r"\\\g<0>", name).translate(_LOWER)
    named: list[int] = [
        seq for (seq,) in db.execute(SQL["named"], (context.organisation.seq, f"%{part}%"))
    ]
    if conditions and named:
        every = Window(0, max(named))
        meeting = set(page_of_owners(db, context, every, conditions).items)
        named = [seq for seq in named if seq in meeting]
    return Page(named[window.offset :][: window.limit], len(named))


def _answer(
    row: CustomerRow, body: StoredCustomer, figures: Standing, values: list[CustomFieldValue]
) -> CustomerAnswer:
    parent = None
    if row.parent_id is not None:
        parent = Reference(id=row.parent_id, external_id=row.parent_external_id or UNSET)
    said = {name: set_or_none(getattr(body, name)) for name in Customer.__struct_fields__}
    return CustomerAnswer(
        **{
            **said,
            "id": row.id,
            "external_id": row.external_id,
            "name": row.name,
            "accounting_ref": row.accounting_ref,
            "parent": parent,
            "custom_fields": values,
            "contacts": parse_contacts(row.contacts),
        },
        balance=figures.balance,
        amount_due=figures.due,
        amount_overdue=figures.overdue,
        count_invoices_due=figures.count_due,
        count_invoices_overdue=figures.count_overdue,
        currency=figures.currency,
    )


def _create(db: Connection, context: Context, record: Customer) -> Outcome:
    check_customer_values(db, context, record)
    parent = wanted_parent(db, context, None, record)
    wanted = [] if isinstance(record.contacts, msgspec.UnsetType) else record.contacts
    contacts = replace_contacts(db, context, [], wanted)
    body = marked(merge(StoredCustomer(), record, leave=_APART), record.custom_fields)
    external_id = check_new_external_id("", None, record.external_id)
    now = context.timestamp
    texts = [msgspec.json.encode(part).decode() for part in (contacts, body)]
    values = (
        context.organisation.seq,
        context.new_id(),
        external_id,
        parent,
        body.name,
        set_or_none(body.accounting_ref),
        now,
        now,
        *texts,
    )
    (seq,) = db.execute(SQL["insert"], values).fetchone()
    counters.count_customer(db, context.organisation, 1)
    counters.note_size(db, context.organisation, *texts)
    if record.custom_fields:
        write_values(db, context, CUSTOMER_FIELDS, seq, record.custom_fields)
    return _outcome(db, context, seq, created=True)


def _change(db: Connection, context: Context, row: CustomerRow, record: Customer) -> Outcome:
    check_customer_values(db, context, record)
    parent = row.parent
    if record.parent is not UNSET:
        parent = wanted_parent(db, context, row, record)
    contacts = row.contacts
    if not isinstance(record.contacts, msgspec.UnsetType):
        kept = replace_contacts(db, context, parse_contacts(row.contacts), record.contacts)
        contacts = msgspec.json.encode(kept).decode()
    body = marked(merge(_BODY.decode(row.body), record, leave=_APART), record.custom_fields)
    text = msgspec.json.encode(body).decode()
    values = (
        check_new_external_id(row.label, row.external_id, record.external_id),
        parent,
        body.name,
        set_or_none(body.accounting_ref),
        context.timestamp,
        contacts,
        text,
        row.seq,
    )
    db.execute(SQL["update"], values)
    counters.note_size(db, context.organisation, contacts, text)
    if record.custom_fields:
        write_values(db, context, CUSTOMER_FIELDS, row.seq, record.custom_fields)
    return _outcome(db, context, row.seq, created=False)


def _outcome(db: Connection, context: Context, seq: int, *, created: bool) -> Outcome:
    row = customer_by_seq(db, seq)
    answer = answer_customers(db, context, [row])[0]
    return Outcome(answer, created, row.external_id, row.external_id)


def customer_body(row: CustomerRow) -> StoredCustomer:
    """Build the stored body: the record's fields that have no column or row of their own."""
    return _BODY.decode(row.body)


def store_body(db: Connection, context: Context, row: CustomerRow, body: StoredCustomer) -> None:
    """Store a changed body."""
    text = msgspec.json.encode(body).decode()
    db.execute(SQL["update_body"], (text, context.timestamp, row.seq))


def _plural(noun: str, count: int) -> str:
    noun = noun.replace("_", " ")
    return noun if count == 1 else f"{noun}s"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
