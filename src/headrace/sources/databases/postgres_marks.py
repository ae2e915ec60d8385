"""Marks of PostgreSQL's tables: which rows a transaction has written since an earlier moment.

Every row carries the number of the transaction that wrote it, `xmin`. In a later snapshot, the rows
whose `xmin` lies before the earlier snapshot's oldest open transaction are rows that the earlier
snapshot showed as well. So a table is unchanged if no row has a later `xmin` and their number is
the same: that is certain, needs no right but to read, and costs one pass over the table on the
server. If no transaction wrote at all, the snapshot itself is the same and nothing is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources

import msgspec
from msgspec import Struct

from headrace.sources.databases.adbc import Database
from headrace.sources.source import literal

_FOLDER = resources.files("headrace.sources.databases")
_RELATIONS = _FOLDER.joinpath("postgres_relations.sql").read_text(encoding="utf-8")
_MOMENT = _FOLDER.joinpath("postgres_moment.sql").read_text(encoding="utf-8")
_MOVING = (
    r"\m(now|current_\w+|session_user|user|localtime|localtimestamp|random\w*|clock_timestamp|"
    r"statement_timestamp|transaction_timestamp|timeofday|age|nextval|currval|lastval|gen_random_"
    r"uuid|uuidv[47]|uuid_\w+|pg_\w+|txid_\w+|set_config|dblink\w*|version|inet_\w+|tablesample)\M"
)
"""A regular expression of PostgreSQL for queries whose rows may move without their tables."""
_OLDEST = 1_000_000_000
"""Transactions after which a number is not compared any more: they start again at 2^32."""


_NAMED = 3
"""Transactions up to which a condition names each of them."""
_FEW = 1_000
_SHARE = 0.1
"""Up to so many new rows, or this share of all, only the new rows are read."""


class Moment(Struct, frozen=True):
    """What a transaction sees, and on which server."""

    server: str
    snapshot: str
    oldest: int
    """The oldest transaction that was still open."""
    next: int
    """The number that the next transaction would get."""


class Base(Struct, frozen=True):
    """A table or view whose rows a name shows, as it was at a moment."""

    signature: str
    rows: int
    """0 for a view."""


class Mark(Struct, frozen=True):
    """The state of one name at a moment."""

    moment: Moment
    bases: dict[str, Base]
    """By qualified name; empty for a query, whose tables are not known."""

    def encoded(self) -> str:
        """Return it as text."""
        return msgspec.json.encode(self).decode()


class Relation(Struct):
    """What a name stands for now."""

    steady: bool = True
    """Whether its rows change only when a transaction writes."""
    signatures: dict[str, str] = {}
    """Of the tables and views whose rows it shows, by qualified name."""
    views: set[str] = set()
    key: str = ""
    """For a plain table, a column that identifies its rows."""

    @property
    def tables(self) -> list[str]:
        """The qualified names of the tables."""
        return [name for name in self.signatures if name not in self.views]


class Count(Struct, frozen=True):
    """The rows of a table, and how many of them may be newer than a mark."""

    rows: int
    new: int


def moment_of(database: Database) -> Moment:
    """Return the moment that the open transaction sees."""
    return Moment(*database.rows(_MOMENT)[0])


def decoded(text: str | None) -> Mark | None:
    """Return a mark from its text; None for none, and for one of an earlier version."""
    try:
        return msgspec.json.decode(text, type=Mark) if text else None
    except msgspec.DecodeError:
        return None


def relations_of(
    database: Database, tables: Mapping[str, str], queries: Mapping[str, str]
) -> dict[str, Relation]:
    """Return what names stand for: those of tables, with their qualified names, and of queries."""
    found = {name: Relation(not _is_moving(database, sql)) for name, sql in queries.items()}
    if not tables:
        return found
    listed = ", ".join(literal(one) for one in tables.values())
    rows = database.rows(_RELATIONS.format(roots=listed, moving=literal(_MOVING)))
    for name, qualified in tables.items():
        relation = found[name] = Relation(signatures={}, views=set())
        for root, base, kind, steady, signature, key in rows:
            if root == qualified:
                relation.steady &= bool(steady)
                relation.signatures[base] = str(signature)
                relation.views |= {base} if kind == "v" else set()
                relation.key = str(key or "") if base == root else relation.key
    return found


def _is_moving(database: Database, sql: str) -> bool:
    return bool(database.rows(f"select {literal(sql)} ~* {literal(_MOVING)}")[0][0])


def is_comparable(mark: Mark, relation: Relation, now: Moment) -> bool:
    """Whether rows of now can be compared with those of the mark's moment."""
    if mark.moment.server != now.server or now.next - mark.moment.oldest > _OLDEST:
        return False
    shapes = {name: base.signature for name, base in mark.bases.items()}
    return relation.steady and shapes == relation.signatures


def is_new(mark: Mark, now: Moment) -> str:
    """Return PostgreSQL's condition for rows of now that may have been written after the mark's
    moment."""
    oldest = mark.moment.oldest
    if now.next - oldest <= _NAMED:
        # Comparing with each transaction is a quarter faster than computing ages.
        writers = (f"xmin = '{number % 2**32}'::xid" for number in range(oldest, now.next))
        return f"({' or '.join(writers) or 'false'})"
    return f"age(xmin) <= age('{oldest % 2**32}'::xid)"


def counts(
    database: Database, wanted: Collection[tuple[str, Mark]], now: Moment
) -> dict[tuple[str, int], Count]:
    """Count the rows of each table and those that are newer than its mark; by table and the mark's
    oldest transaction."""
    pairs = {(name, mark.moment.oldest): is_new(mark, now) for name, mark in wanted}
    if not pairs:
        return {}
    each = (
        f"select {n}::int8, count(*), count(*) filter (where {new}) from {name}"
        for n, ((name, _), new) in enumerate(pairs.items())
    )
    found = {n: Count(rows, new) for n, rows, new in database.rows(" union all ".join(each))}
    return {pair: found[n] for n, pair in enumerate(pairs)}


def new_mark(relation: Relation, now: Moment, rows: Mapping[str, int]) -> str | None:
    """Return the mark of a name with these numbers of rows; None if it may move unseen."""
    if not relation.steady:
        return None
    bases = {
        name: Base(signature, 0 if name in relation.views else rows[name])
        for name, signature in relation.signatures.items()
    }
    return Mark(now, bases).encoded()


def moves_unseen(database: Database, queries: Collection[str]) -> bool:
    """Whether rows of this database may change without a transaction that writes in it."""
    if any(_is_moving(database, sql) for sql in queries):
        return True
    foreign = "exists (select from pg_class where relkind = 'f')"
    views = (
        "exists (select from pg_views where schemaname not in ('pg_catalog', 'information_schema') "
        f"and definition ~* {literal(_MOVING)})"
    )
    policies = "exists (select from pg_class where relrowsecurity)"
    return bool(database.rows(f"select {foreign} or {views} or {policies}")[0][0])


class PostgresChanges:
    """What moved since earlier marks, in the moment that the open transaction sees."""

    def __init__(
        self,
        database: Database,
        tables: Mapping[str, str],
        queries: Mapping[str, str],
        earlier: Mapping[str, str],
    ) -> None:
        """`tables` has the qualified names of tables and views, `earlier` the marks by name."""
        self._database = database
        self._now = moment_of(database)
        self._qualified = tables
        self._relations = relations_of(database, tables, queries)
        self._marks = {
            name: mark
            for name, relation in self._relations.items()
            if (mark := decoded(earlier.get(name))) is not None
            and is_comparable(mark, relation, self._now)
        }
        self._still = {
            name for name, mark in self._marks.items() if mark.moment.snapshot == self._now.snapshot
        }
        self._counts = self._counted()
        self.moved = [name for name in self._relations if not self._is_unmoved(name)]
        """The names whose rows may have changed."""

    def _counted(self) -> dict[tuple[str, int], Count]:
        wanted = [
            (table, mark)
            for name, mark in self._marks.items()
            if name not in self._still
            for table in self._relations[name].tables
        ]
        return counts(self._database, wanted, self._now)

    def _is_unmoved(self, name: str) -> bool:
        mark = self._marks.get(name)
        if mark is None:
            return False
        if name in self._still:
            return True
        found = [
            (self._counts[table, mark.moment.oldest], mark.bases[table].rows)
            for table in self._relations[name].tables
        ]
        # The tables of a query are not known.
        return bool(found) and all(count.new == 0 and count.rows == rows for count, rows in found)

    def part_of(self, name: str) -> tuple[str, str, int]:
        """Return a table's key, the condition for its new rows, and how many others it has.

        The key is empty if the table has to be read as a whole.
        """
        mark, relation = self._marks.get(name), self._relations[name]
        if mark is None or not relation.key:
            return "", "", 0
        count = self._counts[self._qualified[name], mark.moment.oldest]
        if count.new > max(_FEW, count.rows * _SHARE):
            return "", "", 0
        return relation.key, is_new(mark, self._now), count.rows - count.new

    def marks(self) -> dict[str, str | None]:
        """Return the mark of each name in this moment."""
        rows = {table: count.rows for (table, _), count in self._counts.items()}
        for name in self._still:
            rows |= {table: base.rows for table, base in self._marks[name].bases.items()}
        missing = {table for one in self._relations.values() if one.steady for table in one.tables}
        missing -= rows.keys()
        if missing:
            listed = sorted(missing)
            each = (f"select {n}::int8, count(*) from {table}" for n, table in enumerate(listed))
            found = dict(self._database.rows(" union all ".join(each)))
            rows |= {table: int(found[n]) for n, table in enumerate(listed)}
        return {
            name: new_mark(relation, self._now, rows) for name, relation in self._relations.items()
        }
