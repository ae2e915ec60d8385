"""The shift of a plan: how much it changes of what the API has, in the figures of the guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import duckdb
import msgspec
from msgspec import Struct, field

from headrace.book.checks.checks import WITHHELD_KEYS
from headrace.book.queries.rows import make_table
from headrace.model.repeated import run
from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage


class OpenShift(Struct, frozen=True):
    """The outstanding amount of one currency's invoices, in its lowest division, and its change.

    Only changed and deleted documents count. New ones don't, because a month end may add any
    amount.
    """

    currency: str
    documents: int
    """Number of changed and deleted documents that affect the amount."""
    before: int
    """Outstanding amount at the API before the plan."""
    change: int
    """Change of that amount by these documents."""


class Shift(Struct, frozen=True, kw_only=True):
    """The figures that the guards limit; dictionaries are by entity."""

    amounts: dict[str, int] = {}
    """Documents whose amount changes."""
    currencies: dict[str, int] = {}
    """Documents whose currency changes."""
    withheld: dict[str, int] = {}
    """Records that the API has and that are withheld because of an error."""
    links: int = 0
    """Rows of allocations in the book."""
    flawed_links: int = 0
    """Rows of allocations that are not sent because of an error."""
    settled: int = 0
    """Invoices with at least one settlement, before or after the plan; only counted where one is
    reopened."""
    reopened: int = 0
    """Invoices of which less is settled than before."""
    contacts: int = 0
    """Contacts in the book."""
    contacts_removed: int = 0
    """Contacts removed from customers that are not deleted themselves."""
    open: list[OpenShift] = field(default_factory=list)
    """Changes of the outstanding amount, by currency."""
    imported: bool = False
    """Whether the first import is complete."""


class _Contact(Struct, rename="camel"):
    email: str = ""
    external_id: str | None = None


class _Contacts(Struct):
    contacts: list[_Contact] | None = None


_CONTACTS = msgspec.json.Decoder(_Contacts)


class ShiftMeter:
    """Adds up the effect of updates and deletions whose earlier payloads were kept."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._amounts: Counter[str] = Counter()
        self._currencies: Counter[str] = Counter()
        self._contacts_removed = 0
        self._settled: Counter[Key] = Counter()
        """Change of the settled amount, by invoice."""
        self._open: Counter[str] = Counter()
        self._movers: dict[str, set[Key]] = {}

    def update(self, key: Key, before: bytes, after: bytes, old: Linkage, new: Linkage) -> None:
        """Add an updated record, with its payloads and linkages before and after."""
        if key[0] == "customer":
            self._contacts_removed += _removed(before, after)
            return
        self._amounts[key[0]] += old.amount != new.amount
        self._currencies[key[0]] += old.currency != new.currency
        self._move(key, old, new)

    def delete(self, key: Key, old: Linkage) -> None:
        """Add a deleted record, with its linkage at the API."""
        self._move(key, old, None)

    def _move(self, key: Key, old: Linkage, new: Linkage | None) -> None:
        if key[0] == "invoice":
            self._add(key, old.currency, -old.amount)
            if new is not None:
                self._add(key, new.currency, new.amount)
        for sign, linkage in ((-1, old), (1, new)):
            for target, amount in linkage.links.items() if linkage else ():
                if target[0] == "invoice":
                    self._settled[target] += sign * amount
                    self._add(key, linkage.currency if linkage else "", -sign * amount)

    def _add(self, key: Key, currency: str, amount: int) -> None:
        self._open[currency] += amount
        self._movers.setdefault(currency, set()).add(key)

    # the whole -------------------------------------------------------------------------------

    def read(self, imported: bool) -> Shift:
        """Return the figures of the plan after all its updates and deletions were added."""
        reopened = self._reopened()
        return Shift(
            amounts={entity: count for entity, count in self._amounts.items() if count},
            currencies={entity: count for entity, count in self._currencies.items() if count},
            withheld=dict(
                self._rows(
                    "select entity, count(*) from book.withheld semi join ("
                    f"from staging.acknowledged where key in ({WITHHELD_KEYS})"
                    ") using (entity, external_id) group by entity"
                )
            ),
            links=self._count("select count(*) from book.allocations"),
            flawed_links=self._count("select count(*) from book.flawed_links"),
            settled=self._count_settled() if reopened else 0,
            reopened=reopened,
            contacts=self._count("select count(*) from book.contacts"),
            contacts_removed=self._contacts_removed,
            open=self._opened(),
            imported=imported,
        )

    def _count_settled(self) -> int:
        """Count the invoices with at least one settlement, before or after the plan."""
        lost = [key[1] for key, change in self._settled.items() if change < 0]
        rows = run(
            self._connection,
            "select count(*) from (select target from book.link_marks where to_kind = 'invoice' "
            "union select hash('invoice', unnest($1::varchar[])))",
            [lost],
        ).fetchall()
        return int(rows[0][0])

    def _reopened(self) -> int:
        """Count the remaining invoices that lose more than new settlements add."""
        lost = [key for key, change in self._settled.items() if change < 0]
        if not lost:
            return 0
        make_table(
            self._connection,
            "temp table lost",
            ("external_id varchar", "change bigint"),
            ((key[1], self._settled[key]) for key in lost),
        )
        return self._count(
            "with brought as (select to_external_id as external_id, sum(amount) as amount "
            "from book.links as link semi join plan.changes as change "
            "on change.entity = link.from_entity and change.external_id = link.from_external_id "
            "and change.action = 'create' where to_entity = 'invoice' group by all) "
            "select count(*) from lost semi join book.invoices using (external_id) "
            "left join brought using (external_id) where change + coalesce(amount, 0) < 0"
        )

    def _opened(self) -> list[OpenShift]:
        moved = {currency: change for currency, change in self._open.items() if change}
        if not moved:
            return []
        now: dict[str, int] = dict(
            self._rows(
                "with settled as (select target, sum(amount) as amount from book.link_marks "
                "anti join book.flawed_links as flawed using (row) group by target) "
                "select currency, sum(gross_amount - coalesce(settled.amount, 0))::hugeint "
                "from book.invoices as invoice "
                "semi join staging.acknowledged as acknowledged "
                "on acknowledged.key = (hash('invoice', invoice.external_id) >> 1)::bigint "
                "left join settled on settled.target = hash('invoice', invoice.external_id) "
                "where currency is not null and gross_amount is not null group by currency"
            )
        )
        return [
            OpenShift(currency, len(self._movers[currency]), now.get(currency, 0) - change, change)
            for currency, change in sorted(moved.items())
        ]

    def _count(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])

    def _rows(self, sql: str) -> list[tuple[str, int]]:
        return run(self._connection, sql).fetchall()


def _removed(before: bytes, after: bytes) -> int:
    """Count the contacts of a customer that its new payload no longer lists."""
    old, new = _CONTACTS.decode(before).contacts, _CONTACTS.decode(after).contacts
    if not old or new is None:
        return 0
    kept: Collection[str] = {name for one in new for name in _names(one)}
    return sum(not any(name in kept for name in _names(one)) for one in old)


def _names(contact: _Contact) -> list[str]:
    names = [contact.email.lower()]
    return [*names, f"id {contact.external_id}"] if contact.external_id else names
