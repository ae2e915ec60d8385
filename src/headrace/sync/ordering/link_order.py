"""One link between two records that both change: which of them may go first.

The API looks at every request by itself (api-facts (f), Links): both sides of a link have one
currency and customers of one family, a customer with another parent has no link
across its old family, and a payment that a refund refers to is not deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, permutations

from msgspec import Struct

from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage


class Transition(Struct, frozen=True):
    """What one request makes of a record; None for what is not there before or after it."""

    key: Key
    before: Linkage | None
    after: Linkage | None


class LinkOrder(Struct, frozen=True):
    """A link from `owner` to `target`; `moves` are the requests that may matter for it."""

    owner: Transition
    target: Transition
    parents: Mapping[str, str]
    """Customer to parent, before anything moves."""
    moves: Sequence[Transition]

    def constraints(self) -> list[tuple[Key, Key]] | None:
        """(first, then) pairs with which every order is allowed; None when no order is."""
        keys = [move.key for move in self.moves]
        orders = list(permutations(keys))
        allowed = {order for order in orders if self._may(order)}
        if not allowed:
            return None
        common = [pair for pair in permutations(keys, 2) if _all_keep(allowed, pair)]
        # Where it takes this or that first, which pairs can't say, one more decides between them.
        one_more = ([pair] for pair in permutations(keys, 2))
        for more in ([], *one_more, list(pairwise(min(allowed)))):
            pairs = [*common, *more]
            within = _within(orders, pairs)
            if within and within <= allowed:
                return _reduced(pairs)
        raise AssertionError(allowed)

    def _may(self, order: Sequence[Key]) -> bool:
        """Whether the link is sound after each request, and lets each pass."""
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
        """Both sides as they are now; None when there is no link between them."""
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
        # While a parent and its child change places, each is the other's parent for a moment.
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
    """The orders that keep to all pairs."""
    return {order for order in orders if all(_all_keep((order,), pair) for pair in pairs)}


def _reduced(pairs: Sequence[tuple[Key, Key]]) -> list[tuple[Key, Key]]:
    """Without what follows from two others: it would hold when one of them no longer does."""
    return [
        (first, then)
        for first, then in pairs
        if not any(one == first and (other, then) in pairs for one, other in pairs)
    ]
