"""The data types of custom fields: what each accepts, how it is stored, and how it is indexed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import msgspec
from msgspec import Struct

from headrace.model.clock import normalise_instant
from headrace.model.custom_field import SelectValue

_KEY_BYTES = 1_000
"""Longer texts are indexed by their hash, because the size of an index entry is limited."""
_TEXT_MAX = 10_000
_DIGITS_MAX = 30
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


class Parsed(Struct, frozen=True):
    """A value as stored and answered, and the index keys by which a filter finds its owner."""

    json: str
    keys: tuple[str, ...]


EMPTY = Parsed("null", ())
"""Stands for a field that is present but empty."""


def parse_value(data_type: str, raw: bytes) -> Parsed:
    """Parse a value of a request's JSON. Raises ValueError that says what the data type accepts."""
    if raw == b"null":
        return EMPTY
    try:
        return _PARSERS[data_type](raw)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError):
        raise ValueError(_TAKES[data_type]) from None


def parse_filter(data_type: str, text: str) -> str:
    """Return the index key for a filter's text. Raises ValueError that says what the data type
    accepts.

    Labels and texts are compared literally, numbers and dates by their value.
    """
    if data_type in ("SELECT", "MULTI_SELECT", "TEXT"):
        return _key(text)
    try:
        if data_type == "NUMBER":
            return _plain(text)
        if data_type == "DATE":
            return normalise_instant(text)
    except (ValueError, InvalidOperation):
        raise ValueError(_TAKES[data_type]) from None
    if text.lower() not in ("true", "false"):
        raise ValueError(_TAKES[data_type])
    return text.lower()


def _text(raw: bytes) -> Parsed:
    text = msgspec.json.decode(raw, type=str)
    if len(text) > _TEXT_MAX:
        raise ValueError(_TAKES["TEXT"])
    return Parsed(_json(text), (_key(text),))


def _number(raw: bytes) -> Parsed:
    text = msgspec.json.decode(raw, type=str) if raw[:1] == b'"' else raw.decode()
    plain = _plain(text)
    return Parsed(plain, (plain,))


def _plain(text: str) -> str:
    """Format a number without exponent or trailing zeros: `10.50` and `1.05e1` both give `10.5`."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(_TAKES["NUMBER"])
    number = Decimal(text)
    if not number:
        return "0"
    if number.adjusted() >= _DIGITS_MAX or number.adjusted() <= -_DIGITS_MAX:
        raise ValueError(_TAKES["NUMBER"])
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    if len(plain) > _DIGITS_MAX * 2:
        raise ValueError(_TAKES["NUMBER"])
    return plain


def _date(raw: bytes) -> Parsed:
    text = msgspec.json.decode(raw, type=str)
    try:
        moment = normalise_instant(text)
    except ValueError:
        raise ValueError(_TAKES["DATE"]) from None
    return Parsed(_json(moment), (moment,))


def _boolean(raw: bytes) -> Parsed:
    text = "true" if msgspec.json.decode(raw, type=bool) else "false"
    return Parsed(text, (text,))


def _select(raw: bytes) -> Parsed:
    chosen = msgspec.json.decode(raw, type=SelectValue)
    return Parsed(_json(chosen), (chosen.label,))


def _multi_select(raw: bytes) -> Parsed:
    labels = tuple({c.label: None for c in msgspec.json.decode(raw, type=list[SelectValue])})
    return Parsed(_json([SelectValue(label=label) for label in labels]), labels)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _key(text: str) -> str:
    data = text.encode()
    if len(data) <= _KEY_BYTES:
        return text
    return f"hash {hashlib.blake2b(data, digest_size=32).hexdigest()}"


_PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    "TEXT": _text,
    "NUMBER": _number,
    "DATE": _date,
    "BOOLEAN": _boolean,
    "SELECT": _select,
    "MULTI_SELECT": _multi_select,
}

_TAKES = {
    "TEXT": f"takes a text of at most {_TEXT_MAX:,} characters",
    "NUMBER": f"takes a number of at most {_DIGITS_MAX} digits, such as 10.5",
    "DATE": "takes an ISO 8601 date or date-time, such as 2015-05-05",
    "BOOLEAN": "takes true or false",
    "SELECT": 'takes a label of 1 to 250 characters, such as {"label": "One"}',
    "MULTI_SELECT": 'takes a list of labels of 1 to 250 characters, such as [{"label": "One"}]',
}
