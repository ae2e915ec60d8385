"""The page of a customer: its balance and how it comes about, its documents, its portal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from headrace.console.records.forms import ValueField, value_fields
from headrace.console.records.history import history_of
from headrace.console.records.kinds import CUSTOMERS, INVOICES, KINDS, Kind, Row, row_of, state_of
from headrace.console.session import Pages, Seat
from headrace.ledger.document import RAISES_BALANCE, ItemGroup, open_amount
from headrace.model.collection import Action
from headrace.model.customer import CustomerAnswer
from headrace.model.entity import INVOICE
from headrace.model.errors import BadRequest
from headrace.model.money import format_money
from headrace.model.portal import PortalLinkEntry
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records import counters
from headrace.store.records.actions import list_actions
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.customers import answer_customers
from headrace.store.records.notes import list_notes
from headrace.store.records.open_groups import open_groups
from headrace.store.records.page import Window
from headrace.store.records.portal_account import Family, read_family
from headrace.store.records.portal_links import (
    list_portal_links,
    revoke_portal_link,
    revoke_portal_links,
)
from headrace.store.records.record_search import SearchQuery, search_documents
from headrace.store.records.references import Address, parse_address

_DOCUMENTS = 10
_MEMBERS = 50
_LINKS = 20
_NOTES = 20
_ACTIONS = 10
_WIDTH = 100
_EXPIRY = {"1 hour": 3_600, "1 day": 86_400, "25 days": 2_160_000}
_APART = ("contacts", "customFields", "parent", "address", "paymentMethods", "balance",
    "amountDue", "amountOverdue", "countInvoicesDue", "countInvoicesOverdue")  # fmt: skip
_PARTS = (
    ("DUE", "Invoices that are due, not overdue"),
    ("OVERDUE", "Overdue invoices"),
    ("DISPUTED", "Invoices in dispute"),
    ("payment", "Payments, not applied"),
    ("credit_note", "Credit notes, not applied"),
    ("refund", "Refunds, not applied"),
)


# A float would change a number of many digits.
_VALUES = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str)


class Part(Struct, frozen=True):
    """What a kind of open documents adds to a balance."""

    label: str
    amount: str
    count: int
    share: int
    """Of the largest part, in percent."""
    lowers: bool


class Sums(Struct, frozen=True):
    """How the balance in one currency comes about."""

    currency: str
    balance: str
    parts: list[Part]


class Shown(Struct, frozen=True):
    """Everything that the page shows."""

    row: CustomerRow
    answer: CustomerAnswer
    family: Family
    sums: list[Sums]
    documents: list[tuple[Kind, int, list[Row]]]
    links: list[PortalLinkEntry]
    notes: list[Any]
    actions: list[Action]
    fields: list[ValueField]


async def customer_page(
    seat: Seat, status: int = 200, errors: dict[str, str] | None = None, url: str = ""
) -> Response:
    """The page of one customer. `url` is a new link to its portal, which is shown once."""
    shown = await seat.read(_read, seat.request.path_params["id"])
    row, answer = shown.row, shown.answer
    events = await history_of(seat, "customer", (row.id, row.external_id))
    json = msgspec.json.encode(answer)
    built = msgspec.json.decode(json, type=dict[str, Any])
    api = f"{seat.context.origin}/v1/customers/{row.id}"
    return seat.render(
        "customer.html",
        status,
        shown=shown,
        row=row,
        answer=answer,
        balance=format_money(answer.balance, answer.currency),
        overdue=format_money(answer.amount_overdue, answer.currency),
        due=format_money(answer.amount_due, answer.currency),
        facts=_facts(built),
        address=_lines(built.get("address")),
        values=[(one.label, one.value.replace("\n", ", ")) for one in shown.fields if one.value],
        members=shown.family.members[1 : _MEMBERS + 1],
        more_members=max(0, len(shown.family.members) - 1 - _MEMBERS),
        expiry=list(_EXPIRY),
        url=url,
        now=seat.context.timestamp,
        events=events,
        json=msgspec.json.format(json, indent=2).decode(),
        curl=f'curl "{api}" -H "X-Api-Key: $KEY" -H "X-Api-Secret: $SECRET"',
        errors=errors or {},
        trail=((CUSTOMERS.title, seat.at(CUSTOMERS.slug)), (row.name, "")),
    )


async def make_link(seat: Seat) -> Response:
    """Make a link to the customer's portal, and show it once."""
    row = await seat.read(_customer, seat.request.path_params["id"])
    lasts = seat.form.get("lasts", "")
    if lasts not in _EXPIRY:
        return await customer_page(seat, 400, {"lasts": "Choose how long the link lasts."})
    body: dict[str, Any] = {"expiresIn": _EXPIRY[lasts]}
    if hosts := seat.form.text("hosts"):
        body["frameAncestors"] = hosts
    path = f"{CUSTOMERS.entity.path}/{row.id}/portal"
    answer = await seat.ask("POST", f"/v1{path}", msgspec.json.encode(body))
    said = msgspec.json.decode(answer.body) if answer.body.startswith("{") else {}
    if "url" not in said:
        return await customer_page(seat, 400, {"hosts": said.get("message", "No link was made.")})
    return await customer_page(seat, url=said["url"])


async def revoke_link(seat: Seat) -> Response:
    """Revoke one link of the customer, or all."""
    row = await seat.read(_customer, seat.request.path_params["id"])
    if link := seat.form.get("link"):
        await seat.write(_revoke, row, link)
    else:
        await seat.write(revoke_portal_links, Address(id=row.id))
    return seat.redirect(seat.at(CUSTOMERS.slug, row.id) + "#portal")


CUSTOMER_PAGES: Pages = {
    "/customers/{id}": ("GET", customer_page),
    "/customers/{id}/portal": ("POST", make_link),
    "/customers/{id}/revoke": ("POST", revoke_link),
}
"""Pages by their paths below an organisation's."""


def _customer(db: Connection, context: Context, id: str) -> CustomerRow:
    return get_customer(db, context, parse_address(id.replace("\0", "")))


def _revoke(db: Connection, context: Context, row: CustomerRow, link: str) -> None:
    found = revoke_portal_link(db, context, link)
    if found.customer.id != row.id:
        raise BadRequest("This link is another customer's.")


def _read(db: Connection, context: Context, id: str) -> Shown:
    row = _customer(db, context, id)
    own = Address(id=row.id)
    family = read_family(db, context, own)
    items = open_groups(db, context, row.seq)
    held = counters.of_customer(db, context.organisation, row.seq)
    documents = []
    for kind in KINDS.values():
        count = held.get(kind.entity.name, 0)
        if kind is CUSTOMERS or not count:
            continue
        query = SearchQuery(customer=row.seq, limit=_DOCUMENTS)
        if kind is INVOICES:
            query = SearchQuery(
                customer=row.seq, limit=_DOCUMENTS, sort="due", state="OPEN", descending=False
            )
        found = search_documents(db, context, kind.entity, query).rows
        if kind is INVOICES and not found:
            query = SearchQuery(customer=row.seq, limit=_DOCUMENTS)
            found = search_documents(db, context, kind.entity, query).rows
        documents.append((kind, count, [row_of(one, context.today) for one in found]))
    answer = answer_customers(db, context, [row], {row.seq: items})[0]
    values = _VALUES.decode(msgspec.json.encode(answer.custom_fields))
    return Shown(
        row,
        answer,
        family,
        _sums(context, items),
        documents,
        list_portal_links(db, context, own)[:_LINKS],
        list_notes(db, context, own, Window(0, _NOTES))[1].items,
        list_actions(db, context, Window(0, _ACTIONS), own).items,
        value_fields(db, context, CUSTOMERS.entity, values),
    )


def _sums(context: Context, items: Sequence[ItemGroup]) -> list[Sums]:
    amounts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts: dict[tuple[str, str], int] = defaultdict(int)
    today = context.today
    for item in items:
        part = state_of(item, today) if item.entity == INVOICE.name else item.entity
        amounts[item.currency][part] += open_amount(item)
        counts[item.currency, part] += item.count
    found = []
    for currency in sorted(amounts):
        own, most = amounts[currency], max(amounts[currency].values())
        parts, balance = [], 0
        for name, label in _PARTS:
            if name not in own:
                continue
            lowers = name not in RAISES_BALANCE and name.islower()
            balance += -own[name] if lowers else own[name]
            amount = format_money(-own[name] if lowers else own[name], currency)
            share = _WIDTH * own[name] // most if most else 0
            parts.append(Part(label, amount, counts[currency, name], share, lowers))
        found.append(Sums(currency, format_money(balance, currency), parts))
    return found


def _facts(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, str(value))
        for name, value in answer.items()
        if name not in _APART and value is not None and not isinstance(value, list | dict)
    ]


def _lines(address: dict[str, Any] | None) -> str:
    parts = (address or {}).values()
    return ", ".join(str(part) for part in parts if part)
