"""Loads the neighbours of changed records: their links, the other ends and their families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

import duckdb

from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.repeated import run
from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import Transition
from headrace.sync.ordering.links import LINKS_AROUND, ROWS_AROUND, Linkage

Moved = Mapping[Key, tuple[Linkage, Linkage | None]]
"""Linkage (before, after) by record; None after a deletion."""


class Neighbours:
    """The neighbours of the moved records, read once from the book and from `plan.nodes`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        moved: Moved,
        waiting: Mapping[Key, Linkage] = {},
    ) -> None:
        """Load the neighbours of `moved`; `waiting` are records that stay as the API has them."""
        self._connection = connection
        self._moved = moved
        self._waiting = waiting
        self.actions: dict[Key, str] = {}
        """The plan's action, by record."""
        self.owners: dict[Key, set[Key]] = defaultdict(set)
        """Records with a link to the target, before or after the plan, by target."""
        self._owned: dict[Key, dict[Key, int]] = defaultdict(dict)
        self._now: dict[Key, Linkage] = {}
        self._read()
        for key, (before, _) in moved.items():
            for target in before.links:
                self.owners[target].add(key)
        self.parents: dict[str, str] = dict(self._rows("select external_id, root from book.roots"))
        """Parents by customer, as the API has them."""
        for key, (before, _) in moved.items():
            if key[0] == "customer":
                self.parents[key[1]] = before.parent
        for key, linkage in waiting.items():
            if key[0] == "customer":
                self.parents[key[1]] = linkage.parent

    def transition(self, key: Key) -> Transition:
        """Return the record before and after the plan; both are equal if it does not change."""
        action = self.actions.get(key)
        if action is not None and key in self._moved:
            return Transition(key, *self._moved[key])
        now = self._now.get(key)
        if now is not None:
            now = Linkage(now.customer, "", now.currency, now.amount, self._owned.get(key, {}))
        return Transition(key, None if action == "create" else now, now)

    def links_to(self, owner: Key, target: Key) -> bool:
        """Whether the source links `owner` to `target`."""
        return bool(self._owned.get(owner, {}).get(target))

    @cached_property
    def acknowledged_documents(self) -> dict[str, list[Key]]:
        """Documents of deleted customers that the API has, by customer."""
        found: dict[str, list[Key]] = defaultdict(list)
        for entity, external_id, customer in self._rows("from plan.acknowledged_documents"):
            found[customer].append((entity, external_id))
        return found

    @cached_property
    def new_children(self) -> dict[str, list[Key]]:
        """Customers that are created with a parent, by parent."""
        found: dict[str, list[Key]] = defaultdict(list)
        for external_id, parent in self._rows(
            "select external_id, root from book.roots semi join plan.nodes as node "
            "on node.entity = 'customer' and node.external_id = roots.external_id "
            "and node.action = 'create'"
        ):
            found[parent].append(("customer", external_id))
        return found

    def _read(self) -> None:
        """Read the links of the moved records, and of new records among their neighbours.

        A new neighbour can itself link to a moved record, so its links are followed too. An
        existing neighbour that does not move has no further influence. This keeps the set small.
        """
        wanted = set(self._moved)
        for before, after in self._moved.values():
            wanted |= before.links.keys() | (after.links.keys() if after else set())
        seen: set[Key] = set()
        while wanted:
            seen |= wanted
            around = wanted | self._follow(wanted)
            self._look_up(around - self._now.keys())
            wanted = {key for key in around - seen if self.actions.get(key) == "create"}

    def _follow(self, keys: Collection[Key]) -> set[Key]:
        """Read all links of these records and return both ends of each."""
        self._keys(keys)
        ends: set[Key] = set()
        for from_entity, from_id, to_entity, to_id, amount in self._rows(LINKS_AROUND):
            owner, target = (from_entity, from_id), (to_entity, to_id)
            self._owned[owner][target] = amount
            self.owners[target].add(owner)
            ends |= {owner, target}
        return ends

    def _look_up(self, keys: Collection[Key]) -> None:
        self._keys(keys)
        for entity, external_id, customer, currency, amount, _ in self._rows(ROWS_AROUND):
            self._now[entity, external_id] = Linkage(
                customer=customer or "", currency=currency or "", amount=amount or 0
            )
        self._now |= {key: self._waiting[key] for key in keys if key in self._waiting}
        for entity, external_id, action in self._rows(
            "select entity, external_id, action from plan.nodes "
            "semi join around using (entity, external_id)"
        ):
            self.actions[entity, external_id] = action

    def _keys(self, keys: Collection[Key]) -> None:
        make_table(self._connection, "temp table around", KEY_COLUMNS, keys)

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()
