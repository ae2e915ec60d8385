"""An answer of the API, and safe access to it whatever it contains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.errors import NotTheApi
from headrace.model.json_text import without_halves

_SHOWN = 80
"""Maximum number of characters shown of an unexpected answer."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Errors raised for what is not JSON, not UTF-8, or nested too deeply."""


class _Named(Struct):
    """Fields that every entity of the API has."""

    externalId: str | None = None
    id: str | int | None = None


_NAMED = msgspec.json.Decoder(_Named)


def object_of(body: bytes) -> dict[str, Any] | None:
    """Decode a JSON object; None for anything else."""
    try:
        found = msgspec.json.decode(body)
    except _UNREADABLE:
        try:
            found = msgspec.json.decode(without_halves(body.decode()))
        except _UNREADABLE:
            return None
    return found if isinstance(found, dict) else None


class Answer(Struct, frozen=True):
    """An answer: status, headers with lower-case names, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is declared as JSON; an empty one always passes."""
        return not self.body or "json" in self.headers.get("content-type", "").lower()

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises NotTheApi for anything else."""
        found = object_of(self.body)
        if found is None:
            raise NotTheApi(self.described)
        return found

    @property
    def external_id(self) -> str | None:
        """The source's id in an entity; None in anything else."""
        try:
            return _NAMED.decode(self.body).externalId
        except _UNREADABLE:
            return None

    @property
    def id(self) -> str:
        """The API's own id in an entity; empty in anything else."""
        try:
            return str(_NAMED.decode(self.body).id or "")
        except _UNREADABLE:
            return ""

    @property
    def described(self) -> str:
        """Describe the answer: status, content type, and the start of the body."""
        kind = _plain(self.headers.get("content-type", "").partition(";")[0].strip())
        start = _plain(self.body[: 4 * _SHOWN].decode("utf-8", "replace"))
        said = f"{start!r}" if start else "an empty body"
        return f"status {self.status}, {kind or 'no content type'}, {said}"


def _plain(text: str) -> str:
    """Return its start as text that is safe on a terminal."""
    shown = " ".join(text.split())[:_SHOWN]
    return "".join(char if char.isprintable() else "\ufffd" for char in shown)
