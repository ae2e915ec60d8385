"""The directory: what only people make in Upflow, by the names that sources know it by.

Account managers by e-mail, dunning plans by name, custom fields by external id or label. Read from
the API once per run; models then write names, and payloads carry ids.
"""

from __future__ import annotations

import duckdb
import msgspec
from msgspec import Struct

from headrace.model.custom_field import DataType

_TABLES = """
create or replace table book.names (kind varchar, name varchar, id varchar, shown varchar);
create or replace table book.fields (
    name varchar, id varchar, external_id varchar, data_type varchar, planned boolean
);
"""


class Named(Struct, frozen=True):
    """Somebody or something with an id; `names` are the spellings that find it."""

    id: str
    names: list[str]
    shown: str
    """How messages call it."""


class Field(Struct, frozen=True):
    """A custom field of customers; without `id` it is still to be made."""

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
        """As JSON, for the journal."""
        return msgspec.json.encode(self)


EMPTY = Directory()


def decode_directory(text: bytes) -> Directory:
    """What `Directory.encode` made."""
    return msgspec.json.decode(text, type=Directory)


def write_directory(connection: duckdb.DuckDBPyConnection, directory: Directory) -> None:
    """Makes `book.names` and `book.fields` of it; the first of two with one name counts."""
    connection.execute(_TABLES)
    for kind, entries in (
        ("account_manager", directory.users),
        ("dunning_plan", directory.dunning_plans),
    ):
        found: dict[str, tuple[str, str]] = {}
        for entry in entries:
            for name in (*entry.names, entry.id):
                found.setdefault(name.lower(), (entry.id, entry.shown))
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
