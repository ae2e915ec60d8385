"""Builds updates from the new payload and the one that the API acknowledged before.

An import does not change fields that it does not mention, so emptied fields are sent as null. Links
of the record may have to be given back before other records can change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.entity import LINKS, SENT
from headrace.model.fields import sent_fields
from headrace.sync.journal import Key
from headrace.sync.operations.operation import UNKNOWN_LINK

_KEPT = {"customFields", "isMain"}
"""Fields that are never sent as null: custom fields are cleared one by one, and a customer always
has a main contact."""


def clearable(entity: str, columns: Collection[str]) -> list[str]:
    """Return the fields that a row may have emptied: those whose column the model makes."""
    return [
        field.wire
        for field in sent_fields(SENT[entity])
        if field.rule.clears == "null" and field.column in columns
    ]


def with_cleared(payload: bytes, had: Collection[str]) -> bytes:
    """Return the payload with null for every field of `had` that it lacks."""
    new = msgspec.json.decode(payload)
    gone = set(had) - new.keys() - _KEPT
    if not gone:
        return payload
    return msgspec.json.encode({**new, **dict.fromkeys(sorted(gone))})


def with_emptied_values(
    payload: bytes, body: bytes, before: bytes, unread: Callable[[], Collection[FieldKey]]
) -> tuple[bytes, bytes]:
    """Return (payload, body), with the custom fields that only the payload `before` has.

    A custom field that is not mentioned keeps its value (docs/api-evidence.md, Custom fields), so
    the body clears it with null. Fields in `unread`, whose value can't be read at the moment, are
    not cleared, because an error must not empty anything. The payload keeps their earlier value, so
    that they are cleared later if the row then has none.
    """
    old = msgspec.json.decode(before).get("customFields") or []
    new = msgspec.json.decode(payload)
    values = new.get("customFields") or []
    said = {_field_of(value) for value in values}
    gone = [value for value in old if _field_of(value) not in said]
    if not gone:
        return payload, body
    left = unread()
    kept = [value for value in gone if _field_of(value) in left]
    nulls = [{**value, "value": None} for value in gone if _field_of(value) not in left]
    if nulls:
        body = msgspec.json.encode({**msgspec.json.decode(body), "customFields": [*values, *nulls]})
    if kept:
        payload = msgspec.json.encode({**new, "customFields": [*values, *kept]}, order="sorted")
    return payload, body


def with_emptied_contacts(payload: bytes, before: bytes | None, columns: Collection[str]) -> bytes:
    """Return the payload with null for emptied fields of the customer's remaining contacts.

    The list replaces the customer's contacts (docs/api-evidence.md, Contacts), but each entry is
    merged into the existing contact, so a field that is left out would keep its value. Without a
    payload `before`, every field that is missing and whose column the model makes becomes null.
    """
    new = msgspec.json.decode(payload)
    if not new.get("contacts"):
        return payload
    old = None if before is None else msgspec.json.decode(before).get("contacts") or []
    unnamed = clearable("contact", columns)
    contacts = []
    for contact in new["contacts"]:
        had: Collection[str] = unnamed
        if old is not None:
            had = next((one.keys() for one in old if _is_same(one, contact)), ())
        gone = [field for field in unnamed if field in had and field not in contact]
        contacts.append(contact | dict.fromkeys(gone))
    return (
        payload
        if contacts == new["contacts"]
        else msgspec.json.encode(new | {"contacts": contacts})
    )


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if "externalId" in one and "externalId" in other:
        return bool(one["externalId"] == other["externalId"])
    return bool(one["email"].casefold() == other["email"].casefold())


FieldKey = tuple[str | None, str | None]
"""A custom field as payloads identify it: (id, external id), one of them None."""


def _field_of(value: dict[str, Any]) -> FieldKey:
    return value.get("id"), value.get("externalId")


_BINDING = {
    field.wire for record in SENT.values() for field in sent_fields(record) if field.rule.binds
}


class LinkChange(Struct, frozen=True):
    """How an update changes the links of a record."""

    rebinds: bool = True
    """Whether customer, currency, amounts, links or parent change."""
    frees: tuple[Key, ...] = (UNKNOWN_LINK,)
    """Documents from which it takes back a link or part of one."""
    release: bytes | None = None
    """The payload of a release: what the API has without the links that are given back; None if
    none is."""


def link_change(before: bytes, after: bytes, also: Collection[Key] = ()) -> LinkChange:
    """Return how an update changes links.

    All links are given back when the customer or currency changes. Links to the records in `also`
    are given back in any case; the update itself adds them again.
    """
    old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    rebinds = any(old.get(name) != new.get(name) for name in (*_BINDING, *LINKS))
    moves = any(old.get(name) != new.get(name) for name in ("customer", "currency"))
    frees: list[Key] = []
    for name, field in LINKS.items():
        reference, entity = field.reference, field.refers
        kept = {}
        if not moves:
            for link in new.get(name) or []:
                kept[link[reference]["externalId"]] = link["amountLinked"]
        rest = []
        for link in old.get(name) or []:
            external_id = link[reference]["externalId"]
            amount = min(link["amountLinked"], kept.get(external_id, 0))
            if (entity, external_id) in also:
                amount = 0
            if amount < link["amountLinked"]:
                frees.append((entity, external_id))
            if amount:
                rest.append({**link, "amountLinked": amount})
        if name in old:
            old[name] = rest
    return LinkChange(rebinds, tuple(frees), msgspec.json.encode(old) if frees else None)


def unknown_link_change(after: bytes) -> LinkChange:
    """Return the link change of an update without earlier payload: it may give back any link."""
    new = msgspec.json.decode(after)
    links = new.keys() & LINKS.keys()
    if not links:
        return LinkChange()
    return LinkChange(release=msgspec.json.encode(new | {name: [] for name in links}))


def link_change_of_deleted(before: bytes | None) -> LinkChange:
    """Return the link change of a deletion, which gives back all links."""
    if before is None:
        return LinkChange()
    old = msgspec.json.decode(before)
    frees = tuple(
        (field.refers, link[field.reference]["externalId"])
        for name, field in LINKS.items()
        for link in old.get(name) or []
    )
    return LinkChange(frees=frees)


def without_links(payload: bytes) -> bytes:
    """Return the payload without empty lists of links, so that links made in Upflow stay."""
    record = msgspec.json.decode(payload)
    kept = {name: value for name, value in record.items() if value or name not in LINKS}
    return msgspec.json.encode(kept) if len(kept) < len(record) else payload


def without_links_to(payload: bytes, missing: Collection[Key]) -> bytes:
    """Return the payload without its links to these records."""
    record = msgspec.json.decode(payload)
    for name, field in LINKS.items():
        if record.get(name):
            record[name] = [
                link
                for link in record[name]
                if (field.refers, link[field.reference]["externalId"]) not in missing
            ]
    return msgspec.json.encode(record, order="sorted")


def with_late_links_out(
    payload: bytes, before: bytes | None, late: Collection[Key], also: Collection[Key] = ()
) -> bytes:
    """Return the payload without its late links, which a request of their own sends later.

    A link to a record in `late` keeps the amount that it already has in the payload `before`, or is
    left out if it has none. Links to records in `also` are released first, so `before` does not
    count for them.
    """
    record = msgspec.json.decode(payload)
    old = {} if before is None else msgspec.json.decode(before)
    for name, field in LINKS.items():
        reference, entity = field.reference, field.refers
        had = {
            link[reference]["externalId"]: link["amountLinked"]
            for link in old.get(name) or []
            if (entity, link[reference]["externalId"]) not in also
        }
        links = []
        for link in record.get(name) or []:
            external_id, amount = link[reference]["externalId"], link["amountLinked"]
            if (entity, external_id) in late:
                amount = min(amount, had.get(external_id, 0))
            if amount:
                links.append({**link, "amountLinked": amount})
        if name in record:
            record[name] = links
    return msgspec.json.encode(record, order="sorted")


def with_own_links(payload: bytes, before: bytes) -> bytes:
    """Return the payload of a claimed record without empty lists of links, if none was ever sent.

    An update of a claimed record must not remove links that were made in Upflow.
    """
    old = msgspec.json.decode(before)
    if old.keys() & LINKS.keys():
        return payload
    return without_links(payload)
