"""What people make for an organisation and the API does not: positions, custom fields, dunning
plans, users, bank accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Struct

from headrace.console.inputs import Input, check_answer
from headrace.console.session import Seat
from headrace.model.entity import Entity
from headrace.model.resource import BANK_ACCOUNT, DUNNING_PLAN, USER
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.custom_fields import list_fields
from headrace.store.records.directory import list_entries
from headrace.store.records.organisations import position_names
from headrace.store.records.page import Window

_SHOWN = 500
_DATA_TYPES = ("TEXT", "NUMBER", "DATE", "BOOLEAN", "SELECT", "MULTI_SELECT")
_ENTITY_TYPES = ("CUSTOMER", "CONTACT", "INVOICE", "CREDIT_NOTE", "PAYMENT")


class Entry(Struct, frozen=True):
    """An entry of a section: its id, and a text for each column."""

    id: str
    cells: tuple[str, ...]


class Section(Struct, frozen=True):
    """A list with a form that adds to it."""

    slug: str
    title: str
    noun: str
    about: str
    columns: tuple[str, ...]
    inputs: tuple[Input, ...]
    read: Callable[[Connection, Context], list[Entry]]
    make: Callable[[Seat, dict[str, Any]], Awaitable[None]]
    remove: Callable[[Seat, str], Awaitable[None]]


def _made_by(path: str) -> Callable[[Seat, dict[str, Any]], Awaitable[None]]:
    async def make(seat: Seat, body: dict[str, Any]) -> None:
        await seat.operate("POST", path, body)

    return make


def _removed_by(path: str) -> Callable[[Seat, str], Awaitable[None]]:
    async def remove(seat: Seat, id: str) -> None:
        await seat.operate("DELETE", f"{path}/{quote(id, safe='')}")

    return remove


async def _make_field(seat: Seat, body: dict[str, Any]) -> None:
    await _asked(seat, "POST", "/v1/custom_fields", msgspec.json.encode(body))


async def _remove_field(seat: Seat, id: str) -> None:
    await _asked(seat, "DELETE", f"/v1/custom_fields/{quote(id, safe='')}")


async def _asked(seat: Seat, method: str, path: str, body: bytes = b"") -> None:
    check_answer(await seat.ask(method, path, body))


def _positions(db: Connection, context: Context) -> list[Entry]:
    return [Entry(name, (name,)) for name in position_names(db, context.organisation)]


def _fields(db: Connection, context: Context) -> list[Entry]:
    found = []
    for one in list_fields(db, context, Window(0, _SHOWN)).items:
        values = [] if one.select_values is UNSET else [value.label for value in one.select_values]
        external = one.external_id if isinstance(one.external_id, str) else ""
        texts = (one.label, one.entity_type, one.data_type, ", ".join(values), external, one.id)
        found.append(Entry(one.id, texts))
    return found


def _entries(entity: Entity, *names: str) -> Callable[[Connection, Context], list[Entry]]:
    def read(db: Connection, context: Context) -> list[Entry]:
        rows: list[Any] = list_entries(db, context, entity, Window(0, _SHOWN)).items
        return [Entry(one.id, tuple(getattr(one, name) or "" for name in names)) for one in rows]

    return read


def _choice(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, one) for one in values)


SECTIONS = {
    one.slug: one
    for one in (
        Section(
            "positions", "Contact positions", "position",
            "What contacts do. The API refuses a contact whose position is not in this list.",
            ("Name",),
            (Input("name", "Name", required=True),),
            _positions, _made_by("/positions"), _removed_by("/positions"),
        ),
        Section(
            "fields", "Custom fields", "custom field",
            "The API assigns values to customers and invoices; people assign those of payments and "
            "credit notes, on the page of each. Values of a select are added by their first use.",
            ("Label", "Of", "Type", "Values", "External id", "Id"),
            (
                Input("label", "Label", required=True),
                Input("entityType", "Of", "select", options=_choice(*_ENTITY_TYPES),
                    required=True),
                Input("dataType", "Type", "select", options=_choice(*_DATA_TYPES), required=True),
                Input("externalId", "External id"),
                Input("description", "Description", length=1_000),
            ),
            _fields, _make_field, _remove_field,
        ),
        Section(
            "plans", "Dunning plans", "dunning plan",
            "The API assigns customers to plans, and makes none.",
            ("Name", "Mode", "Of", "Id"),
            (
                Input("name", "Name", required=True),
                Input("mode", "Mode", "select", options=_choice("AUTOMATIC", "MANUAL")),
                Input("entity", "Of", "select", options=_choice("CUSTOMER", "INVOICE")),
            ),
            _entries(DUNNING_PLAN, "name", "mode", "entity", "id"),
            _made_by("/dunning_plans"), _removed_by("/dunning_plans"),
        ),
        Section(
            "users", "Users", "user",
            "Members of the team: account managers of customers, and who actions are for. They do "
            "not sign in here.",
            ("E-mail", "First name", "Last name", "Position", "Id"),
            (
                Input("email", "E-mail", "email", required=True),
                Input("firstName", "First name"),
                Input("lastName", "Last name"),
                Input("position", "Position"),
            ),
            _entries(USER, "email", "first_name", "last_name", "position", "id"),
            _made_by("/users"), _removed_by("/users"),
        ),
        Section(
            "accounts", "Bank accounts", "bank account",
            "What customers pay into. The portal shows the one that its settings name.",
            ("Name", "IBAN", "BIC", "Currency", "Id"),
            (
                Input("name", "Name", required=True),
                Input("iban", "IBAN", length=34),
                Input("bic", "BIC", length=11),
                Input("currency", "Currency", hint="Such as EUR.", length=3),
            ),
            _entries(BANK_ACCOUNT, "name", "iban", "bic", "currency", "id"),
            _made_by("/bank_accounts"), _removed_by("/bank_accounts"),
        ),
    )
}  # fmt: skip
"""All sections, by their part of an address."""
