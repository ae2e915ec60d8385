"""Definitions of custom fields, which the API creates, lists and deletes."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct

from headrace.model.custom_field import CustomField, CustomFieldAnswer, SelectValue
from headrace.model.errors import BadRequest, NotFound
from headrace.model.resource import CUSTOM_FIELD
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOM_FIELD as SQL
from headrace.store.records import counters
from headrace.store.records.outcome import Outcome
from headrace.store.records.page import Page, Window, page_of_rows
from headrace.store.records.patch import merge, refuse, set_or_none
from headrace.store.records.references import Address

_BODY = msgspec.json.Decoder(CustomField)
_WITH_LABELS = ("SELECT", "MULTI_SELECT")


class FieldRow(Struct, frozen=True):
    """A definition as stored, in the order of the query's columns."""

    seq: int
    id: str
    external_id: str | None
    entity: str
    data_type: str
    created_at: str
    body: str

    @property
    def label(self) -> str:
        """The field's name in messages."""
        return f"custom field {self.external_id or self.id}"


def find_field(
    db: Connection, context: Context, address: Address, entity_type: str
) -> FieldRow | None:
    """Find by id, or by externalId, which is unique among the fields of `entity_type`."""
    organisation = context.organisation.seq
    if address.id is not None:
        row = db.execute(SQL["by_id"], (address.id, organisation)).fetchone()
    else:
        key = (address.external_id, entity_type, organisation)
        row = db.execute(SQL["by_external_id"], key).fetchone()
    return FieldRow(*row) if row else None


def make_field(db: Connection, context: Context, record: CustomField) -> Outcome:
    """Create a definition, or relabel the one with the same externalId and entityType.

    Raises BadRequest when that one has another data type, because its values would not fit.
    """
    present = None
    if isinstance(record.external_id, str):
        address = Address(external_id=record.external_id)
        present = find_field(db, context, address, record.entity_type)
    if present is not None:
        return _rename(db, context, present, record)
    external_id = set_or_none(record.external_id)
    field_id, text = context.new_id(), msgspec.json.encode(record).decode()
    values = (
        context.organisation.seq,
        record.entity_type,
        field_id,
        external_id,
        record.data_type,
        context.timestamp,
        text,
    )
    db.execute(SQL["insert"], values)
    counters.note_size(db, context.organisation, text)
    counters.count(db, context.organisation.seq, CUSTOM_FIELD.name, 1)
    return _outcome(db, context, field_id, created=True)


def list_fields(db: Connection, context: Context, window: Window) -> Page[CustomFieldAnswer]:
    """Return a page, newest first, with the select values of each."""
    organisation = context.organisation
    length = counters.length(db, organisation, CUSTOM_FIELD.name, counters.WHOLE_ORGANISATION)
    page = page_of_rows(db, SQL, "page", (organisation.seq,), window, length)
    answers = _answers(db, context, [FieldRow(*row) for row in page.items])
    return Page(answers, page.total)


def delete_field(db: Connection, context: Context, address: Address) -> FieldRow:
    """Delete a definition and all its values.

    Raises NotFound, or BadRequest when fields of several entities share the externalId.
    """
    row = _get(db, context, address)
    for statement in ("delete_values", "delete_keys", "delete"):
        db.execute(SQL[statement], (row.seq,))
    counters.count(db, context.organisation.seq, CUSTOM_FIELD.name, -1)
    return row


def _get(db: Connection, context: Context, address: Address) -> FieldRow:
    query = SQL["by_id" if address.id is not None else "all_by_external_id"]
    rows = db.execute(query, (address.value, context.organisation.seq)).fetchall()
    if not rows:
        raise NotFound(f"There is no custom field with {address}.")
    if len(rows) > 1:
        found = [FieldRow(*row) for row in rows]
        named = ", ".join(f"{field.id} of {field.entity}" for field in found)
        raise BadRequest(f"Several custom fields have the {address}: name one by id, {named}.")
    return FieldRow(*rows[0])


def _rename(db: Connection, context: Context, row: FieldRow, record: CustomField) -> Outcome:
    if record.data_type != row.data_type:
        refuse(
            "dataType",
            f"{row.label} is {row.data_type} and a data type never changes; "
            "delete the field, or use another externalId",
        )
    body = merge(_BODY.decode(row.body), record)
    text = msgspec.json.encode(body).decode()
    db.execute(SQL["update"], (text, row.seq))
    counters.note_size(db, context.organisation, text)
    return _outcome(db, context, row.id, created=False)


def _outcome(db: Connection, context: Context, field_id: str, *, created: bool) -> Outcome:
    found = db.execute(SQL["by_id"], (field_id, context.organisation.seq)).fetchone()
    row = FieldRow(*found)
    return Outcome(_answers(db, context, [row])[0], created, row.external_id, None)


def _answers(db: Connection, context: Context, rows: list[FieldRow]) -> list[CustomFieldAnswer]:
    """Build answers in the order given; one statement reads the labels of all of them."""
    if not rows:
        return []
    seqs = [row.seq for row in rows]
    labels: dict[int, list[SelectValue]] = {}
    bounds = (context.organisation.seq, min(seqs), max(seqs))
    for field, label in db.execute(SQL["labels_of_page"], bounds):
        labels.setdefault(field, []).append(SelectValue(label=label))
    return [_answer(row, labels.get(row.seq, [])) for row in rows]


def _answer(row: FieldRow, labels: list[SelectValue]) -> CustomFieldAnswer:
    body = _BODY.decode(row.body)
    return CustomFieldAnswer(
        id=row.id,
        external_id=row.external_id,
        label=body.label,
        description=set_or_none(body.description),
        data_type=body.data_type,
        entity_type=body.entity_type,
        select_values=labels if row.data_type in _WITH_LABELS else UNSET,
        created_at=row.created_at,
    )
