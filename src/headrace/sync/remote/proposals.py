"""Proposals: records of the API without an external id, with their likely record of the book.

A person reviews them, as a table or a CSV file, before anything is linked.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct

from headrace.model.csv_text import CsvTable, restored
from headrace.model.entity import BY_NAME, CUSTOMER, ENTITIES
from headrace.model.errors import ConfigurationError
from headrace.sync.journal import Key

_FREE = resources.files("headrace.sync.remote").joinpath("sql", "free.sql").read_text("utf-8")


_NUMBER = {"customer": "name", "payment": "refNumber", "refund": "refNumber"}
"""The field by which people know a record; `customId` for other entities."""


class Proposal(Struct, frozen=True):
    """A record of the API (`id`) and the likely record of the source."""

    entity: str
    id: str
    external_id: str
    by: str
    """The values that they have in common."""
    shown: str
    """Its name or number at the API."""


class Unlinked(Struct, frozen=True):
    """A record of the API without an external id; `customer` is the API's id of its customer."""

    entity: str
    id: str
    shown: str
    customer: str
    currency: str
    amount: int
    emails: tuple[str, ...] = ()


def unlinked(entity: str, item: Mapping[str, Any]) -> Unlinked:
    """Return the comparable values of a record as the API lists it."""
    emails = [str(contact.get("email") or "") for contact in item.get("contacts") or []]
    owner = item.get("customerId") or (item.get("customer") or {}).get("id") or ""
    number = item.get(_NUMBER.get(entity, "customId"))
    return Unlinked(
        entity=entity,
        id=str(item["id"]),
        shown=str(number or ""),
        customer=str(owner),
        currency=str(item.get("currency") or ""),
        amount=int(item.get("grossAmount") or item.get("amount") or 0),
        emails=tuple(email.lower() for email in emails if email),
    )


class Proposer:
    """Proposes pairs where exactly one record of the book and one of the API have equal values."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Requires the table `plan.seen` (entity, external_id) of the API's external ids."""
        connection.execute(_FREE)
        self._connection = connection

    def propose(
        self, found: Sequence[Unlinked], customers: Mapping[str, str | None]
    ) -> list[Proposal]:
        """Return proposals for the records `found`.

        `customers` has the external ids of customers by the API's ids.
        """
        own = [one for one in found if one.entity == CUSTOMER.name]
        proposals = self._customers(own)
        owners = {**customers, **{one.id: one.external_id for one in proposals}}
        for entity in ENTITIES[1:]:
            here = [
                ((number.strip().lower(), customer, currency, amount), external_id)
                for external_id, customer, number, currency, amount in self._free(entity.name)
                if number
            ]
            there = [
                (
                    (one.shown.strip().lower(), owners.get(one.customer), one.currency, one.amount),
                    one,
                )
                for one in found
                if one.entity == entity.name and one.shown
            ]
            proposals += _pairs(here, there, "number, customer, currency and amount")
        return proposals

    def _customers(self, found: Sequence[Unlinked]) -> list[Proposal]:
        free = self._free(CUSTOMER.name)
        named = _pairs(
            [(str(name).strip().lower(), external_id) for external_id, _, name, _, _ in free],
            [(one.shown.strip().lower(), one) for one in found],
            "name",
        )
        taken = {one.id for one in named}, {one.external_id for one in named}
        emails = self._connection.execute(
            "select distinct lower(email), customer_external_id from book.contacts "
            "where customer_external_id in (select external_id from plan.free) "
            "and email is not null"
        ).fetchall()
        mailed = _pairs(
            [(email, external_id) for email, external_id in emails if external_id not in taken[1]],
            [(email, one) for one in found if one.id not in taken[0] for email in one.emails],
            "a contact's e-mail",
        )
        # Two contacts of one customer may belong to two others, so nothing is proposed for it.
        clear = [one for one in mailed if sum(_touch(one, other) for other in mailed) == 1]
        return [*named, *clear]

    def _free(self, entity: str) -> list[Any]:
        return self._connection.execute(
            "select external_id, customer, number, currency, amount from plan.free "
            "where entity = $1 order by external_id",
            [entity],
        ).fetchall()

    def is_free(self, key: Key) -> bool:
        """Whether the book has the record and the API has no record with its external id."""
        return bool(
            self._connection.execute(
                "select 1 from plan.free where entity = $1 and external_id = $2", list(key)
            ).fetchall()
        )


def _touch(one: Proposal, other: Proposal) -> bool:
    return one.id == other.id or one.external_id == other.external_id


def _pairs(
    here: Iterable[tuple[Hashable, str]], there: Iterable[tuple[Hashable, Unlinked]], by: str
) -> list[Proposal]:
    own: dict[Hashable, set[str]] = defaultdict(set)
    for key, external_id in here:
        own[key].add(external_id)
    theirs: dict[Hashable, dict[str, Unlinked]] = defaultdict(dict)
    for key, one in there:
        theirs[key][one.id] = one
    found: dict[str, Proposal] = {}
    for key, those in theirs.items():
        if len(those) == 1 and len(own.get(key, ())) == 1:
            (one,), (external_id,) = those.values(), own[key]
            found[f"{one.id} {external_id}"] = Proposal(
                one.entity, one.id, external_id, by, one.shown
            )
    return list(found.values())


def write_proposals(path: Path, proposals: Iterable[Proposal]) -> None:
    """Write a CSV file for review. Raises ConfigurationError when it can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = CsvTable(file, Proposal.__struct_fields__)
            for one in proposals:
                table.add((one.entity, one.id, one.external_id, one.by, one.shown))
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def read_proposals(path: Path) -> list[Proposal]:
    """Read the rows that remain in such a file; the columns `by` and `shown` are optional.

    Raises ConfigurationError, with the line, for an invalid file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} can't be read as CSV: {error}.") from None
    proposals = []
    for number, row in enumerate(rows, 2):
        if row.get("entity") not in BY_NAME or not row.get("id") or not row.get("external_id"):
            raise ConfigurationError(
                f"{path} line {number}: entity ({', '.join(BY_NAME)}), id and external_id are "
                "needed, as `headrace adopt --proposals FILE` writes them."
            )
        values = (row["entity"], restored(row["id"]), restored(row["external_id"]))
        proposals.append(Proposal(*values, row.get("by") or "", restored(row.get("shown") or "")))
    return proposals
