"""Which tables of a database an organisation's models read, as its catalogue names them."""

from __future__ import annotations

from contextlib import closing
from importlib import resources

import duckdb

from headrace.book.models.models import load_models
from headrace.book.queries.sql_tree import parsing_with
from headrace.hints.way import Subject
from headrace.sources.registry import open_source
from headrace.sources.source import literal

_BASE_TABLES = (
    resources.files("headrace.hints").joinpath("base_tables.sql").read_text(encoding="utf-8")
)


def names_read(subject: Subject) -> list[str]:
    """Return the source's tables that the models read, in lower case.

    Raises SourceError and ModelError.
    """
    with closing(open_source(subject.source, subject.folder)) as source:
        offered = source.tables()
    with duckdb.connect() as engine, parsing_with(engine):
        named = [subject.prefix + name for name in offered]
        models = load_models(subject.models, named, subject.organisation)
    names = set[str]().union(*(model.reads for model in models))
    return sorted(
        one.removeprefix(subject.prefix) for one in names if one.startswith(subject.prefix)
    )


def base_tables_query(subject: Subject, names: list[str]) -> str:
    """Return PostgreSQL's query for (oid, schema, table) of the tables behind `names`.

    Views are followed to their tables, and tables to their partitions. If one of `names` is a query
    of the project, the result has all tables of the database, because what it reads is not known.
    """
    schema = subject.source.schema
    own = {name.lower() for name in subject.source.tables}
    listed = ", ".join(literal(name) for name in names if name not in own) or "''"
    return _BASE_TABLES.format(
        names=listed, schema=literal(schema), all="false" if own.isdisjoint(names) else "true"
    )
