"""Finds out whether the API accepts the changes around a link that can't be released.

A plan usually releases a link that is in the way and adds it again later (`ordering/`). The link
of a record that waits stays, because nothing is sent of that record. So the link has to be valid
after each single request.

Example: A and B are children of C. Payment P of A is in error and settles invoice I of B. In the
source, A leaves C and becomes the parent of B. In the end both are of one family again, but
whichever leaves C first, the link would connect two families until the other has followed.
"""

from __future__ import annotations

from collections.abc import Collection

from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import LinkOrder, Transition
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.neighbourhood import Neighbourhood


def has_order(
    around: Neighbourhood, owner: Key, target: Transition, waiting: Collection[Key]
) -> bool:
    """Whether some order of the requests keeps the link from `owner`, which waits, to `target`.

    `target` has the settled document as the API has it and as it will be in the end; `waiting` are
    the records that stay as the API has them.
    """
    held = around.acknowledged.get(owner)
    giving = Transition(owner, held, held)
    ends = (held, target.before, target.after)
    customers = {linkage.customer for linkage in ends if linkage is not None}
    moving = _binding(target.before) != _binding(target.after)
    if len(customers) == 1 and not moving:
        return True
    around.load(("customer", customer) for customer in customers)
    moves = [_transition(around, customer, waiting) for customer in sorted(customers)]
    parents = {move.key[1]: move.before.parent for move in moves if move.before is not None}
    moves = [move for move in moves if move.before != move.after]
    if moving:
        moves.append(target)
    return LinkOrder(giving, target, parents, moves).constraints() is not None


def _transition(around: Neighbourhood, customer: str, waiting: Collection[Key]) -> Transition:
    """Return the customer with its parent only, at the API and in the end."""
    key = ("customer", customer)
    after = Linkage(parent=around.roots.get(customer, ""))
    held = around.acknowledged.get(key)
    if held is None:
        return Transition(key, after, after)
    before = Linkage(parent=held.parent)
    stays = key in waiting or key not in around.rows
    return Transition(key, before, before if stays else after)


def _binding(linkage: Linkage | None) -> tuple[str, str] | None:
    """Return what both ends of a link have to agree in."""
    return None if linkage is None else (linkage.customer, linkage.currency)
