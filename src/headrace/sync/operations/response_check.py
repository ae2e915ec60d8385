"""Compares the response to an import with what was sent.

How the vendor's API stores fields is only partly known (docs/api-evidence.md, Open questions), so
a record whose response contradicts it does not count as delivered. Fields that the response does
not show are ignored.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.client.answer import object_of
from headrace.model.entity import LINKS, SENT
from headrace.model.fields import sent_fields

Differs = list[tuple[str, str, str]]
"""Triples (field, value sent, value stored), as text."""

_DATES = tuple(
    field.wire
    for record in SENT.values()
    for field in sent_fields(record)
    if field.rule.kind == "instant"
)


def differing_fields(sent: bytes, answered: bytes) -> Differs:
    """Return the fields whose value in the response differs from what was sent.

    An absent value, null, an empty text and an empty list are equal; dates are compared by day.
    """
    kept = object_of(answered)
    if kept is None:
        return []
    found: Differs = []
    for name, value in msgspec.json.decode(sent).items():
        if name in LINKS:
            found += _links(name, value or [], kept)
        elif name == "contacts":
            found += _contacts(value or [], kept.get("contacts"))
        elif name == "customFields":
            found += _custom_fields(value, kept.get("customFields"))
        elif name in kept:
            found += _field(name, value, kept[name])
    return found


def unshown(sent: bytes, kept: dict[str, Any]) -> list[str]:
    """Return the sent fields that the response does not show."""
    return [
        name
        for name, value in msgspec.json.decode(sent).items()
        if _plain(name, value) is not None and _answered(name) not in kept
    ]


def _answered(name: str) -> str:
    """Return the name that the field has in responses."""
    return LINKS[name].answer if name in LINKS else name


def _field(name: str, sent: Any, kept: Any) -> Differs:
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [
            difference
            for key, value in sent.items()
            if key in kept
            for difference in _field(f"{name}.{key}", value, kept[key])
        ]
    if sent == kept or _plain(name, sent) == _plain(name, kept):
        return []
    return [(name, _text(sent), _text(kept))]


def _plain(name: str, value: Any) -> Any:
    if value in (None, "", [], False):
        return None
    if isinstance(value, str):
        value = value.strip()
        return value[:10] if name.endswith(_DATES) else value or None
    return value


def _links(name: str, sent: list[Any], kept: dict[str, Any]) -> Differs:
    """Compare linked amounts by external id; ignored where the response shows no external ids."""
    field, reference = LINKS[name].answer, LINKS[name].reference
    if not isinstance(kept.get(field), list):
        return []
    before = {link[reference]["externalId"]: link["amountLinked"] for link in sent}
    after: dict[str, int] = {}
    for link in kept[field]:
        try:
            external_id, amount = link[reference]["externalId"], int(link["linkedAmount"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return []
        if not isinstance(external_id, str):
            return []
        after[external_id] = after.get(external_id, 0) + amount
    return [
        (f"{name}[{key}]", _text(before.get(key)), _text(after.get(key)))
        for key in sorted(before.keys() | after.keys(), key=str)
        if before.get(key) != after.get(key)
    ]


def _contacts(sent: list[Any], kept: Any) -> Differs:
    """Compare contacts by e-mail address; a contact that was not sent is a difference.

    The list replaces the customer's contacts (docs/api-evidence.md, Contacts).
    """
    if not isinstance(kept, list):
        return []
    found: Differs = []
    if not all(isinstance(contact, dict) for contact in kept):
        return []
    there = {str(contact.get("email", "")).lower(): contact for contact in kept}
    for contact in sent:
        email = contact["email"].lower()
        other = there.pop(email, None)
        if other is None:
            found.append((f"contacts[{contact['email']}]", contact["email"], ""))
            continue
        for name, value in contact.items():
            # If no contact is sent as the main one, the API chooses.
            if name in other and name != "email" and not (name == "isMain" and not value):
                found += _field(f"contacts[{contact['email']}].{name}", value, other[name])
    found += [(f"contacts[{email}]", "", email) for email in there]
    return found


def _custom_fields(sent: list[Any], kept: Any) -> Differs:
    if not isinstance(kept, list) or not all(isinstance(one, dict) for one in kept):
        return []
    found: Differs = []
    for value in sent:
        key = "externalId" if value.get("externalId") else "id"
        other: dict[str, Any] = next((one for one in kept if one.get(key) == value.get(key)), {})
        if _plain("", value["value"]) != _plain("", other.get("value")):
            name = f"customFields[{value[key]}]"
            found.append((name, _text(value["value"]), _text(other.get("value"))))
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
