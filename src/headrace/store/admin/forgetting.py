"""Erases a person's data from the hub's database on request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.entity import BY_NAME
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT
from headrace.store.records.customer_rows import CustomerRow, find_customer
from headrace.store.records.customers import delete_customer
from headrace.store.records.documents import delete_document
from headrace.store.records.references import Address

_TELLING = 4
"""Minimum length, in characters, of a personal value that is searched for in requests."""
_PERSONAL = frozenset(
    {"name", "firstName", "lastName", "email", "phone", "vatNumber", "address", "accountingRef"}
    | {"id", "externalId"}
)
"""Fields whose values identify a person. Others, such as the country, are shared by many."""


class Traces(Struct, frozen=True):
    """What the database holds about a customer, and the words that identify requests about it."""

    customers: int
    documents: int
    words: frozenset[str]


def forget_customer(
    db: Connection, context: Context, external_id: str, dry_run: bool = False
) -> Traces:
    """Delete the customer with its contacts, notes, links and documents; `dry_run` only counts.

    Documents of other customers that its documents settled become open again. Raises BadRequest
    while the customer has children. For a customer deleted earlier, the only word returned is its
    external id.
    """
    row = find_customer(db, context, Address(external_id=external_id))
    if row is None:
        return Traces(0, 0, frozenset([external_id]))
    documents = db.execute(DOCUMENT["whole_customer"], (row.seq,)).fetchall()
    words = {external_id, row.id, *(id for _, id in documents), *_words_of(row)}
    if not dry_run:
        for entity, id in documents:
            delete_document(db, context, BY_NAME[entity], Address(id=id))
        delete_customer(db, context, Address(id=row.id))
    return Traces(1, len(documents), frozenset(words))


def _words_of(row: CustomerRow) -> Iterator[str]:
    for text in (row.contacts, row.body):
        yield from _texts(msgspec.json.decode(text))
    if len(row.name) >= _TELLING:
        yield row.name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _TELLING:
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in _PERSONAL or not isinstance(inner, str):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
