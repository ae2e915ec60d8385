"""The base of all records: the base class, field types, decoding and encoding.

A record is a frozen struct whose Python names become the API's camelCase. An optional field
defaults to `UNSET`, which is never written: absent and null have different meanings in the API
(docs/api-evidence.md, Partial update).
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, dataclass_transform

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace.model.clock import normalise_instant
from headrace.model.errors import BadRequest
from headrace.model.money import EXPONENTS, MAX_AMOUNT

Amount = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
"""Amount of a document or payment: never negative."""
LinkAmount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
"""Amount of an allocation: greater than zero."""
Balance = int
"""Amount that may be negative; as a sum, it may exceed the range of a single amount."""
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
"""Non-empty text."""
Instant = Annotated[str, Meta(description="ISO 8601 date or date-time", extra={"kind": "instant"})]
"""A moment; stored and answered as UTC with milliseconds."""
Blankable = Annotated[
    str | bool,
    Meta(description="Text; `false` and blanks count as empty", extra={"kind": "blankable"}),
]
"""Text that clients empty in several ways (docs/api-evidence.md, Partial update): `false`, as Odoo
says it, and blanks become the empty text. Never true."""
Currency = Annotated[str, Meta(description="ISO 4217 code", extra={"kind": "currency"})]
"""A currency code in upper case."""

R = TypeVar("R", bound="Record")
T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """One JSON object of the API. Raises ValueError that names the field with an invalid date or
    currency."""

    def __post_init__(self) -> None:
        for name, wire, kind in _checked_fields(type(self)):
            value = getattr(self, name)
            if kind == "blankable":
                _set_blank(self, name, wire, value)
            elif not isinstance(value, str):
                continue
            elif kind == "currency":
                _check_currency(wire, value)
            else:
                _set_instant(self, name, wire, value)


def _check_currency(wire: str, value: str) -> None:
    if value not in EXPONENTS:
        raise ValueError(f"{wire}: {value!r} is not an ISO 4217 currency code, such as EUR")


def _set_blank(record: Record, name: str, wire: str, value: object) -> None:
    if value is True:
        raise ValueError(f"{wire}: true is no text")
    if value is False or (isinstance(value, str) and value and not value.strip()):
        msgspec.structs.force_setattr(record, name, "")


def _set_instant(record: Record, name: str, wire: str, value: str) -> None:
    try:
        normal = normalise_instant(value)
    except ValueError:
        raise ValueError(
            f"{wire}: {value!r} is not an ISO 8601 date or date-time, such as 2015-05-05T12:30:00Z"
        ) from None
    if normal != value:
        msgspec.structs.force_setattr(record, name, normal)


@functools.cache
def _checked_fields(record: type[Record]) -> tuple[tuple[str, str, str], ...]:
    """Return (Python name, JSON name, kind) of the fields that msgspec can't validate by itself."""
    hints = typing.get_type_hints(record, include_extras=True)
    found = []
    for field in msgspec.structs.fields(record):
        kind = _kind_of(hints[field.name])
        if kind:
            found.append((field.name, field.encode_name, kind))
    return tuple(found)


def _kind_of(hint: Any) -> str | None:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next((kind for arm in typing.get_args(hint) if (kind := _kind_of(arm))), None)
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra:
            return typing.cast("str | None", meta.extra.get("kind"))
    return _kind_of(hint.__origin__) if typing.get_origin(hint) is Annotated else None


@functools.cache
def _decoder(record: type[Any]) -> msgspec.json.Decoder[Any]:
    # Not strict: amounts may be written as "1000" or 1000.0 (docs/api-evidence.md, Money).
    return msgspec.json.Decoder(record, strict=False)


def decode(record: type[R], body: bytes) -> R:
    """Decode a JSON body as a record; unknown fields are ignored.

    Raises BadRequest with the place and the remedy: malformed JSON or UTF-8, a NUL in text, too
    deep nesting, a missing field, a value of the wrong type or out of range.
    """
    if b"\\u0000" in body or b"\0" in body:
        raise BadRequest("The body contains a NUL character: remove it from the text.")
    try:
        return typing.cast("R", _decoder(record).decode(body))
    except msgspec.ValidationError as error:
        raise _bad_field(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None


def decode_query(kind: type[T], values: Mapping[str, str]) -> T:
    """Decode query parameters as a struct. Raises BadRequest that names the parameter."""
    try:
        return msgspec.convert(dict(values), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _bad_field(str(error), "The query") from None


def _bad_field(text: str, whole: str = "The body") -> BadRequest:
    """Convert msgspec's `problem - at `$.a[0].b`` into a sentence that starts with the field."""
    problem, _, place = text.partition(" - at `")
    field = place.removesuffix("`").removeprefix("$").removeprefix(".")
    name, colon, rest = problem.partition(": ")
    if colon and name.isidentifier():
        field, problem = f"{field}.{name}".lstrip("."), rest
    if problem.startswith("Object missing required field "):
        missing = problem.removeprefix("Object missing required field ").strip("`")
        field, problem = f"{field}.{missing}".lstrip("."), "is required"
    if not field:
        return BadRequest(f"{whole} can't be used: {problem}.")
    return BadRequest(f"{field}: {problem}.", ((field, problem),))


@functools.cache
def wire_name(name: str) -> str:
    """Return the JSON name of a Python field: `grossAmount` for `gross_amount`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def encode(record: Struct) -> bytes:
    """Encode a record as JSON; unset fields are omitted."""
    return msgspec.json.encode(record)


def canonical(record: Struct) -> bytes:
    """Encode a record in the canonical form that its payload hash is computed from: keys sorted,
    no spaces."""
    return msgspec.json.encode(record, order="sorted")


__all__ = [
    "UNSET",
    "Amount",
    "Balance",
    "Blankable",
    "Currency",
    "Instant",
    "LinkAmount",
    "Record",
    "Text",
    "UnsetType",
    "canonical",
    "decode",
    "decode_query",
    "encode",
    "wire_name",
]
