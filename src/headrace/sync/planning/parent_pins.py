"""Parents in error: the customer travels without one, or keeps the one that it has at the API."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from headrace.book.book import Book
from headrace.sync.journal import Key
from headrace.sync.planning.neighbourhood import Neighbourhood


class ParentPins:
    """Mends `book.parents` until every family can be sent, and has the families climbed anew."""

    def __init__(self, book: Book, around: Neighbourhood) -> None:
        self._book = book
        self._connection = book.connection
        self._around = around
        self.needed: dict[Key, str] = {}
        """Parents that left the source, are needed all the same, and why."""

    def settle(self) -> set[str]:
        """Returns the customers whose family is not the one of their rows."""
        flawed = set(self._column("select external_id from book.flawed_parents"))
        regrouped = set(flawed)
        if flawed:
            self._pin(flawed)
            self._book.climb()
        while orphans := self._orphans():
            regrouped |= orphans
            self._connection.execute(
                "delete from book.parents where external_id in (select unnest($1::varchar[]))",
                [list(orphans)],
            )
            self._book.climb()
        return regrouped

    def make_way(self, waiting: Iterable[Key]) -> set[str]:
        """Customers that left the source stay where documents of theirs wait, and so the heads of
        their families can't get a parent yet: they travel without. Returns these heads."""
        held = (self._around.acknowledged.get(key) for key in waiting if key[0] != "customer")
        owners = {
            ("customer", linkage.customer) for linkage in held if linkage and linkage.customer
        }
        self._around.load(owners)
        staying = [self._around.acknowledged.get(key) for key in owners - self._around.rows.keys()]
        heads = {linkage.parent for linkage in staying if linkage and linkage.parent}
        if not heads:
            return set()
        blocked = {
            row[0]
            for row in self._connection.execute(
                "delete from book.parents where external_id in (select unnest($1::varchar[])) "
                "returning external_id",
                [sorted(heads)],
            ).fetchall()
        }
        if blocked:
            self._book.climb()
            self._around.forget_families()
        return blocked

    def _pin(self, flawed: Collection[str]) -> None:
        keys = {("customer", external_id) for external_id in flawed}
        self._around.load(keys)
        parents: dict[str, str] = dict(
            self._connection.execute("select external_id, parent from book.parents").fetchall()
        )
        pinned: dict[str, str] = {}
        unsaid = []
        for key in sorted(keys):
            held = self._around.acknowledged.get(key)
            if held is None and self._around.is_acknowledged(key):
                unsaid.append(key[1])
            elif held is not None and held.parent and _ends(held.parent, key[1], parents | pinned):
                pinned[key[1]] = held.parent
        heads = {("customer", parent) for parent in pinned.values()}
        self._around.load(heads)
        self.needed = {
            head: "left the source, where a child's parent is in error"
            for head in heads
            if head not in self._around.rows and self._around.is_acknowledged(head)
        }
        self._connection.execute(
            "insert into book.parents select unnest($1::varchar[]), unnest($2::varchar[])",
            [list(pinned), list(pinned.values())],
        )
        self._connection.execute(
            "insert into book.unsaid_parents select unnest($1::varchar[])", [unsaid]
        )

    def _orphans(self) -> set[str]:
        """Customers whose parent is a root that is withheld and not at the API either."""
        withheld = self._column(
            "select distinct root from book.roots join book.withheld as withheld "
            "on withheld.entity = 'customer' and withheld.external_id = root"
        )
        self._around.load(("customer", root) for root in withheld)
        absent = [root for root in withheld if not self._around.is_acknowledged(("customer", root))]
        rows = self._connection.execute(
            "select external_id from book.parents where parent in (select unnest($1::varchar[]))",
            [absent],
        ).fetchall()
        return {row[0] for row in rows}

    def _column(self, sql: str) -> list[Any]:
        return [row[0] for row in self._connection.execute(sql).fetchall()]


def _ends(start: str, child: str, parents: dict[str, str]) -> bool:
    """Whether going up from `start` ends without coming by `child`."""
    seen = {child}
    while start not in seen:
        seen.add(start)
        if start not in parents:
            return True
        start = parents[start]
    return False
