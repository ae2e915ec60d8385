"""Who plays a request on a hub, and the made-up records that stand in for unknown ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from headrace.oracle.contract import Contract

MISSING = "00000000-0000-7000-8000-000000000000"
"""An id that no record has."""
_KINDS = (
    ("custom_field", "/custom_fields"), ("customer", "/customers"),
    ("contact", "/customers/{}/contacts"), ("invoice", "/invoices"),
    ("credit_note", "/credit_notes"), ("payment", "/payments"), ("refund", "/refunds"),
    ("note", "/customers/{}/notes"),
)  # fmt: skip
"""Records that are made to stand in, in this order."""
_SEGMENTS = {
    "customers": "customer", "contacts": "contact", "invoices": "invoice", "notes": "note",
    "credit_notes": "credit_note", "payments": "payment", "refunds": "refund",
    "custom_fields": "custom_field", "actions": "action", "account-managers": "user",
}  # fmt: skip
"""Kind of the id behind a segment of a path."""


class Played(Struct, frozen=True):
    """A hub's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Player(Protocol):
    """Sends one request to a hub, with keys of its own."""

    async def play(self, method: str, target: str, body: bytes, content_type: str) -> Played:
        """Send a request; `target` is below the base, percent-encoded."""


def kind_behind(segment: str) -> str:
    """Return the kind of record whose id follows a segment of a path."""
    return _SEGMENTS.get(segment, "")


def ids_in(template: str, path: str) -> list[tuple[str, str]]:
    """Return the ids in a path, each with the kind of its record, still percent-encoded."""
    words, own = template.strip("/").split("/"), path.strip("/").split("/")
    return [
        (kind_behind(words[place - 1]), own[place])
        for place, word in enumerate(words)
        if word == "{}" and place < len(own)
    ]


def with_ids(template: str, ids: list[str]) -> str:
    """Return a path with these ids, percent-encoded, in the template's places."""
    left = iter(ids)
    words = template.strip("/").split("/")
    return "".join(f"/{next(left) if word == '{}' else word}" for word in words)


class StandIns:
    """Made-up records of one organisation: each kind that the API can create."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self.ids: dict[str, str] = {}
        """The id of each record, by its kind."""

    async def make(self, contract: Contract, prefix: str) -> None:
        """Create the records; their external ids begin with `prefix`."""
        for kind, path in _KINDS:
            operation = contract.operations.get(("POST", path))
            if operation is None or operation.example is None:
                continue
            body = msgspec.json.encode(_renamed(operation.example, prefix))
            target = with_ids(path, [self.ids.get("customer", MISSING)])
            answer = await self._player.play("POST", target, body, "application/json")
            if answer.status < 300:
                self.ids[kind] = msgspec.json.decode(answer.body)["id"]

    async def delete(self) -> list[str]:
        """Delete the records; returns the paths of those that are still there."""
        left = []
        for kind, path in reversed(_KINDS):
            if kind not in self.ids:
                continue
            ids = [self.ids["customer"], self.ids[kind]]
            target = with_ids(f"{path}/{{}}", ids[1 - path.count("{}") :])
            if (await self._player.play("DELETE", target, b"", "")).status >= 300:
                left.append(target)
        return left

    def variants(self, template: str, path: str) -> Iterator[str]:
        """Return the paths by which a request about unknown records is played: as it is, with
        records that exist, and with those that do not."""
        found = ids_in(template, path)
        yield path
        for known in range(len(found), -1, -1):
            if found:
                ids = [
                    self.ids.get(kind, MISSING) if place < known else MISSING
                    for place, (kind, _) in enumerate(found)
                ]
                yield with_ids(template, ids)


def external_of(segment: str) -> str | None:
    """Return the external id in a segment of a path; None for an id."""
    text = unquote(segment)
    return text.removeprefix("external:") if text.startswith("external:") else None


def external(text: str) -> str:
    """Return the segment of a path for an external id."""
    return f"external:{quote(text, safe='')}"


def _renamed(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {
            key: f"{prefix}{inner}" if key == "externalId" else _renamed(inner, prefix)
            for key, inner in value.items()
        }
    return [_renamed(inner, prefix) for inner in value] if isinstance(value, list) else value
