"""One row per field: where its value stands in the book, and how it travels.

A row annotates a field in the record that has it: `Annotated[..., Sent(...)]` or
`Annotated[..., Links(...)]`. Canonical columns, payloads, fingerprints, what an update clears,
links and the words of a diff derive from the rows, so that a new field needs nothing else.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from headrace.model.record import Record

Kind = Literal["text", "id", "code", "amount", "instant", "flag", "json", "bytes"]
"""`id`: a text by which records know each other; `code`: one by which people know them."""
Clearing = Literal["never", "null", "empty"]
"""How an emptied column travels: as null, as an empty text, or not at all. An import leaves alone
what it does not mention (`docs/api-evidence.md`, Partial update)."""


class Sent(Struct, frozen=True, kw_only=True):
    """A field that a column of the book fills."""

    kind: Kind = "text"
    required: bool = False
    """No row may lack a value, and the API creates no record without one."""
    clears: Clearing = "never"
    column: str = ""
    """The column's name where it is not the field's own."""
    refers: str = ""
    """The entity whose external id the column holds: the field is a reference to it."""
    binds: bool = False
    """Whether links depend on it: an update that changes it may wait for others, or free them."""


class Links(Struct, frozen=True, kw_only=True):
    """A list of links: how much of this record settles each of the records in it."""

    refers: str
    """The entity that they settle; the field of each entry is called the same."""
    answer: str = ""
    """What the API calls the list in its answers, where that differs."""
    verb: str
    """What a diff says of one of them: `settles invoice`."""


class SentField(Struct, frozen=True, kw_only=True):
    """A row with the names that go with it."""

    name: str
    """In Python."""
    wire: str
    column: str
    rule: Sent
    owner: type[Record]
    """The record that has it: the customer, or the address inside it."""


class LinkField(Struct, frozen=True, kw_only=True):
    """A list of links with the names that go with it."""

    name: str
    wire: str
    answer: str
    reference: str
    """The wire name of what each entry refers to."""
    refers: str
    """The entity of it."""
    verb: str


@functools.cache
def sent_fields(record: type[Record]) -> tuple[SentField, ...]:
    """The fields of a record that columns fill, those of records inside it included, in order."""
    return tuple(_sent(record))


def _sent(record: type[Record]) -> Iterator[SentField]:
    hints = _hints(record)
    for field in msgspec.structs.fields(record):
        hint = hints[field.name]
        rule = _rule(hint, Sent)
        if rule is not None:
            column = rule.column or field.name
            yield SentField(
                name=field.name, wire=field.encode_name, column=column, rule=rule, owner=record
            )
        elif (inner := group_of(hint)) is not None:
            yield from _sent(inner)


@functools.cache
def link_fields(record: type[Record]) -> tuple[LinkField, ...]:
    """The lists of links that a record carries."""
    hints = _hints(record)
    found = []
    for field in msgspec.structs.fields(record):
        if (rule := _rule(hints[field.name], Links)) is not None:
            found.append(
                LinkField(
                    name=field.name,
                    wire=field.encode_name,
                    answer=rule.answer or field.encode_name,
                    reference=_camel(rule.refers),
                    refers=rule.refers,
                    verb=rule.verb,
                )
            )
    return tuple(found)


@functools.cache
def groups(record: type[Record]) -> tuple[tuple[str, type[Record]], ...]:
    """Fields that are records of their own without an identity, such as an address: Python name and
    type."""
    hints = _hints(record)
    named = ((field.name, group_of(hints[field.name])) for field in msgspec.structs.fields(record))
    return tuple((name, inner) for name, inner in named if inner is not None)


def group_of(hint: Any) -> type[Record] | None:
    """The record in a hint whose own fields have rows; None when there is none."""
    for arm in (hint, *typing.get_args(hint)):
        if isinstance(arm, type) and issubclass(arm, Record) and next(_sent(arm), None):
            return arm
    return None


def _hints(record: type[Record]) -> dict[str, Any]:
    return typing.get_type_hints(record, include_extras=True)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _rule(hint: Any, kind: type[Any]) -> Any:
    return next(
        (meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, kind)), None
    )
