"""Orders changes that conflict with each other so that the API accepts each request.

The API validates every request by itself, against what it has at that moment. Example: payment P
settles invoice I of 100. In the source, P now settles invoice J, and payment Q settles I. If Q goes
first, the API refuses it, because I is still settled in full. So Q waits for P, even though they
may be in lanes of different customers.

Where no order is valid, a record is split into several requests (see `order_graph.py`). This is
done during planning and not after a refusal, so that the plan shows what will be sent. Only records
whose links, owners, currencies, amounts or families change are considered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import duckdb
from msgspec import Struct

from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.repeated import run
from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import LinkOrder, Transition
from headrace.sync.ordering.links import Linkage
from headrace.sync.ordering.neighbours import Moved, Neighbours
from headrace.sync.ordering.order_graph import RECORD, RELEASE, Graph, LinkKey, Step

MAX_MOVED = 100_000
"""Maximum number of moved records to order. With more, refused requests are sent once more."""

_STAGES = {"customer": 1, "invoice": 2, "credit_note": 3, "payment": 3, "refund": 4}


def resolve(
    connection: duckdb.DuckDBPyConnection, moved: Moved, waiting: Mapping[Key, Linkage] = {}
) -> None:
    """Create `plan.steps`, `plan.step_waits`, `plan.given_back` and `plan.late_links`.

    `moved` has the linkage of each changed record before and after; `waiting` has the linkage of
    records that stay as the API has them. `planning/tables.py` describes the tables.
    """
    ranked: list[Step] = []
    waits: list[tuple[Step, Step]] = []
    parted: set[LinkKey] = set()
    late: list[LinkKey] = []
    if any(after or before.links or key[0] == "customer" for key, (before, after) in moved.items()):
        builder = _GraphBuilder(Neighbours(connection, moved, waiting), moved)
        ranked = builder.graph.order()
        waits = builder.graph.waits
        parted = builder.graph.parted
        late = [(key, target) for key, links in builder.graph.late.items() for target in links]
        waits += [((key, RECORD), (child, RECORD)) for key, child in builder.departures]
    make_table(
        connection,
        "table plan.steps",
        (*KEY_COLUMNS, "step integer", "customer varchar", "rank bigint"),
        (
            (*key, step, moved[key][0].customer if step == RELEASE else None, rank)
            for rank, (key, step) in enumerate(ranked, 1)
        ),
    )
    for table, links in (("given_back", parted), ("late_links", late)):
        make_table(
            connection,
            f"table plan.{table}",
            (*KEY_COLUMNS, "to_entity varchar", "to_external_id varchar"),
            ((*owner, *target) for owner, target in sorted(links)),
        )
    make_table(
        connection,
        "table plan.step_waits",
        (
            *(*KEY_COLUMNS, "step integer"),
            *("on_entity varchar", "on_external_id varchar", "on_step integer"),
        ),
        ((*one, step, *other, its) for (one, step), (other, its) in waits),
    )


class Divided(Struct, frozen=True):
    """Links of records that are split into several requests, by record."""

    given_back: dict[Key, list[Key]]
    """Links that are released and added again."""
    late: dict[Key, list[Key]]
    """Late links, which a later request adds."""


def divided(connection: duckdb.DuckDBPyConnection) -> Divided:
    """Return the splits of the last plan."""
    tables: list[dict[Key, list[Key]]] = []
    for table in ("given_back", "late_links"):
        found: dict[Key, list[Key]] = defaultdict(list)
        for entity, external_id, *target in run(connection, f"from plan.{table}").fetchall():
            found[entity, external_id].append((target[0], target[1]))
        tables.append(found)
    return Divided(*tables)


def _place(key: Key) -> tuple[int, str, str]:
    return _STAGES[key[0]], *key


class _GraphBuilder:
    """Builds the graph of the moved records."""

    def __init__(self, neighbours: Neighbours, moved: Moved) -> None:
        self._neighbours = neighbours
        self._moved = moved
        self.graph = Graph(_place)
        self._arriving: set[Key] = set()
        """New customers that wait for their parents."""
        self.departures: list[tuple[Key, Key]] = []
        """(deleted customer, child that must move or be deleted first)."""
        self._add_families()
        for target, owners in neighbours.owners.items():
            for owner in owners:
                self._add_link(owner, target)
        for key in neighbours.owners.keys() | {key for key in moved if key[0] != "customer"}:
            self._add_amounts(key)

    def _add_families(self) -> None:
        """Add waits between customers: families have two levels, a parent and its children.

        A customer that becomes a child waits until its own children have left, and until its new
        parent is no longer a child itself. New children wait for a parent that was a child.
        """
        customers = {
            key: linkage
            for key, linkage in self._moved.items()
            if key[0] == "customer" and key in self._neighbours.actions
        }
        children: dict[str, list[Key]] = defaultdict(list)
        for key, (before, _) in customers.items():
            if before.parent:
                children[before.parent].append(key)
        for key, (before, after) in customers.items():
            if after is None:
                self.departures += [(key, child) for child in children[key[1]]]
            elif before.parent and not after.parent:
                for child in self._neighbours.new_children.get(key[1], ()):
                    self._add_arrival(key, child)
            elif after.parent and after.parent != before.parent:
                parent = ("customer", after.parent)
                elders = [parent] if parent in customers and customers[parent][0].parent else []
                for first in (*children[key[1]], *elders):
                    self.graph.lands(first, key)
                    if customers[first][1] is None:
                        self._add_departure(first)

    def _add_arrival(self, parent: Key, child: Key) -> None:
        """Make a new child wait for its parent, and documents that move to the child for it."""
        self._arriving.add(child)
        self.graph.lands(parent, child)
        for key, (_, after) in self._moved.items():
            if after is not None and after.customer == child[1] and key in self._neighbours.actions:
                self.graph.lands(child, key)

    def _add_departure(self, customer: Key) -> None:
        """Make a deleted customer wait until its documents are deleted or have moved."""
        for document in self._neighbours.acknowledged_documents.get(customer[1], ()):
            if document in self._neighbours.actions:
                self.graph.lands(document, customer)

    def _add_link(self, owner: Key, target: Key) -> None:
        giving, taking = self._neighbours.transition(owner), self._neighbours.transition(target)
        self._add_new(giving)
        self._add_new(taking)
        if self._neighbours.actions.get(target) == "create":
            if owner in self._neighbours.actions and self._neighbours.links_to(owner, target):
                self.graph.lands(target, owner, (target,))
            taking = Transition(target, taking.after, taking.after)
        moves = [transition for transition in (giving, taking) if self._matters(transition, target)]
        moves += self._families(giving, taking)
        if len(moves) < 2:
            return
        pairs = LinkOrder(giving, taking, self._neighbours.parents, moves).constraints()
        if not _linked(giving.before, target):
            self._add_new_link(owner, target, moves, pairs)
            return
        link = (owner, target)
        may_part = owner in self._moved and _linked(giving.after, target) > 0
        if may_part:
            self.graph.may_part(link, [move.key for move in moves])
        if pairs is None:
            if may_part:
                # No order is valid: the link is released first and added again last.
                self.graph.divide(owner)
                self.graph.part(link)
            return
        for first, then in pairs:
            splittable = first == owner and _gives_back_all(giving, target)
            self.graph.frees(first, then, splittable=splittable, link=link)

    def _add_new(self, transition: Transition) -> None:
        """Make a new document of an arriving customer wait for it."""
        if transition.before is not None or transition.after is None:
            return
        if (customer := ("customer", transition.after.customer)) in self._arriving:
            self.graph.lands(customer, transition.key)

    def _add_new_link(
        self,
        owner: Key,
        target: Key,
        moves: list[Transition],
        pairs: list[tuple[Key, Key]] | None,
    ) -> None:
        """Make a new link wait for all moves; without the link the record need not wait."""
        if pairs is None or any(then != owner for _, then in pairs):
            pairs = [(move.key, owner) for move in moves]
        for first, then in pairs:
            self.graph.lands(first, then, (target,))

    def _matters(self, transition: Transition, target: Key) -> bool:
        """Whether the request changes anything that decides whether a link to `target` is valid."""
        before, after = transition.before, transition.after
        if transition.key not in self._neighbours.actions:
            return False
        if before is None or after is None:
            return before is not after
        binding = (before.customer, before.currency, before.links.get(target))
        return binding != (after.customer, after.currency, after.links.get(target))

    def _families(self, *ends: Transition) -> list[Transition]:
        """Return the customers of both ends whose parents change."""
        sides = (
            linkage
            for transition in ends
            for linkage in (transition.before, transition.after)
            if linkage is not None
        )
        transitions = [
            self._neighbours.transition(("customer", customer))
            for customer in sorted({linkage.customer for linkage in sides})
        ]
        return [
            transition
            for transition in transitions
            if transition.before
            and transition.after
            and transition.before.parent != transition.after.parent
        ]

    def _add_amounts(self, key: Key) -> None:
        """Make links that need room in a document wait for those that make room.

        The API refuses links that exceed a document's amount. Example: invoice I of 100 is settled
        by P with 80, and in the source by P with 30 and Q with 70. Q's link fits only after P's has
        shrunk. No wait is added where the links before and after fit together, as with an invoice
        of 200: fewer waits allow more lanes to run at the same time.
        """
        own = self._neighbours.transition(key)
        if own.before is None or own.after is None:
            return
        transitions = [
            self._neighbours.transition(owner)
            for owner in sorted(self._neighbours.owners.get(key, ()))
        ]
        changes = [
            (_linked(transition.after, key) - _linked(transition.before, key), transition)
            for transition in transitions
        ]
        settled = sum(own.after.links.values()) - sum(own.before.links.values())
        used = sum(_linked(transition.after, key) for transition in transitions) + sum(
            own.after.links.values()
        )
        given = max(0, -settled) - sum(change for change, _ in changes if change < 0)
        if min(own.before.amount, own.after.amount) >= used + given:
            return
        acting = [one for one in changes if one[1].key in self._neighbours.actions]
        gains: list[tuple[Key, list[Key]]] = [
            (transition.key, [key]) for n, transition in acting if n > 0
        ]
        losses = [transition for change, transition in acting if change < 0]
        acts = key in self._neighbours.actions
        if acts and own.after.amount < own.before.amount:
            gains.append((key, []))
        elif acts and settled > 0:
            gains.append((key, _grown(own)))
        for gain, links in gains:
            for loss in losses:
                splittable = loss.after is not None
                self.graph.frees(loss.key, gain, splittable=splittable, links=links)
            if acts and own.after.amount > own.before.amount:
                self.graph.lands(key, gain, links)
            elif acts and settled < 0:
                self.graph.frees(key, gain, splittable=True, links=links)


def _grown(transition: Transition) -> list[Key]:
    """Return the targets whose linked amounts grow."""
    links = transition.after.links if transition.after else {}
    return [
        target for target, amount in links.items() if amount > _linked(transition.before, target)
    ]


def _linked(linkage: Linkage | None, target: Key) -> int:
    return 0 if linkage is None else linkage.links.get(target, 0)


def _gives_back_all(transition: Transition, target: Key) -> bool:
    """Whether a release of the record removes the link."""
    before, after = transition.before, transition.after
    if before is None or after is None:
        return False
    moves = (before.customer, before.currency) != (after.customer, after.currency)
    return moves or not after.links.get(target)
