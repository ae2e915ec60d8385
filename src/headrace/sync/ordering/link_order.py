"""Finds the orders in which the API accepts changes to both ends of a link.

The API checks every request by itself (docs/api-evidence.md, Links): both ends of a link must have
the same currency and customers of the same family, a customer can't get another parent while a link
connects it with its old family, and a payment that a refund refers to can't be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations, pairwise, permutations

from msgspec import Struct

from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage


class Transition(Struct, frozen=True):
    """A record before and after its request; None where it does not exist."""

    key: Key
    before: Linkage | None
    after: Linkage | None


class LinkOrder(Struct, frozen=True):
    """A link from `owner` to `target`; `moves` are the requests that can make it invalid."""

    owner: Transition
    target: Transition
    parents: Mapping[str, str]
    """Parents by customer, before the first request."""
    moves: Sequence[Transition]

    def constraints(self) -> list[tuple[Key, Key]] | None:
        """Return (first, then) pairs that allow only valid orders; None if no order is valid."""
        # A link has few moves: owner, target, and their customers whose parents change. So all
        # orders are tried, which is simpler than rules about each case. Example: payment P of
        # customer A settles invoice I of A, and both move to customer B, which is unrelated to A.
        # Whichever goes first, the link would connect two families in between, so no order is
        # valid.
        keys = [move.key for move in self.moves]
        orders = list(permutations(keys))
        allowed = {order for order in orders if self._may(order)}
        if not allowed:
            return None
        common = [pair for pair in permutations(keys, 2) if _all_keep(allowed, pair)]
        # Pairs can't express "either A first or C first". Where the valid orders need that, more
        # pairs pick one of the alternatives. An example: payment P of A settles invoice I of B,
        # both are deleted, and A and B leave their family. One of P and I has to go before A and B
        # do, so "P before A and before B" is picked, which leaves I free. If nothing of that kind
        # helps, the alphabetically first valid order is prescribed as a whole: it is more than
        # needed, but the same in every run.
        ends = (self.owner.key, self.target.key)
        by_end = [pair for pair in permutations(keys, 2) if pair[0] in ends]
        one_more = ((pair,) for pair in permutations(keys, 2))
        several = (more for size in (2, 3) for more in combinations(by_end, size))
        for more in chain([()], one_more, several, [tuple(pairwise(min(allowed)))]):
            pairs = [*common, *more]
            within = _within(orders, pairs)
            if within and within <= allowed:
                return _reduced(pairs)
        raise AssertionError(allowed)

    def _may(self, order: Sequence[Key]) -> bool:
        """Whether the link is valid after each request of the order and causes no refusal."""
        by_key = {move.key: move for move in self.moves}
        landed: set[Key] = set()
        for key in order:
            if not self._admits(by_key[key], landed):
                return False
            landed.add(key)
            if not self._sound(landed):
                return False
        return True

    def _ends(self, landed: set[Key]) -> tuple[Linkage, Linkage] | None:
        """Return both ends once `landed` are acknowledged; None if no link connects them then."""
        owner = self.owner.after if self.owner.key in landed else self.owner.before
        target = self.target.after if self.target.key in landed else self.target.before
        if owner is None or target is None or not owner.links.get(self.target.key):
            return None
        return owner, target

    def _sound(self, landed: set[Key]) -> bool:
        ends = self._ends(landed)
        if ends is None:
            return True
        owner, target = ends
        one, other = owner.customer, target.customer
        parents = dict(self.parents) | {
            move.key[1]: move.after.parent
            for move in self.moves
            if move.key[0] == "customer" and move.key in landed and move.after is not None
        }
        # While a parent and its child swap roles, each may be the other's parent in between, so
        # the customers count as related if the sets of customer and parent overlap.
        related = one == other or bool(
            {parents.get(one) or one, one} & {parents.get(other) or other, other}
        )
        return related and owner.currency == target.currency

    def _admits(self, move: Transition, landed: set[Key]) -> bool:
        ends = self._ends(landed)
        if ends is None:
            return True
        if move.key == self.target.key and move.after is None:
            return self.owner.key[0] != "refund"
        if move.key[0] != "customer" or move.before is None or not move.before.parent:
            return True
        customers = {ends[0].customer, ends[1].customer}
        return len(customers) == 1 or move.key[1] not in customers


def _all_keep(orders: Iterable[Sequence[Key]], pair: tuple[Key, Key]) -> bool:
    first, then = pair
    return all(order.index(first) < order.index(then) for order in orders)


def _within(
    orders: Iterable[tuple[Key, ...]], pairs: Sequence[tuple[Key, Key]]
) -> set[tuple[Key, ...]]:
    """Return the orders that satisfy all pairs."""
    return {order for order in orders if all(_all_keep((order,), pair) for pair in pairs)}


def _reduced(pairs: Sequence[tuple[Key, Key]]) -> list[tuple[Key, Key]]:
    """Drop pairs that follow from two others.

    The graph may later drop single pairs to break a cycle. A redundant pair would still enforce the
    one that was dropped.
    """
    return [
        (first, then)
        for first, then in pairs
        if not any(one == first and (other, then) in pairs for one, other in pairs)
    ]
