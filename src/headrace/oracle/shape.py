"""The shape of a JSON value, made by allow-list: types, known names and values, lengths, tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from headrace.oracle.tokens import Tokens
from headrace.oracle.vocabulary import COUNT_MOST, COUNTED, FIELDS, VALUES

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
_DEEPEST = 12
_KINDS_MOST = 40
"""Different shapes of entries that are kept of one list."""


class Shape(Struct, frozen=True, omit_defaults=True):
    """What may be known of a value."""

    type: str
    """null, boolean, integer, number, string, object or array."""
    length: int | None = None
    """Characters of a text, entries of a list."""
    token: str | None = None
    """Stands for a text or a number."""
    value: str | int | None = None
    """Instead of the token, a value that the API's schema knows."""
    form: str | None = None
    """Of a text: `moment` for UTC with milliseconds, `date` for other dates."""
    fields: dict[str, Shape] = {}
    """Of an object, by name; the names of unknown fields are tokens."""
    items: tuple[Shape, ...] = ()
    """Of a list: each different shape of its entries once."""

    @property
    def bare(self) -> Shape:
        """The same shape without tokens and lengths: equal for values of one shape."""
        if not self.fields and not self.items:  # as most are
            return Shape(self.type, value=self.value, form=self.form)
        fields = {name: field.bare for name, field in sorted(self.fields.items())}
        items = tuple(dict.fromkeys(item.bare for item in self.items))
        return Shape(self.type, value=self.value, form=self.form, fields=fields, items=items)

    def __hash__(self) -> int:
        fields = tuple(self.fields.items())
        return hash((self.type, self.value, self.form, self.token, fields, self.items))

    def walk(self) -> Iterator[Shape]:
        """Every shape in it, itself first."""
        yield self
        for inner in (*self.fields.values(), *self.items):
            yield from inner.walk()


def shape_of(value: Any, tokens: Tokens, name: str = "", depth: int = 0) -> Shape:
    """Return the shape of a decoded JSON value; `name` is the field that holds it."""
    if value is None:
        return Shape("null")
    if isinstance(value, bool):
        return Shape("boolean")
    if isinstance(value, int):
        if name in COUNTED and 0 <= value <= COUNT_MOST:
            return Shape("integer", value=value)
        return Shape("integer", token=tokens.of(str(value)))
    if isinstance(value, float):
        return Shape("number", token=tokens.of(str(value)))
    if isinstance(value, str):
        return _text(value, tokens, name)
    if depth >= _DEEPEST:
        return Shape("object" if isinstance(value, dict) else "array")
    if isinstance(value, dict):
        fields = {
            known_name(key, tokens): shape_of(inner, tokens, key, depth + 1)
            for key, inner in value.items()
        }
        return Shape("object", fields=fields)
    kinds: dict[Shape, Shape] = {}
    for entry in value:
        found = shape_of(entry, tokens, "", depth + 1)
        kinds.setdefault(found.bare, found)
        if len(kinds) >= _KINDS_MOST:
            break
    return Shape("array", length=len(value), items=tuple(kinds.values()))


def known_name(name: str, tokens: Tokens) -> str:
    """Return a field's name if the API has it, else a token."""
    return name if name in FIELDS else tokens.of(name)


def _text(value: str, tokens: Tokens, name: str) -> Shape:
    if value in VALUES.get(name, ()):
        return Shape("string", value=value)
    form = None
    if _DATE.fullmatch(value):
        form = "moment" if _MOMENT.fullmatch(value) else "date"
    return Shape("string", length=len(value), token=tokens.of(value), form=form)
