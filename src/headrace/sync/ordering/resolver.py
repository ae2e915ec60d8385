"""Changes that stand in each other's way, put in an order that the API takes.

A payment moves to an invoice that another one still covers, an invoice changes hands together with
what settles it: each request must find the API as the ones before it left it, over all lanes.
Where no order does it, a record gives back first what the others need, or goes without a link that
needs the others and gets that in a request of its own, so that the plan says beforehand what is
sent. Only what is tied to a change of links, owners, currencies, amounts or families is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import duckdb
from msgspec import Struct

from headrace.book.rows import KEY_COLUMNS, make_table
from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import Passage, Turn
from headrace.sync.ordering.links import Ties
from headrace.sync.ordering.neighbours import Moved, Surroundings
from headrace.sync.ordering.order_graph import RECORD, RELEASE, Bond, Graph, Step

MOST = 100_000
"""Moved records; of more the API may refuse some at first, which then go again."""

_STAGES = {"customer": 1, "invoice": 2, "credit_note": 3, "payment": 3, "refund": 4}


def untangle(
    connection: duckdb.DuckDBPyConnection, moved: Moved, waiting: Mapping[Key, Ties] = {}
) -> None:
    """Makes `plan.knots`, ranks of requests, those of releases with whose they are,
    `plan.knot_waits`, which of them waits for which one, `plan.given_back`, links that go for a
    moment although they stay, and `plan.late_links`, which a request of their own brings."""
    ranked: list[Step] = []
    waits: list[tuple[Step, Step]] = []
    passing: set[Bond] = set()
    late: list[Bond] = []
    if any(after or before.links or key[0] == "customer" for key, (before, after) in moved.items()):
        knots = _Knots(Surroundings(connection, moved, waiting), moved)
        ranked = knots.graph.order()
        waits = knots.graph.waits
        passing = knots.graph.parted
        late = [(key, target) for key, links in knots.graph.late.items() for target in links]
        waits += [((key, RECORD), (child, RECORD)) for key, child in knots.departures]
    make_table(
        connection,
        "table plan.knots",
        (*KEY_COLUMNS, "step integer", "customer varchar", "rank bigint"),
        (
            (*key, step, moved[key][0].customer if step == RELEASE else None, rank)
            for rank, (key, step) in enumerate(ranked, 1)
        ),
    )
    for table, links in (("given_back", passing), ("late_links", late)):
        make_table(
            connection,
            f"table plan.{table}",
            (*KEY_COLUMNS, "to_entity varchar", "to_external_id varchar"),
            ((*owner, *target) for owner, target in sorted(links)),
        )
    make_table(
        connection,
        "table plan.knot_waits",
        (
            *(*KEY_COLUMNS, "step integer"),
            *("on_entity varchar", "on_external_id varchar", "on_step integer"),
        ),
        ((*one, step, *other, its) for (one, step), (other, its) in waits),
    )


class Divided(Struct, frozen=True):
    """What goes in more requests than one, by settlement."""

    given_back: dict[Key, list[Key]]
    """Links that go for a moment although they stay."""
    late: dict[Key, list[Key]]
    """Links that a request of their own brings."""


def divided(connection: duckdb.DuckDBPyConnection) -> Divided:
    """Of the plan that was made last."""
    tables: list[dict[Key, list[Key]]] = []
    for table in ("given_back", "late_links"):
        found: dict[Key, list[Key]] = defaultdict(list)
        for entity, external_id, *target in connection.execute(f"from plan.{table}").fetchall():
            found[entity, external_id].append((target[0], target[1]))
        tables.append(found)
    return Divided(*tables)


def _place(key: Key) -> tuple[int, str, str]:
    return _STAGES[key[0]], *key


class _Knots:
    """Ties the graph of the moved records."""

    def __init__(self, around: Surroundings, moved: Moved) -> None:
        self._around = around
        self._moved = moved
        self.graph = Graph(_place)
        self._arriving: set[Key] = set()
        """New customers that have to wait for their parents."""
        self.departures: list[tuple[Key, Key]] = []
        """(customer that is deleted, child that moves or goes first)."""
        self._tie_families()
        for target, owners in around.owners.items():
            for owner in owners:
                self._tie_link(owner, target)
        for key in around.owners.keys() | {key for key in moved if key[0] != "customer"}:
            self._tie_amounts(key)

    def _tie_families(self) -> None:
        """A parent has none itself and a child no children: what goes does so first."""
        customers = {
            key: ties
            for key, ties in self._moved.items()
            if key[0] == "customer" and key in self._around.actions
        }
        children: dict[str, list[Key]] = defaultdict(list)
        for key, (before, _) in customers.items():
            if before.parent:
                children[before.parent].append(key)
        for key, (before, after) in customers.items():
            if after is None:
                self.departures += [(key, child) for child in children[key[1]]]
            elif before.parent and not after.parent:
                for child in self._around.new_children.get(key[1], ()):
                    self._tie_arrival(key, child)
            elif after.parent and after.parent != before.parent:
                parent = ("customer", after.parent)
                elders = [parent] if parent in customers and customers[parent][0].parent else []
                for first in (*children[key[1]], *elders):
                    self.graph.lands(first, key)
                    if customers[first][1] is None:
                        self._tie_departure(first)

    def _tie_arrival(self, parent: Key, child: Key) -> None:
        """A new child comes when its parent has none any more, and then what moves to it."""
        self._arriving.add(child)
        self.graph.lands(parent, child)
        for key, (_, after) in self._moved.items():
            if after is not None and after.customer == child[1] and key in self._around.actions:
                self.graph.lands(child, key)

    def _tie_departure(self, customer: Key) -> None:
        """A customer goes when its documents are gone, or others'."""
        for document in self._around.acknowledged_documents.get(customer[1], ()):
            if document in self._around.actions:
                self.graph.lands(document, customer)

    def _tie_link(self, owner: Key, target: Key) -> None:
        giving, taking = self._around.turn(owner), self._around.turn(target)
        self._tie_new(giving)
        self._tie_new(taking)
        if self._around.actions.get(target) == "create":
            if owner in self._around.actions and self._around.links_to(owner, target):
                self.graph.lands(target, owner, (target,))
            taking = Turn(target, taking.after, taking.after)
        moves = [turn for turn in (giving, taking) if self._matters(turn, target)]
        moves += self._families(giving, taking)
        if len(moves) < 2:
            return
        pairs = Passage(giving, taking, self._around.parents, moves).constraints()
        if not _linked(giving.before, target):
            self._tie_new_link(owner, target, moves, pairs)
            return
        bond = (owner, target)
        may_part = owner in self._moved and _linked(giving.after, target) > 0
        if may_part:
            self.graph.may_part(bond, [move.key for move in moves])
        if pairs is None:
            if may_part:
                # No order is allowed: the link goes first and comes back last.
                self.graph.divide(owner)
                self.graph.part(bond)
            return
        for first, then in pairs:
            splittable = first == owner and _gives_back_all(giving, target)
            self.graph.frees(first, then, splittable=splittable, bond=bond)

    def _tie_new(self, turn: Turn) -> None:
        """What is new of a new customer comes behind it."""
        if turn.before is not None or turn.after is None:
            return
        if (customer := ("customer", turn.after.customer)) in self._arriving:
            self.graph.lands(customer, turn.key)

    def _tie_new_link(
        self,
        owner: Key,
        target: Key,
        moves: list[Turn],
        pairs: list[tuple[Key, Key]] | None,
    ) -> None:
        """Without the link nothing is in the way, so that it may as well come last of all."""
        if pairs is None or any(then != owner for _, then in pairs):
            pairs = [(move.key, owner) for move in moves]
        for first, then in pairs:
            self.graph.lands(first, then, (target,))

    def _matters(self, turn: Turn, target: Key) -> bool:
        """Whether the request changes anything about a link to `target`."""
        before, after = turn.before, turn.after
        if turn.key not in self._around.actions:
            return False
        if before is None or after is None:
            return before is not after
        tied = (before.customer, before.currency, before.links.get(target))
        return tied != (after.customer, after.currency, after.links.get(target))

    def _families(self, *ends: Turn) -> list[Turn]:
        """Customers of both ends that get another parent."""
        sides = (ties for turn in ends for ties in (turn.before, turn.after) if ties is not None)
        turns = [
            self._around.turn(("customer", customer))
            for customer in sorted({ties.customer for ties in sides})
        ]
        return [
            turn
            for turn in turns
            if turn.before and turn.after and turn.before.parent != turn.after.parent
        ]

    def _tie_amounts(self, key: Key) -> None:
        """What gives room in a document goes before what takes it, unless there is enough."""
        own = self._around.turn(key)
        if own.before is None or own.after is None:
            return
        turns = [self._around.turn(owner) for owner in sorted(self._around.owners.get(key, ()))]
        changes = [(_linked(turn.after, key) - _linked(turn.before, key), turn) for turn in turns]
        settled = sum(own.after.links.values()) - sum(own.before.links.values())
        used = sum(_linked(turn.after, key) for turn in turns) + sum(own.after.links.values())
        given = max(0, -settled) - sum(change for change, _ in changes if change < 0)
        if min(own.before.amount, own.after.amount) >= used + given:
            return
        acting = [one for one in changes if one[1].key in self._around.actions]
        gains: list[tuple[Key, list[Key]]] = [(turn.key, [key]) for n, turn in acting if n > 0]
        losses = [turn for change, turn in acting if change < 0]
        acts = key in self._around.actions
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


def _grown(turn: Turn) -> list[Key]:
    """What it settles more of than before."""
    links = turn.after.links if turn.after else {}
    return [target for target, amount in links.items() if amount > _linked(turn.before, target)]


def _linked(ties: Ties | None, target: Key) -> int:
    return 0 if ties is None else ties.links.get(target, 0)


def _gives_back_all(turn: Turn, target: Key) -> bool:
    """Whether a release of the record takes the link away."""
    before, after = turn.before, turn.after
    if before is None or after is None:
        return False
    moves = (before.customer, before.currency) != (after.customer, after.currency)
    return moves or not after.links.get(target)
