"""One row per field: where its value is in the book, and how it is sent.

A row annotates a field of the record that has it: `Annotated[..., Sent(...)]` or `Annotated[...,
Links(...)]`. Canonical columns, payloads, fingerprints, the fields an update clears, links and the
labels in a diff are all derived from the rows, so a new field needs nothing else.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from headrace.model.record import Record, wire_name

Kind = Literal["text", "id", "code", "amount", "instant", "flag", "json", "bytes"]
"""`id`: a text that records refer to each other by; `code`: a text that people know a record by."""
Clearing = Literal["never", "null", "empty"]
"""How an emptied column is sent: as null, as an empty text, or not at all. An import does not
change fields that it omits (`docs/api-evidence.md`, Partial update)."""


class Sent(Struct, frozen=True, kw_only=True):
    """A field that is filled from a column of the book."""

    kind: Kind = "text"
    required: bool = False
    """Every row needs a value, and the API creates no record without one."""
    clears: Clearing = "never"
    column: str = ""
    """The column's name where it differs from the field's."""
    refers: str = ""
    """The entity whose external id the column contains; makes the field a reference."""
    binds: bool = False
    """Whether links depend on it: an update that changes it may have to wait for other updates,
    or unblock them."""


class Links(Struct, frozen=True, kw_only=True):
    """A list of links: how much of this record settles each of the records listed."""

    refers: str
    """The entity that they settle; each entry's field has the same name."""
    answer: str = ""
    """The list's name in the API's answers, where it differs."""
    verb: str
    """What a diff calls a link: `settles invoice`."""


class SentField(Struct, frozen=True, kw_only=True):
    """A `Sent` row with its names."""

    name: str
    """The Python name."""
    wire: str
    column: str
    rule: Sent
    owner: type[Record]
    """The record that has it: the customer, or the address inside it."""


class LinkField(Struct, frozen=True, kw_only=True):
    """A `Links` row with its names."""

    name: str
    wire: str
    answer: str
    reference: str
    """The wire name of each entry's reference."""
    refers: str
    """The entity that the entries refer to."""
    verb: str


@functools.cache
def sent_fields(record: type[Record]) -> tuple[SentField, ...]:
    """Return the fields of a record that are filled from columns, in order, including those of
    nested records."""
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
    """Return the lists of links of a record."""
    hints = _hints(record)
    found = []
    for field in msgspec.structs.fields(record):
        if (rule := _rule(hints[field.name], Links)) is not None:
            found.append(
                LinkField(
                    name=field.name,
                    wire=field.encode_name,
                    answer=rule.answer or field.encode_name,
                    reference=wire_name(rule.refers),
                    refers=rule.refers,
                    verb=rule.verb,
                )
            )
    return tuple(found)


@functools.cache
def groups(record: type[Record]) -> tuple[tuple[str, type[Record]], ...]:
    """Return the fields that are nested records without an identity, such as an address: Python
    name and type."""
    hints = _hints(record)
    named = ((field.name, group_of(hints[field.name])) for field in msgspec.structs.fields(record))
    return tuple((name, inner) for name, inner in named if inner is not None)


def group_of(hint: Any) -> type[Record] | None:
    """Return the record in a type hint whose own fields have rows; None when there is none."""
    for arm in (hint, *typing.get_args(hint)):
        if isinstance(arm, type) and issubclass(arm, Record) and next(_sent(arm), None):
            return arm
    return None


def _hints(record: type[Record]) -> dict[str, Any]:
    return typing.get_type_hints(record, include_extras=True)


def _rule(hint: Any, kind: type[Any]) -> Any:
    return next(
        (meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, kind)), None
    )
