"""Checks: finds errors in the source's rows, and what must be withheld because of them.

Each rule is a file in `checks/`, a SELECT of (severity, entity, external_id, problem, remedy) over
the tables of the book; rules in `summaries/` evaluate the findings of the others. Lines `-- Over:`
name the rows without which the rule finds nothing; it runs only where there are any. Completeness
checks are derived from the columns' declarations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import resources

import duckdb
from msgspec import Struct

from headrace.book.dependencies import depends, tables_of
from headrace.book.derivation.links import (
    JUDGED,
    JUDGED_LINKS,
    LINK_MARKS,
    LINK_TABLES,
    check_links,
    marking,
)
from headrace.book.models.casts import RAW, why_unread
from headrace.book.models.changed_rows import Moved
from headrace.book.queries.branches import without_absent
from headrace.book.queries.filled import filled
from headrace.book.queries.narrowing import listed, narrowed, selected
from headrace.book.queries.parallel import Task, side_by_side, statement
from headrace.book.queries.rows import make_empty
from headrace.book.tables import BY_NAME, TABLES, Column, Table
from headrace.model.repeated import run


class Rule(Struct, frozen=True):
    """A query for one kind of problem."""

    name: str
    sql: str
    over: tuple[str, ...]
    """Sources, as of `filled`, without whose rows it finds nothing; empty when it always runs."""
    by_record: frozenset[str] = frozenset()
    """Tables of which only the rows with a record's id matter for what it finds of the record."""


_KNOWN_BY = frozenset(
    {
        *("name", "custom_id", "ref_number", "customer_external_id", "invoice_external_id"),
        *("issued_at", "validated_at", "booked_at"),
    }
)
"""Columns by which a person finds a row without an id in the source."""
_DOCUMENTS = frozenset({"invoices", "credit_notes", "payments", "refunds", "adjustments", "fixes"})
_OVER = re.compile(r"^-- Over: (.+)\.$", re.MULTILINE)


def _rules(folder: str) -> tuple[Rule, ...]:
    entries = resources.files("headrace.book.checks").joinpath(folder).iterdir()
    files = sorted((entry for entry in entries if entry.name.endswith(".sql")), key=str)
    return tuple(_rule(entry.name, entry.read_text(encoding="utf-8")) for entry in files)


def _rule(file: str, sql: str) -> Rule:
    return Rule(
        file.removesuffix(".sql"),
        sql,
        tuple(_OVER.findall(sql)),
        _DOCUMENTS if "-- By record.\n" in sql else frozenset(),
    )


CHECKS, SUMMARIES = _rules("rules"), _rules("summaries")
_WITHHOLD, _PROBLEMS = (
    resources.files("headrace.book.checks").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for name in ("withhold", "problems")
)

WITHHELD_KEYS = "select (hash(entity, external_id) >> 1)::bigint from book.withheld"
"""The `key` of withheld records where they are found by numbers."""


class Problem(Struct, frozen=True):
    """A problem of one record; an error withholds the record, a warning does not."""

    severity: str
    entity: str
    external_id: str
    problem: str
    remedy: str
    customer_name: str = ""
    number: str = ""
    """What people call the record: an invoice's number; for a link, that of the document it
    settles."""


_PROBLEM = (
    *("severity varchar", "entity varchar", "external_id varchar"),
    *("problem varchar", "remedy varchar"),
)


def run_checks(
    connection: duckdb.DuckDBPyConnection, present: frozenset[str], moved: Moved | None = None
) -> None:
    """Create `book.problems`, `book.withheld` and `book.flawed_links` from the tables alone, of
    which only those in `present` may have rows.

    The same rows always have the same problems, whatever was sent before. What rules found of
    tables and rows that did not move is kept from the last time; `moved` is None for a book that
    was made anew.
    """
    every = [*_checks_of(present), *_completeness(connection, present)]
    rules = [rule for rule in every if depends(rule.sql, None if moved is None else moved.tables)]
    if moved is None:
        make_empty(connection, {"book.findings": ("rule varchar", *_PROBLEM), **JUDGED_LINKS})
    else:
        rules = _restricted(connection, every, rules, moved)
    found = filled(connection, "allocations", *_sources(rules))
    linked = "allocations" in found
    if not linked:
        make_empty(connection, LINK_MARKS.tables)
    links_moved = moved is None or not moved.tables.isdisjoint(LINK_TABLES)
    judged_again = moved is not None and not moved.tables.isdisjoint(JUDGED)
    side_by_side(
        connection,
        # Longest first, so that both cores stay busy until the end.
        [
            *([marking(moved)] if linked and links_moved else []),
            *_needed(rules, found, "book.findings", named=True),
        ],
    )
    run(
        connection,
        # A row without an id has the same name in all of its problems.
        "create or replace table book.problems as select * exclude (rule) "
        "replace (coalesce(external_id, '?') as external_id) from book.findings",
    )
    # Usually nothing is wrong, and planning each statement just to find that out takes time.
    errors = _is_true(connection, "select exists(from book.problems where severity = 'error')")
    if errors:
        run(connection, _WITHHOLD)
    else:
        run(connection, "delete from book.withheld")
    if linked and (links_moved or errors or judged_again):
        check_links(connection, moved, errors)
    found = filled(connection, *_sources(SUMMARIES))
    side_by_side(connection, _needed(SUMMARIES, found, "book.problems"))


def _restricted(
    connection: duckdb.DuckDBPyConnection,
    every: Sequence[Rule],
    due: Sequence[Rule],
    moved: Moved,
) -> list[Rule]:
    """Delete what the rules that are due found before, and return them, restricted to the records
    that moved where that is possible."""
    kept = sorted({rule.name for rule in every} - {rule.name for rule in due})
    rules = []
    for rule in due:
        ids = moved.ids(tables_of(rule.sql), rule.by_record)
        if ids is None:
            rules.append(rule)
            continue
        kept.append(rule.name)
        # Through the parts of a query, only a list is handed down.
        where = f"external_id in ({listed(ids)})"
        connection.execute(f"delete from book.findings where rule = $1 and {where}", [rule.name])
        names = ", ".join(column.split(" ")[0] for column in _PROBLEM)
        text = narrowed(rule.sql.rstrip().rstrip(";"), selected(ids))
        rules.append(
            Rule(rule.name, f"select * from ({text}\n) as found({names}) where {where}", rule.over)
        )
    connection.execute("delete from book.findings where not list_contains($1, rule)", [kept])
    return rules


def _needed(
    rules: Iterable[Rule], found: frozenset[str], table: str, named: bool = False
) -> list[Task[None]]:
    """Return statements that put findings into a table, with the name of the rule if it is kept."""
    return [
        statement(
            f"insert into {table} select '{rule.name}', * from ({rule.sql.rstrip().rstrip(';')}\n)"
            if named
            else f"insert into {table} {rule.sql}"
        )
        for rule in rules
        if not rule.over or not found.isdisjoint(rule.over)
    ]


def _is_true(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    return bool(run(connection, sql).fetchall()[0][0])


def _sources(rules: Iterable[Rule]) -> list[str]:
    return sorted({source for rule in rules for source in rule.over})


@lru_cache(maxsize=100)
def _checks_of(present: frozenset[str]) -> tuple[Rule, ...]:
    """Return the rules that may find something where only these tables have rows."""
    return tuple(
        Rule(rule.name, without_absent(rule.sql, present), over, rule.by_record)
        for rule in CHECKS
        if (over := tuple(source for source in rule.over if _may_have_rows(source, present)))
        or not rule.over
    )


def _may_have_rows(source: str, present: Container[str]) -> bool:
    name = source.split(" ")[0]
    return name not in BY_NAME or name in present


def _completeness(connection: duckdb.DuckDBPyConnection, present: Container[str]) -> Iterator[Rule]:
    """Yield the rules that follow from the columns' declarations."""
    unread: dict[str, set[str]] = defaultdict(set)
    for name, column in run(
        connection,
        "select table_name, column_name from duckdb_columns() where database_name = 'memory' "
        f"and schema_name = 'book' and ends_with(column_name, '{RAW}')",
    ).fetchall():
        unread[name].add(column)
    for table in TABLES:
        if table.name in present:
            yield from _incomplete(table, unread[table.name])


def read_problems(connection: duckdb.DuckDBPyConnection, limit: int | None = None) -> list[Problem]:
    """Return the problems found, errors first."""
    if limit == 0 or not _is_true(connection, "select exists(from book.problems)"):
        return []
    rows = run(connection, _PROBLEMS, [limit if limit is not None else 2**62]).fetchall()
    return [Problem(*row) for row in rows]


def _incomplete(table: Table, present: Container[str]) -> Iterator[Rule]:
    """Check required columns that are NULL, and values that could not be cast.

    A problem in an optional column withholds nothing: the record is sent without the value.
    """
    remedy = f"correct the row in the source, or models/{table.name}.sql"
    for severity, required, words in (
        ("error", True, remedy),
        ("warning", False, f"{remedy}; the record goes without"),
    ):
        columns = [column for column in table.columns if column.required is required]
        findings = [finding for column in columns for finding in _findings(column, present)]
        findings = [(when, _with_row(table, text)) for when, text in findings]
        if table.name == "contacts":  # e-mails of contacts have a rule of their own
            findings = [(when, text) for when, text in findings if not when.startswith("email ")]
        if findings:
            yield _rule_of(table, present, severity, findings, words)


def _rule_of(
    table: Table,
    present: Container[str],
    severity: str,
    findings: Sequence[tuple[str, str]],
    remedy: str,
) -> Rule:
    rows = f"{table.name} where {' or '.join(f'({when})' for when, _ in findings)}"
    texts = ", ".join(f"case when {when} then {text} end" for when, text in findings)
    return Rule(
        f"{table.name}_{severity}",
        f"select '{severity}', {_entity(table)}, {_shown(table, present)}, "
        f"unnest(list_filter(texts, lambda text: text is not null)), '{remedy}' "
        f"from (select *, [{texts}] as texts from book.{rows})",
        (rows,),
        frozenset({table.name}) & (_DOCUMENTS | {"customers"}),
    )


def _entity(table: Table) -> str:
    """Return the entity that is withheld: for allocations only a link, for documents only their
    PDF."""
    if table.name == "allocations":
        return "'link'"
    if table.name == "documents":
        return "coalesce(entity, '?') || '_pdf'"
    return f"'{table.singular}'"


def _shown(table: Table, present: Container[str]) -> str:
    """Return SQL for the name of a row: its unconverted id when that can't be read; for a link,
    both of its ends."""
    if table.name != "allocations":
        return f"coalesce({_read(table.identity, present)}, '?')"
    ends = []
    for end in ("from", "to"):
        id = f"coalesce({_read(f'{end}_external_id', present)}, '?')"
        ends.append(f"coalesce({end}_entity || ' ', '') || {id}")
    return " || ' → ' || ".join(ends)


def _read(column: str, present: Container[str]) -> str:
    unread = f"{column}__raw"
    return f"{column}, {unread}" if unread in present else column


def _with_row(table: Table, text: str) -> str:
    """Add to the text about a missing id, in SQL, by what else a person finds the row."""
    known = ", ".join(
        f"'{column.name} ' || {column.name}{'::date' if column.kind == 'instant' else ''}"
        for column in table.columns
        if column.name in _KNOWN_BY
    )
    if not known or text != "'has no external_id'":
        return text
    return f"{text} || coalesce('; its row has ' || nullif(concat_ws(', ', {known}), ''), '')"


def _findings(column: Column, present: Container[str]) -> list[tuple[str, str]]:
    """Return (condition, text) pairs in SQL; `present` are the columns
    with values that could not be read."""
    name = column.name
    unread = f"{name}__raw"
    findings = []
    missing = f"{name} is null"
    if unread in present and column.kind != "json":  # its own rule withholds nothing
        quoted = f"chr(39) || {unread} || chr(39)"
        text = f"'has {name} ' || {quoted} || ', which is ' || {why_unread(column)}"
        findings.append((f"{missing} and {unread} is not null", text))
        missing += f" and {unread} is null"
    if column.required:
        inexact = ", or one that is not exact in its currency" if column.kind == "amount" else ""
        findings.append((missing, f"'has no {name}{inexact}'"))
    return findings
