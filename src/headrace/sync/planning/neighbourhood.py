"""The neighbourhood of records in error: rows, links and journal entries around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set
from functools import cached_property
from typing import Any

import duckdb

from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.repeated import run
from headrace.sync.journal import Journal, Key
from headrace.sync.ordering.links import LINKS_AROUND, ROWS_AROUND, Linkage, linkage_of

Pair = tuple[Key, Key]
"""A link: the settlement, and the document that it settles."""
_LINKED_ACROSS = """
with customers as (
    select unnest($1::varchar[]) as customer
),
own as (
    select external_id from book.placed where customer in (from customers)
),
near as (
    from book.links where from_external_id in (from own)
    union
    from book.links where to_external_id in (from own)
),
ends as (
    select entity, external_id, customer
    from book.placed
    where external_id in (select unnest([from_external_id, to_external_id]) from near)
)
select from_entity, from_external_id, to_entity, to_external_id
from near
join ends as source
    on source.entity = from_entity and source.external_id = from_external_id
join ends as target
    on target.entity = to_entity and target.external_id = to_external_id
where source.customer <> target.customer
    and (source.customer in (from customers) or target.customer in (from customers))
"""
"""Reads the documents of few customers, and the other ends of their links."""


class Neighbourhood:
    """Records around errors, loaded on demand: the cost depends on the errors, not on the book."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal
        self._loaded: set[Key] = set()
        self._known: set[Key] = set()
        self._synthetic: set[Key] = set()
        self._owned: dict[Key, set[Key]] = defaultdict(set)
        self._owners: dict[Key, set[Key]] = defaultdict(set)
        self.rows: dict[Key, Linkage] = {}
        """Records as their rows have them, without links."""
        self.acknowledged: dict[Key, Linkage] = {}
        """Records as the API has them, where the journal kept their payload."""
        self.sound: dict[Pair, int] = {}
        """Amounts of the links whose rows have no error."""

    def load(self, keys: Iterable[Key]) -> None:
        """Load these records and their links, unless they are loaded already."""
        new = set(keys) - self._loaded
        if not new:
            return
        self._loaded |= new
        for key, acknowledged in self._journal.acknowledged(sorted(new)).items():
            self._known.add(key)
            if acknowledged.payload is not None:
                self.acknowledged[key] = linkage_of(acknowledged.payload)
        make_table(self._connection, "temp table around", KEY_COLUMNS, new)
        self._read_rows()
        self._read_links()

    def load_customers(self, documents: Iterable[Key]) -> None:
        """Load the customers of documents whose links lead to other customers, all at once."""
        across: set[str] = set()
        for key in documents:
            owners = {self._customer(end) for end in (key, *self.linked(key))}
            if len(owners) > 1:
                across |= owners
        self.load(("customer", customer) for customer in across if customer)

    def _customer(self, key: Key) -> str:
        linkage = self.acknowledged.get(key) or self.rows.get(key)
        return linkage.customer if linkage else ""

    def _read_rows(self) -> None:
        for entity, external_id, customer, currency, amount, origin in self._rows(ROWS_AROUND):
            key = entity, external_id
            self.rows[key] = Linkage(
                customer=customer or "", currency=currency or "", amount=amount or 0
            )
            if origin in ("fix", "settlement"):
                self._synthetic.add(key)

    def _read_links(self) -> None:
        for from_entity, from_id, to_entity, to_id, amount in self._rows(LINKS_AROUND):
            owner, target = (from_entity, from_id), (to_entity, to_id)
            self.sound[owner, target] = amount
            self._owned[owner].add(target)
            self._owners[target].add(owner)

    def is_acknowledged(self, key: Key) -> bool:
        """Whether the API has the record."""
        return key in self._known

    def is_synthetic(self, key: Key) -> bool:
        """Whether the record is a synthetic payment, which exists only for its link."""
        return key in self._synthetic

    def owned(self, key: Key) -> Set[Key]:
        """Return the documents that the record settles, by rows without errors."""
        return self._owned.get(key, set())

    def owners(self, key: Key) -> Set[Key]:
        """Return the settlements of the record, by rows without errors."""
        return self._owners.get(key, set())

    def linked(self, key: Key) -> set[Key]:
        """Return the other ends of the record's links, in its rows and at the API."""
        held = self.acknowledged.get(key)
        return {*self.owned(key), *self.owners(key), *(held.links if held else ())}

    def moves(self, key: Key) -> bool:
        """Whether the row's customer or currency differs from the API's.

        True if the API has the record and either side is unknown.
        """
        row, held = self.rows.get(key), self.acknowledged.get(key)
        if not self.is_acknowledged(key):
            return False
        if row is None or held is None:
            return True
        return (row.customer, row.currency) != (held.customer, held.currency)

    # families --------------------------------------------------------------------------------

    @cached_property
    def roots(self) -> dict[str, str]:
        """The root of each customer that has a parent."""
        return dict(self._rows("select external_id, root from book.roots"))

    def forget_families(self) -> None:
        """Discard the cached roots, after `Book.climb` computed them again."""
        self.__dict__.pop("roots", None)

    def root(self, customer: str) -> str:
        """Return the root of the customer's family: the customer itself if it has no parent."""
        return self.roots.get(customer, customer)

    def changes_family(self, customer: str) -> bool:
        """Whether the customer's row would change its parent at the API.

        True if the API has the customer and its parent there is unknown.
        """
        key = ("customer", customer)
        self.load([key])
        held = self.acknowledged.get(key)
        if held is None:
            return self.is_acknowledged(key)
        return held.parent != self.roots.get(customer, "")

    def linked_across(self, customers: Iterable[str]) -> set[Key]:
        """Return both ends of all links between these customers' documents and other customers'."""
        ends: set[Key] = set()
        for from_entity, from_id, to_entity, to_id in run(
            self._connection, _LINKED_ACROSS, [list(customers)]
        ).fetchall():
            ends |= {(from_entity, from_id), (to_entity, to_id)}
        return ends

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()
