"""Values of custom fields of payments and credit notes, which people assign and not the API."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headrace.model.custom_field import CustomFieldValue
from headrace.model.entity import Entity
from headrace.model.record import Record
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records.answers import BODIES
from headrace.store.records.custom_values import entity_type, marked, write_values
from headrace.store.records.document_rows import get_document
from headrace.store.records.documents import read_document
from headrace.store.records.number_keys import number_key
from headrace.store.records.references import Address


def assign_values(
    db: Connection,
    context: Context,
    entity: Entity,
    address: Address,
    values: Sequence[CustomFieldValue],
) -> Record:
    """Set values of one document; fields that are not named keep theirs, null empties one.

    Raises NotFound without the document, BadRequest for another entity's field or a value that
    its type can't hold.
    """
    row = get_document(db, context, entity, address)
    body = marked(BODIES[entity.name].decode(row.body), values)
    text = msgspec.json.encode(body).decode()
    dates = (row.dated, row.due_date, context.timestamp)
    db.execute(SQL["amend"], (row.amount, *dates, text, number_key(body), row.seq))
    write_values(db, context, entity_type(entity), row.seq, values)
    return read_document(db, context, entity, address)[0]
