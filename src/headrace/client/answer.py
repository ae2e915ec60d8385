"""An answer: what came back, and reading it when it may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.errors import NotTheApi

_SHOWN = 80
"""Characters of an odd answer that are told."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises on what is no JSON, no UTF-8 or nested too deep."""


class _Named(Struct):
    """What every entity of the API shows."""

    externalId: str | None = None
    id: str | int | None = None


_NAMED = msgspec.json.Decoder(_Named)


def object_of(body: bytes) -> dict[str, Any] | None:
    """A JSON object; None for whatever else it is."""
    try:
        found = msgspec.json.decode(body)
    except _UNREADABLE:
        return None
    return found if isinstance(found, dict) else None


class Answer(Struct, frozen=True):
    """What came back: status, headers with lower-case names, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body claims to be JSON; an empty one needs no claim."""
        return not self.body or "json" in self.headers.get("content-type", "").lower()

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. NotTheApi when it is none."""
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
        """What came: status, content type, and how it begins."""
        kind = _plain(self.headers.get("content-type", "").partition(";")[0].strip())
        start = _plain(self.body[: 4 * _SHOWN].decode("utf-8", "replace"))
        said = f"{start!r}" if start else "an empty body"
        return f"status {self.status}, {kind or 'no content type'}, {said}"


def _plain(text: str) -> str:
    """The start of it, fit for a terminal."""
    shown = " ".join(text.split())[:_SHOWN]
    return "".join(char if char.isprintable() else "\ufffd" for char in shown)
