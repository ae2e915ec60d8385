"""The schema of a database as each engine reports it: columns, keys, checks, indexes."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import psycopg

Columns = dict[str, dict[str, tuple[str, bool]]]
"""Table to column to (type, whether it must have a value)."""

_PG_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0
  and not a.attisdropped
"""
_PG_INDEXES = """
select c.relname, i.indisunique, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace
"""
_PG_RULES = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace
"""


def sqlite_columns(db: sqlite3.Connection) -> Columns:
    names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {
        table: {
            name: (kind.lower().replace("integer", "bigint"), bool(needed or key))
            for _, name, kind, needed, _, key in db.execute(f"PRAGMA table_info({table})")
        }
        for (table,) in db.execute(names).fetchall()
    }


def sqlite_schema(db: sqlite3.Connection) -> Any:
    """All of it, comparable between two databases of this engine."""
    made = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'").fetchall()
    rules = {}
    for table in sqlite_columns(db):
        (text,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        checks = re.findall(r"\bCHECK \([^\n]*", text)
        keys = db.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        rules[table] = (sorted(checks), sorted(keys), text.rpartition(")")[2].strip())
    return sqlite_columns(db), {name: " ".join((sql or "").split()) for name, sql in made}, rules


def postgres_columns(db: psycopg.Connection[Any]) -> Columns:
    found: Columns = {}
    for table, column, kind, needed in db.execute(_PG_COLUMNS).fetchall():
        found.setdefault(table, {})[column] = (kind, needed)
    return found


def postgres_schema(db: psycopg.Connection[Any]) -> Any:
    """All of it, comparable between two databases of this engine."""
    indexes = sorted(db.execute(_PG_INDEXES).fetchall())
    rules = sorted(db.execute(_PG_RULES).fetchall())
    return postgres_columns(db), indexes, rules


def named_indexes_of_sqlite(
    db: sqlite3.Connection,
) -> dict[str, tuple[bool, tuple[str | None, ...]]]:
    """Return (unique, columns) of the schema's named indexes, by name."""
    found = {}
    for table in sqlite_columns(db):
        for _, name, unique, origin, _ in db.execute(f"PRAGMA index_list({table})"):
            if origin == "c":
                columns = db.execute(f"PRAGMA index_info({name})").fetchall()
                found[name] = (bool(unique), tuple(column for _, _, column in columns))
    return found


def named_indexes_of_postgres(
    db: psycopg.Connection[Any],
) -> dict[str, tuple[bool, tuple[str | None, ...]]]:
    """The same; None stands for an expression."""
    keys = {row[0] for row in db.execute("select conname from pg_constraint").fetchall()}
    found = {}
    for name, unique, text in db.execute(_PG_INDEXES).fetchall():
        if name not in keys:
            columns = re.search(r"USING btree \((.*?)\)(?: WHERE|$)", text)
            assert columns is not None, text
            # A comma inside parentheses belongs to an expression.
            parts = re.split(r", (?![^(]*\))", columns[1])
            names = (None if "(" in part else part.partition(" ")[0] for part in parts)
            found[name] = (unique, tuple(names))
    return found
