"""The directory: objects that only people create in Upflow, by the names that sources use for them.

Account managers by e-mail, dunning plans by name, custom fields by external id or label. It is read
from the API once per run; models then write names, and payloads contain ids.
"""

from __future__ import annotations

import duckdb
import msgspec
from msgspec import Struct

from headrace.model.custom_field import DataType
from headrace.model.repeated import run

_TABLES = """
create or replace table book.names (kind varchar, name varchar, id varchar, shown varchar);
create or replace table book.fields (
    name varchar, id varchar, external_id varchar, data_type varchar, planned boolean
);
"""


class Named(Struct, frozen=True):
    """An object with an id; `names` are the spellings that match it."""

    id: str
    names: list[str]
    shown: str
    """Its name in messages."""


class Field(Struct, frozen=True):
    """A custom field of customers; without `id` it does not exist in the API yet."""

    label: str
    data_type: DataType
    id: str | None = None
    external_id: str | None = None


class Directory(Struct, frozen=True):
    """All names of one organisation."""

    users: list[Named] = []
    dunning_plans: list[Named] = []
    fields: list[Field] = []

    def encode(self) -> bytes:
        """Encode as JSON, for the journal."""
        return msgspec.json.encode(self)


EMPTY = Directory()


def decode_directory(text: bytes) -> Directory:
    """Decode the result of `Directory.encode`."""
    return msgspec.json.decode(text, type=Directory)


def write_directory(connection: duckdb.DuckDBPyConnection, directory: Directory) -> None:
    """Create `book.names` and `book.fields`; of two objects with the same name, the first
    counts."""
    run(connection, _TABLES)
    for kind, entries in (
        ("account_manager", directory.users),
        ("dunning_plan", directory.dunning_plans),
    ):
        found: dict[str, tuple[str, str]] = {}
        for entry in entries:
            for name in (*entry.names, entry.id):
                found.setdefault(name.lower(), (entry.id, entry.shown))
        if not found:
            continue
        connection.execute(
            "insert into book.names select $1, unnest($2::varchar[]), unnest($3::varchar[]), "
            "unnest($4::varchar[])",
            [
                kind,
                list(found),
                [id for id, _ in found.values()],
                [shown for _, shown in found.values()],
            ],
        )
    fields: dict[str, Field] = {}
    for name in ("external_id", "label"):
        for field in directory.fields:
            if getattr(field, name):
                fields.setdefault(getattr(field, name), field)
    if not fields:
        return
    connection.execute(
        "insert into book.fields select unnest($1::varchar[]), unnest($2::varchar[]), "
        "unnest($3::varchar[]), unnest($4::varchar[]), unnest($5::boolean[])",
        [
            list(fields),
            [field.id for field in fields.values()],
            [field.external_id for field in fields.values()],
            [field.data_type for field in fields.values()],
            [field.id is None for field in fields.values()],
        ],
    )
