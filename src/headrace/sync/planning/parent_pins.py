"""Parents in error: a new customer is sent without one, and a known one keeps the API's parent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        """Adapt the families to the customers that stay where they are at the API; return the
        customers that are in another family now.

        The API knows one level of parents. A customer that waits keeps its parent there, and a
        customer that left the source stays as long as its documents wait. So their parents stay
        parents, and their own children belong to those parents as well.

        Examples: customer C left the source, but its payment waits because of an error. Its parent
        H gets the new parent G in the source. H still has the child C at the API, so H is sent
        without a parent until C can be deleted. Or C waits below H at the API, and gets the child D
        in the source: D is sent with the parent H.
        """
        staying = self._staying(list(waiting))
        if not staying:
            return set()
        parents: dict[str, str] = dict(
            self._connection.execute("select external_id, parent from book.parents").fetchall()
        )
        wanted = {head: "" for head in staying.values() if head in parents}
        having_children = set(parents.values())
        for customer in sorted(staying.keys() & having_children):
            head = staying[customer]
            possible = head and _has_no_cycle(head, customer, parents | wanted)
            wanted[customer] = head if possible else ""
        wanted = {one: to for one, to in wanted.items() if to != parents.get(one, "")}
        if not wanted:
            return set()
        self._connection.execute(
            "delete from book.parents where external_id in (select unnest($1::varchar[]))",
            [sorted(wanted)],
        )
        pinned = {customer: head for customer, head in wanted.items() if head}
        self._insert(pinned)
        before = self._around.roots
        self._book.climb()
        self._around.forget_families()
        after = self._around.roots
        return {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}

    def _staying(self, waiting: Collection[Key]) -> dict[str, str]:
        """Return the parents at the API, empty for none, of customers that stay as they are
        there."""
        held = (self._around.acknowledged.get(key) for key in waiting if key[0] != "customer")
        owners = {
            ("customer", linkage.customer) for linkage in held if linkage and linkage.customer
        }
        self._around.load(owners)
        left = owners - self._around.rows.keys()
        found = {}
        for key in {*left, *(key for key in waiting if key[0] == "customer")}:
            if linkage := self._around.acknowledged.get(key):
                found[key[1]] = linkage.parent
        return found

    def _insert(self, parents: Mapping[str, str]) -> None:
        self._connection.execute(
            "insert into book.parents select unnest($1::varchar[]), unnest($2::varchar[])",
            [list(parents), list(parents.values())],
        )

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
        self._insert(pinned)
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
