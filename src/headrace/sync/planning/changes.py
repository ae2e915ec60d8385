"""The operations of a plan for people: each with its changed fields, names and money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb

from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.model.clock import format_instant
from headrace.model.entity import LINKS
from headrace.sync.journal import Asked, Journal, Key
from headrace.sync.journal.records import Fields
from headrace.sync.operations.pdf_digests import PDF_OF
from headrace.sync.operations.update import link_change, with_late_links_out
from headrace.sync.ordering.links import linkage_of
from headrace.sync.ordering.resolver import divided
from headrace.sync.planning.names import Name, Names
from headrace.sync.planning.payload_changes import field_changes
from headrace.sync.planning.plan import Change

_CHUNK = 2_000
_LINK = re.compile(rf"({'|'.join(LINKS)})\[(.*?)\](?=\.amountLinked$)")


class Changes:
    """Reads the operations of the last plan from `plan.operations`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, payloads: Payloads, journal: Journal
    ) -> None:
        self._connection = connection
        self._payloads = payloads
        self._journal = journal
        self._names = Names(connection, journal)

    def read(self, limit: int | None = None) -> Iterator[Change]:
        """Yield the operations in the order of their delivery, at most `limit` of them.

        A creation has all its fields. An update has the fields that differ from the last
        acknowledged payload, or none if the journal did not keep it. A release has the links that
        it gives back, and a link operation has the late links that it adds.
        """
        cursor = self._connection.cursor()
        cursor.execute(
            "select entity, external_id, action, customer, currency from plan.operations "
            "order by number limit ?",
            [limit if limit is not None else 2**62],
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield from self._chunk(rows)

    def _chunk(self, rows: list[tuple[Any, ...]]) -> Iterator[Change]:
        ways = divided(self._connection)
        asked = self._journal.asked()
        acknowledged = self._journal.acknowledged(
            [(row[0], row[1]) for row in rows if row[2] != "create"]
        )
        bodies: dict[tuple[str, str], bytes] = {}
        for entity in sorted({row[0] for row in rows} - PDF_OF.keys()):
            wanted = {row[1] for row in rows if row[0] == entity and row[2] != "delete"}
            for external_id, record in self._payloads.fetch(entity, list(wanted)).items():
                bodies[entity, external_id] = encode_payload(record)[0]
        found: list[tuple[Any, ...]] = []
        for entity, external_id, action, customer, currency in rows:
            before = acknowledged.get((entity, external_id))
            old = b"{}" if before is None else before.payload
            new = bodies.get((entity, external_id), b"{}")
            also = ways.given_back.get((entity, external_id), ())
            if action == "release" and old is not None:
                new = link_change(old, new, also).release or old
                currency = linkage_of(old).currency
            elif late := ways.late.get((entity, external_id)):
                part = with_late_links_out(new, old, late, also)
                old, new = (part, new) if action == "link" else (old, part)
            fields = field_changes(old, new) if old is not None and entity not in PDF_OF else []
            found.append((entity, external_id, action, customer, currency, fields, old, new))
        targets = [_targets(row[5]) for row in found]
        names = self._names.of(
            [(row[0], row[1]) for row in rows] + [key for own in targets for key in own.values()]
        )
        for row, own in zip(found, targets, strict=True):
            entity, external_id, action, customer, currency, fields, old, new = row
            name = names[entity, external_id]
            yield Change(
                entity,
                external_id,
                action,
                fields,
                customer or name.customer,
                currency or name.currency,
                name.customer_name,
                name.number,
                _money(action, name, old, new),
                {path: names[key].number for path, key in own.items() if names[key].number},
                _moment(asked.get((entity, external_id))),
            )


def _moment(asked: Asked | None) -> str:
    return format_instant(datetime.fromtimestamp(asked.asked_at, UTC)) if asked else ""


def _targets(fields: Fields) -> dict[str, Key]:
    """Return the linked record of each link field, by the field's name up to its bracket."""
    found = (_LINK.match(name) for name, _, _ in fields)
    return {link[0]: (LINKS[link[1]].refers, link[2]) for link in found if link}


def _money(action: str, name: Name, old: bytes | None, new: bytes) -> int | None:
    """Return the record's amount; for an update, the change of its open amount.

    Returns None where that is unknown, and where an update changes the currency.
    """
    if action not in ("update", "link"):
        return name.amount
    if name.amount is None or old is None:
        return None
    before, after = linkage_of(old), linkage_of(new)
    return after.open - before.open if before.currency == after.currency else None
