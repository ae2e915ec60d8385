"""Pins: what stays as the API has it while its rows are in error.

An error never undoes anything. A link in error that the API holds stays with the amount that it has
there, and a record in error stays as it is. What travels must then agree with that: an invoice
whose payment is still linked in euros can't turn to dollars yet, so it waits, with the smallest
circle of neighbours for which that is so. Everything is decided by what the API will hold in the
end; the order of the requests is found later.

Example: payment P1 of EUR 100 settles invoice I1. I1 turns to USD in the source, P1 does not. The
link is in error, the API holds it, so it is pinned. I1 in USD would contradict it, so I1 waits. A
new payment P2 goes out, but its link to I1 waits with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import duckdb

from headrace.book.rows import KEY_COLUMNS, add_rows
from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage
from headrace.sync.planning.neighbourhood import Neighbourhood, Pair

_LINK = (
    *("from_entity varchar", "from_external_id varchar"),
    *("to_entity varchar", "to_external_id varchar"),
)
_UNKNOWN = "what the API holds of it was not kept, and one of its links is in error"


class Pins:
    """Finds what waits and what is pinned. Does nothing when no row is in error."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, around: Neighbourhood) -> None:
        self._connection = connection
        self._around = around
        self.waiting: dict[Key, str] = {}
        """Acknowledged records that stay as they are, and why."""
        self.links: dict[Pair, int] = {}
        """Links as the API will go on holding them, with their amounts."""
        self.refused: dict[Pair, str] = {}
        """Sound links that are not sent yet, and why."""
        self._coming: dict[Key, str] = {}
        """Records that will wait from the next round on."""
        self._dirty: set[Key] = set()

    def settle(self, regrouped: Collection[str], needed: Mapping[Key, str]) -> None:
        """Decides. `regrouped` are customers whose family at the API is not the one of their rows,
        `needed` records that must stay, and why."""
        self._start()
        self._coming |= needed
        self.regroup(regrouped)

    def regroup(self, customers: Collection[str]) -> None:
        """Decides anew where these customers turn out to be in another family."""
        if customers:
            self._dirty |= self._around.linked_across(customers)
        while self._coming or self._dirty:
            self._let_wait()
            self._examine()

    def linkage(self, key: Key) -> Linkage | None:
        """What the API holds of a record that waits, as far as it is known."""
        return self._around.acknowledged.get(key)

    # what the errors themselves say ----------------------------------------------------------

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
            self._coming[owner] = f"left the source, where its link to {_said(target)} remains"
            return
        held = self._around.acknowledged.get(owner)
        if held is None:
            self._coming[owner] = _UNKNOWN
        elif target in held.links:
            self._pin(owner, target)
        else:
            return
        if flaw == "no target" and self._around.is_acknowledged(target):
            self._coming[target] = f"left the source, where {_said(owner)} still settles it"

    # rounds ----------------------------------------------------------------------------------

    def _let_wait(self) -> None:
        """A record that waits keeps its links at the API, and takes no new ones."""
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
                    self._refuse(key, target, f"its {_said(key)} waits")
        customers = [external_id for entity, external_id in coming if entity == "customer"]
        if customers:
            self._dirty |= self._around.linked_across(customers)

    def _examine(self) -> None:
        dirty, self._dirty = self._dirty, set()
        self._around.load(dirty)
        inbound: dict[Key, list[Key]] = {}
        for owner, target in self.links:
            inbound.setdefault(target, []).append(owner)
        around = {end for key in dirty for end in self._around.linked(key)}
        self._around.load(around | {one for key in dirty for one in inbound.get(key, ())})
        for key in sorted(dirty):
            if key[0] == "customer":
                continue
            pairs = self._pairs(key, inbound.get(key, ()))
            for pair in sorted(pairs):
                self._agree(*pair)
            self._fit(key, pairs)

    def _pairs(self, key: Key, pinned_by: Iterable[Key]) -> set[Pair]:
        """The links of a document as the API will hold them."""
        pairs = {(key, target) for target in self._around.owned(key)}
        pairs |= {(owner, key) for owner in self._around.owners(key)}
        pairs -= self.refused.keys()
        pairs |= {(owner, key) for owner in pinned_by}
        held = self._around.acknowledged.get(key)
        pairs |= {(key, target) for target in (held.links if held else ())} & self.links.keys()
        return pairs

    def _agree(self, owner: Key, target: Key) -> None:
        """Both ends of a link need one currency and one family; who would change that waits."""
        giving, taking = self._final(owner), self._final(target)
        if giving is None or taking is None:
            for end, linkage in ((owner, giving), (target, taking)):
                if linkage is None and self._around.is_acknowledged(end):
                    self._wait(
                        end, f"left the source, where a link of it is in error: {_said(end)}"
                    )
            return
        if giving.currency == taking.currency and self._related(giving, taking):
            return
        if not self._pin(owner, target):
            self._refuse(owner, target, "its ends will not agree at the API yet")
            return
        for end in (owner, target):
            if self._around.moves(end) and end not in self.waiting:
                self._wait(end, self._because(owner, target))
        for customer in {giving.customer, taking.customer}:
            key = ("customer", customer)
            if self._around.changes_family(customer) and key not in self.waiting:
                self._wait(key, self._because(owner, target))

    def _because(self, owner: Key, target: Key) -> str:
        return f"the API holds the link {_said(owner)} → {_said(target)}, whose rows don't agree"

    def _related(self, one: Linkage, other: Linkage) -> bool:
        return self._root(one.customer) == self._root(other.customer)

    def _root(self, customer: str) -> str:
        key = ("customer", customer)
        if key in self.waiting:
            held = self._around.acknowledged.get(key)
            return (held.parent if held else "") or customer
        return self._around.root(customer)

    def _fit(self, key: Key, pairs: set[Pair]) -> None:
        """What is linked may not pass the amount: the record waits where what stays passes it
        already, else new links give way."""
        linkage = self._final(key)
        if linkage is None:
            return
        staying = sum(self._staying(pair) for pair in pairs)
        if (
            staying > linkage.amount
            and key not in self.waiting
            and self._around.is_acknowledged(key)
        ):
            self._wait(key, "the API holds more links of it than its amount allows now")
            return
        excess = sum(self._amount(pair) for pair in pairs) - linkage.amount
        for pair in sorted(pairs - self.links.keys(), reverse=True):
            if excess <= 0:
                return
            if new := self._amount(pair) - self._staying(pair):
                excess -= new
                if not self._pin(*pair):
                    self._refuse(*pair, f"with what the API holds it would pass {_said(key)}")

    def _staying(self, pair: Pair) -> int:
        """What of a link is at the API already and stays."""
        if pair in self.links:
            return self.links[pair]
        held = self._around.acknowledged.get(pair[0])
        return min(held.links.get(pair[1], 0) if held else 0, self._amount(pair))

    # decisions -------------------------------------------------------------------------------

    def _final(self, key: Key) -> Linkage | None:
        """The record as the API will hold it; None when it will not be there."""
        if key in self.waiting or key in self._coming:
            return self._around.acknowledged.get(key)
        return self._around.rows.get(key)

    def _amount(self, pair: Pair) -> int:
        return self.links.get(pair) or self._around.sound.get(pair, 0)

    def _pin(self, owner: Key, target: Key) -> bool:
        """Keeps the link as the API has it; whether it has it."""
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
            # It is there for this link alone.
            self._wait(owner, reason)

    def _wait(self, key: Key, reason: str) -> None:
        if key not in self.waiting:
            self._coming.setdefault(key, reason)

    # writing ---------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes what is decided to the book's tables; once."""
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
        return self._connection.execute(sql).fetchall()


def _said(key: Key) -> str:
    return f"{key[0].replace('_', ' ')} {key[1]}"
