"""Pins: links and records kept as the API has them while their rows are in error.

An error never undoes anything at the API. A link in error that the API holds is *pinned*: it stays
with the amount that it has there. An acknowledged record in error *waits*: it stays as it is there.
Everything that is sent has to be consistent with that state, or the API would refuse it. So pins
spread: a record that contradicts a pinned link waits too, which pins its own links, and so on.

The rules are applied until nothing changes any more:

- A record that waits keeps its links at the API and takes no new ones.
- Both ends of a link need the same currency and family. If they will differ at the API, a link that
  the API holds is pinned and the ends that would change wait; a new link is not sent.
- The links of a record must not exceed its amount. If those that stay exceed it, the record waits;
  if only the new ones do, some of them are not sent.
- The links of a record that waits can't be released for a while, as other links can. If no order of
  the requests keeps such a link valid (`pinned_order.py`), its target or the customers wait.

Each other decision is about the final state at the API. The order of the requests is found later,
in `ordering/`. The loop ends because records and links only ever move towards waiting and pinned.

Example: payment P1 of EUR 100 settles invoice I1. The source changes I1 to USD but not P1. The link
is in error and the API holds it, so it is pinned. I1 in USD would contradict it, so I1 waits. A new
payment P2 of USD 50 for I1 is sent, but without its link to I1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import duckdb

from headrace.book.queries.rows import KEY_COLUMNS, add_rows
from headrace.model.repeated import run
from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import Transition
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.neighbourhood import Neighbourhood, Pair
from headrace.sync.planning.pinned_order import has_order

_LINK = (
    *("from_entity varchar", "from_external_id varchar"),
    *("to_entity varchar", "to_external_id varchar"),
)
_UNKNOWN = "the journal kept no payload of it, and one of its links is in error"


class Pins:
    """Decides which records wait and which links are pinned or not sent."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, around: Neighbourhood) -> None:
        self._connection = connection
        self._around = around
        self.waiting: dict[Key, str] = {}
        """Acknowledged records that stay as the API has them, with the reason."""
        self.links: dict[Pair, int] = {}
        """Pinned links, with their amounts at the API."""
        self.refused: dict[Pair, str] = {}
        """Links without an error of their own that are not sent yet, with the reason."""
        self._coming: dict[Key, str] = {}
        """Records that wait from the next round on, with the reason."""
        self._dirty: set[Key] = set()
        """Records whose links must be examined again."""

    def settle(self, regrouped: Collection[str], needed: Mapping[Key, str]) -> None:
        """Apply the rules, starting from the errors, until nothing changes.

        `regrouped` are customers whose family differs from their rows; `needed` are records that
        must stay at the API, with the reason.
        """
        self._start()
        self._coming |= needed
        self.regroup(regrouped)

    def regroup(self, customers: Collection[str]) -> None:
        """Apply the rules again after the family of these customers turned out to be another."""
        if customers:
            self._dirty |= self._linked_across(customers)
        while self._coming or self._dirty:
            self._let_wait()
            self._examine()

    def linkage(self, key: Key) -> Linkage | None:
        """Return a waiting record as the API has it; None if the journal kept no payload."""
        return self._around.acknowledged.get(key)

    # the errors themselves -------------------------------------------------------------------

    def _start(self) -> None:
        withheld = {
            (entity, external_id): reason
            for entity, external_id, reason in self._rows("from book.withheld")
            if not entity.endswith("_pdf") and entity != "contact"
        }
        flawed: list[tuple[Key, Key, str]] = [
            ((from_entity, from_id), (to_entity, to_id), flaw)
            for from_entity, from_id, to_entity, to_id, flaw in self._rows(
                "select distinct from_entity, from_external_id, to_entity, to_external_id, flaw "
                "from book.flawed_links as flawed "
                "join book.allocations as allocation on allocation.rowid = flawed.row "
                "where flaw not in ('shape', 'lost') and from_external_id is not null "
                "and to_external_id is not null"
            )
        ]
        ends = {key for one, other, _ in flawed for key in (one, other)}
        self._around.load(withheld.keys() | ends)
        for key, reason in withheld.items():
            if self._around.is_acknowledged(key):
                self._coming[key] = reason
        for owner, target, flaw in flawed:
            self._keep_link(owner, target, flaw)

    def _keep_link(self, owner: Key, target: Key, flaw: str) -> None:
        if not self._around.is_acknowledged(owner) or owner in self._coming:
            return
        if flaw == "no source":
            self._coming[owner] = f"left the source, where its link to {_label(target)} remains"
            return
        held = self._around.acknowledged.get(owner)
        if held is None:
            self._coming[owner] = _UNKNOWN
        elif target in held.links:
            self._pin(owner, target)
        else:
            return
        if flaw == "no target" and self._around.is_acknowledged(target):
            self._coming[target] = f"left the source, where {_label(owner)} still settles it"

    # rounds ----------------------------------------------------------------------------------

    def _let_wait(self) -> None:
        """Move the coming records to the waiting ones: pin their links, and refuse new ones."""
        coming, self._coming = self._coming, {}
        self._around.load(coming)
        self._around.load({end for key in coming for end in self._around.linked(key)})
        for key, reason in coming.items():
            self.waiting[key] = reason
            self._dirty.add(key)
            held = self._around.acknowledged.get(key)
            for target in held.links if held else ():
                self._pin(key, target)
            for target in self._around.owned(key):
                if (key, target) not in self.links:
                    self._refuse(key, target, f"its {_label(key)} waits")
        customers = [external_id for entity, external_id in coming if entity == "customer"]
        if customers:
            self._dirty |= self._linked_across(customers)

    def _linked_across(self, customers: Collection[str]) -> set[Key]:
        """Return both ends of the links that may cross families now that these customers are in
        another family than their rows say.

        Pinned links count too. Example: a refund that left the source waits, with a link to a
        credit note that exists only at the API. The credit note can't follow its customer into
        another family once it turns out that the refund's customer can't.
        """
        ends = self._around.linked_across(customers)
        for pair in self.links:
            if any((final := self._final(end)) and final.customer in customers for end in pair):
                ends.update(pair)
        return ends

    def _examine(self) -> None:
        dirty, self._dirty = self._dirty, set()
        self._around.load(dirty)
        inbound: dict[Key, list[Key]] = {}
        for owner, target in self.links:
            inbound.setdefault(target, []).append(owner)
        around = {end for key in dirty for end in self._around.linked(key)}
        self._around.load(around | {one for key in dirty for one in inbound.get(key, ())})
        self._around.load_customers(dirty)
        for key in sorted(dirty):
            if key[0] == "customer":
                continue
            pairs = self._pairs(key, inbound.get(key, ()))
            for pair in sorted(pairs):
                self._agree(*pair)
            self._fit(key, pairs)

    def _pairs(self, key: Key, pinned_by: Iterable[Key]) -> set[Pair]:
        """Return the links of a document as the API will hold them in the end."""
        pairs = {(key, target) for target in self._around.owned(key)}
        pairs |= {(owner, key) for owner in self._around.owners(key)}
        pairs -= self.refused.keys()
        pairs |= {(owner, key) for owner in pinned_by}
        held = self._around.acknowledged.get(key)
        pairs |= {(key, target) for target in (held.links if held else ())} & self.links.keys()
        return pairs

    def _agree(self, owner: Key, target: Key) -> None:
        """Apply the rule that both ends of a link have the same currency and family."""
        giving, taking = self._final(owner), self._final(target)
        if giving is None or taking is None:
            for end, linkage in ((owner, giving), (target, taking)):
                if linkage is None and self._around.is_acknowledged(end):
                    self._wait(
                        end, f"left the source, where a link of it is in error: {_label(end)}"
                    )
            return
        if giving.currency == taking.currency and self._related(giving, taking):
            self._keep_valid(owner, target)
            return
        if not self._pin(owner, target):
            self._refuse(owner, target, "the two records do not agree at the API yet")
            return
        reason = f"{_held_link(owner, target)}, whose rows don't agree"
        for end in (owner, target):
            if self._around.moves(end):
                self._wait(end, reason)
        self._keep_families((giving, taking), reason)

    def _keep_valid(self, owner: Key, target: Key) -> None:
        """Apply the rule that the link of a record that waits is valid after each request."""
        if owner not in self.waiting:
            return
        before, after = self._around.acknowledged.get(target), self._final(target)
        if has_order(self._around, owner, Transition(target, before, after), self.waiting):
            return
        reason = f"{_held_link(owner, target)}, and no order of the requests keeps it valid"
        if target not in self.waiting and self._around.moves(target):
            # Without this move the families may be able to change.
            self._wait(target, reason)
        else:
            ends = (self._final(end) for end in (owner, target))
            self._keep_families([end for end in ends if end is not None], reason)

    def _keep_families(self, ends: Iterable[Linkage], reason: str) -> None:
        for customer in {end.customer for end in ends}:
            if self._around.changes_family(customer):
                self._wait(("customer", customer), reason)

    def _related(self, one: Linkage, other: Linkage) -> bool:
        return self._root(one.customer) == self._root(other.customer)

    def _root(self, customer: str) -> str:
        key = ("customer", customer)
        if key in self.waiting:
            held = self._around.acknowledged.get(key)
            return (held.parent if held else "") or customer
        return self._around.root(customer)

    def _fit(self, key: Key, pairs: set[Pair]) -> None:
        """Apply the rule that the links of a record do not exceed its amount.

        If the links that are at the API and stay exceed the amount already, the record waits with
        the amount that it has there. Otherwise new links are refused, the last ones first, until
        the rest fits.
        """
        linkage = self._final(key)
        if linkage is None:
            return
        staying = sum(self._staying(pair) for pair in pairs)
        if (
            staying > linkage.amount
            and key not in self.waiting
            and self._around.is_acknowledged(key)
        ):
            self._wait(key, "its links at the API exceed its new amount")
            return
        name = _label(key)
        excess = sum(self._amount(pair) for pair in pairs) - linkage.amount
        for pair in sorted(pairs - self.links.keys(), reverse=True):
            if excess <= 0:
                return
            if new := self._amount(pair) - self._staying(pair):
                excess -= new
                if not self._pin(*pair):
                    reason = f"with the links that the API holds it exceeds the amount of {name}"
                    self._refuse(*pair, reason)

    def _staying(self, pair: Pair) -> int:
        """Return the part of a link's amount that the API already has and that stays."""
        if pair in self.links:
            return self.links[pair]
        held = self._around.acknowledged.get(pair[0])
        return min(held.links.get(pair[1], 0) if held else 0, self._amount(pair))

    # decisions -------------------------------------------------------------------------------

    def _final(self, key: Key) -> Linkage | None:
        """Return the record as the API will have it in the end; None if it won't or is unknown."""
        if key in self.waiting or key in self._coming:
            return self._around.acknowledged.get(key)
        return self._around.rows.get(key)

    def _amount(self, pair: Pair) -> int:
        return self.links.get(pair) or self._around.sound.get(pair, 0)

    def _pin(self, owner: Key, target: Key) -> bool:
        """Pin the link; returns False if the API does not hold it."""
        held = self._around.acknowledged.get(owner)
        if held is None or target not in held.links:
            return False
        if (owner, target) not in self.links:
            self.links[owner, target] = held.links[target]
            self.refused.pop((owner, target), None)
            self._dirty |= {owner, target}
        return True

    def _refuse(self, owner: Key, target: Key, reason: str) -> None:
        if (owner, target) in self.refused or (owner, target) not in self._around.sound:
            return
        self.refused[owner, target] = reason
        self._dirty |= {owner, target}
        if self._around.is_synthetic(owner):
            # A synthetic payment without its link would be money that nobody paid.
            self._wait(owner, reason)

    def _wait(self, key: Key, reason: str) -> None:
        if key not in self.waiting:
            self._coming.setdefault(key, reason)

    # writing ---------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the decisions to the book's tables; call it once, at the end."""
        add_rows(
            self._connection,
            "book.withheld",
            (*KEY_COLUMNS, "reason varchar"),
            ((*key, reason) for key, reason in self.waiting.items()),
            "anti join book.withheld using (entity, external_id)",
        )
        add_rows(
            self._connection,
            "book.pinned_links",
            (*_LINK, "amount bigint"),
            ((*owner, *target, amount) for (owner, target), amount in self.links.items()),
        )
        kept = dict.fromkeys(self.links, "it stays as the API has it")
        add_rows(
            self._connection,
            "book.waiting_links",
            (*_LINK, "reason varchar"),
            ((*owner, *target, why) for (owner, target), why in (self.refused | kept).items()),
        )

    def _rows(self, sql: str) -> list[tuple[str, ...]]:
        return run(self._connection, sql).fetchall()


def _held_link(owner: Key, target: Key) -> str:
    return f"the API holds the link {_label(owner)} → {_label(target)}"


def _label(key: Key) -> str:
    return f"{key[0].replace('_', ' ')} {key[1]}"
