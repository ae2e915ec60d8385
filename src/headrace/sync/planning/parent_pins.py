"""Parents in error: a new customer is sent without one, and a known one keeps the API's parent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from headrace.book.book import Book
from headrace.sync.journal import Key
from headrace.sync.planning.neighbourhood import Neighbourhood


class ParentPins:
    """Corrects `book.parents` until every family can be sent, and computes the roots again."""

    def __init__(self, book: Book, around: Neighbourhood) -> None:
        self._book = book
        self._connection = book.connection
        self._around = around
        self.needed: dict[Key, str] = {}
        """Parents that left the source but must stay at the API, with the reason."""

    def settle(self) -> set[str]:
        """Correct the parents; return the customers whose family differs from their rows."""
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
        """Remove the parents of family heads that can't become children yet; return these heads.

        The API knows one level of parents. A customer that left the source stays at the API while
        its documents wait, so its parent there stays a parent and can't have a parent itself.

        Example: customer C left the source, but its payment waits because of an error. Its parent H
        gets the new parent G in the source. H still has the child C at the API, so H is sent
        without a parent until C can be deleted.
        """
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
            elif (
                held is not None
                and held.parent
                and _has_no_cycle(held.parent, key[1], parents | pinned)
            ):
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
        """Return the customers whose root is withheld and missing at the API."""
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


def _has_no_cycle(start: str, child: str, parents: dict[str, str]) -> bool:
    """Whether `start` can be the parent of `child`: its ancestors end and don't include `child`."""
    seen = {child}
    while start not in seen:
        seen.add(start)
        if start not in parents:
            return True
        start = parents[start]
    return False
