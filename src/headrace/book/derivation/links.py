"""Links between documents: who settles whom by numbers, and which links do not travel.

After a round of few changed rows, only the links of the documents that moved are marked again.
Their keys name them: a link is marked again if its own row or a document at either end moved.
"""

from __future__ import annotations

from importlib import resources

import duckdb

from headrace.book.derivation.derived import Derived
from headrace.book.models.changed_rows import Moved
from headrace.book.queries.filled import filled
from headrace.book.queries.narrowing import narrowed, selected
from headrace.book.queries.parallel import Task, statement
from headrace.model.repeated import run


def _read(name: str) -> str:
    return (
        resources.files("headrace.book.derivation")
        .joinpath(f"{name}.sql")
        .read_text(encoding="utf-8")
    )


_DOCUMENT_MARKS, _LINK_MARKS, _SHARES, _OVERDRAWN, _FLAWED_LINKS, _LINKS_OVER, _LINK_PROBLEMS = (
    _read(name)
    for name in (
        *("document_marks", "link_marks", "link_shares", "overdrawn"),
        *("flawed_links", "links_over", "link_problems"),
    )
)
_ALL = _LINK_MARKS.format(
    allocations="(select rowid as row, * from book.allocations)", marks="book.document_marks"
)

LINK_MARKS = Derived(
    sql=(
        f"create or replace table book.document_marks as\n{_DOCUMENT_MARKS};\n"
        f"create or replace table book.link_marks as\n{_ALL};\n"
        f"create or replace table book.link_shares as\n{_SHARES.format(links='book.link_marks')};\n"
        f"create or replace table book.overdrawn as\n{_OVERDRAWN};\n"
    ),
    over=("allocations",),
    tables={
        "book.document_marks": (
            *("key ubigint", "tag ubigint", "currency varchar", "amount bigint"),
        ),
        "book.link_marks": (
            *("row bigint", "owner ubigint", "target ubigint", "amount bigint"),
            *("from_kind varchar", "to_kind varchar"),
            *("has_source boolean", "has_target boolean", "odd boolean"),
        ),
        "book.link_shares": (
            *("from_kind varchar", "to_kind varchar"),
            *("rows bigint", "sources bigint", "targets bigint"),
        ),
        "book.overdrawn": ("key ubigint",),
    },
)
"""Needs the views of the book, so it is made by the checks."""

JUDGED = frozenset({"roots", "flawed_links", "withheld"})
"""Further tables by which links are judged, or that say that some were not sound."""
JUDGED_LINKS = {"book.judged_links": ("row bigint",)}
"""The links that were in error at the last check."""
LINK_TABLES = frozenset(name.removeprefix("book.") for name in LINK_MARKS.tables)

_AGAIN = """
create or replace table book.moved_keys as
select hash(entity, external_id) as key, external_id
from (
    select unnest(['invoice', 'credit_note', 'payment', 'refund']) as entity
    union
    select from_kind from book.link_shares
),
({ids}) as moved(external_id);

create or replace table book.again as
select row from book.link_marks where owner in (select key from book.moved_keys)
union
select row from book.link_marks where target in (select key from book.moved_keys)
union
select rowid from book.allocations where from_external_id in ({owners});

create or replace temp table earlier_links as
from book.link_marks
where row in (from book.again);
"""
"""Finds the links that have to be marked again, and keeps them as they were: those of documents
that moved, and those whose own rows were replaced."""
_MARK_AGAIN = """
delete from book.document_marks where key in (select key from book.moved_keys);
insert into book.document_marks {documents};

create or replace temp table links_again as
select rowid as row, * from book.allocations where rowid in (from book.again);

create or replace temp table marks_again as
from book.document_marks
where key in (
    select hash(from_entity, from_external_id) from links_again
    union
    select hash(to_entity, to_external_id) from links_again
);

delete from book.link_marks where row in (select row from earlier_links);
insert into book.link_marks {links};

create or replace table book.moved_owners as
select hash(from_entity, from_external_id) as key, from_external_id as external_id from links_again
union
from book.moved_keys;
"""
"""Marks these documents and links again; the others and their places stay."""
_COUNT_AGAIN = """
create or replace table book.link_shares as
select
    from_kind, to_kind, sum(rows)::bigint as rows, sum(sources)::bigint as sources,
    sum(targets)::bigint as targets
from (
    from book.link_shares
    union all
    from ({now})
    union all
    select from_kind, to_kind, -rows, -sources, -targets from ({before})
)
group by from_kind, to_kind
having sum(rows) > 0;

create or replace temp table keys_again as
select key from book.moved_keys
union
select unnest([owner, target]) from earlier_links
union
select unnest([owner, target]) from book.link_marks where row in (from book.again);

delete from book.overdrawn where key in (from keys_again);
insert into book.overdrawn {overdrawn};
"""
"""Brings the sums over all links up to date by the links as they were and as they are."""


def marking(moved: Moved | None) -> Task[None]:
    """Return a task that makes `LINK_MARKS` again where it depends on what moved.

    With `moved.linked`, only for the documents and links that moved; it then leaves in `book.again`
    the places of the links that were marked, and in `book.moved_owners` whose they are.
    """
    if moved is None or moved.linked is None:
        return statement(LINK_MARKS.sql)
    links = moved.touched.get("allocations")
    owners = selected(links.ids if links else ())
    ids = selected(moved.linked | (links.ids if links else set()))
    again = _LINK_MARKS.format(allocations="links_again", marks="marks_again")
    documents = narrowed(_DOCUMENT_MARKS, ids)
    now = _SHARES.format(links="book.link_marks where row in (from book.again)")
    before = _SHARES.format(links="earlier_links")
    return statement(
        _AGAIN.format(ids=ids, owners=owners)
        + _MARK_AGAIN.format(documents=documents, links=again)
        + _COUNT_AGAIN.format(
            now=now, before=before, overdrawn=narrowed(_OVERDRAWN, "from keys_again")
        )
    )


def check_links(connection: duckdb.DuckDBPyConnection, moved: Moved | None, errors: bool) -> None:
    """Find the links that are not sent, and add their problems; `errors` says whether any record
    is withheld."""
    suspects = _suspects(moved)
    over = bool(filled(connection, "overdrawn"))
    if not (errors or over or filled(connection, suspects, "judged_links")):
        return
    run(connection, _FLAWED_LINKS.format(links=f"book.{suspects}"))
    if over:
        run(connection, _LINKS_OVER)
    run(connection, _LINK_PROBLEMS)


def _suspects(moved: Moved | None) -> str:
    """Return the marks of the links that may be in error although they were sound before.

    Those of records that are withheld now are added to them, and those that were in error before.
    """
    if moved is not None and "roots" not in moved.tables:
        if LINK_TABLES.isdisjoint(moved.tables):
            return "link_marks where false"
        if moved.linked is not None:
            return "link_marks semi join book.again using (row) where odd"
    return "link_marks where odd"
