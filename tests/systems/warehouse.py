"""Books of known systems: from published seeds, and from rows that a test writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.book.models.steady import are_steady
from headrace.systems.catalogue import find_system
from project_books import aged, project_book

FORMS = ("text", "typed")
"""All columns are text, as in CSV files; or typed, and without columns that never had a value."""


def tables_read(system: str) -> frozenset[str]:
    """The tables that the models of a system read."""
    models = load_models(find_system(system).models, ())
    return frozenset().union(*(model.reads for model in models))


def _copy_as(form: str, seed: Path, target: Path) -> None:
    """Write the seed as the table: as it is, or typed without its empty columns."""
    if form == "text":
        target.with_suffix(".csv").write_bytes(seed.read_bytes())
        return
    with duckdb.connect() as connection:
        connection.execute(
            "create table seed as select * from read_csv(?, sample_size = -1, nullstr = '')",
            [str(seed)],
        )
        counts = connection.execute("select count(columns(*)) from seed").fetchall()[0]
        columns = connection.execute("select * from seed limit 0").description
        filled = [f'"{c[0]}"' for c, n in zip(columns, counts, strict=True) if n]
        chosen = ", ".join(filled) or f'"{columns[0][0]}"'
        connection.execute(f"copy (select {chosen} from seed) to '{target}.parquet'")


def _project(folder: Path, system: str) -> None:
    (folder / "headrace.toml").write_text(
        f'[organisation.it]\nmodels = "system:{system}"\n'
        'target = { url = "env:URL", key = "env:KEY", secret = "env:SECRET" }\n'
        '[organisation.it.source]\nkind = "files"\npath = "data"\n'
    )
    (folder / "data").mkdir()


@contextmanager
def steady_book(folder: Path, url: str = "") -> Iterator[Book]:
    """The book of the project, whose models make the same rows whatever order they read."""
    if (folder / "data").exists():
        aged(folder / "data")
    with project_book(folder, url) as book:
        assert are_steady(book.connection, book.models)
        before = {(p.entity, p.external_id, p.problem) for p in book.problems()}
        book.run_again()
        assert {(p.entity, p.external_id, p.problem) for p in book.problems()} == before
        yield book


@contextmanager
def seeded(system: str, seeds: Mapping[str, Path], form: str, folder: Path) -> Iterator[Book]:
    """The book of a project over these seeds, named by table; other tables have no rows."""
    _project(folder, system)
    for table in tables_read(system):
        if table in seeds:
            _copy_as(form, seeds[table], folder / "data" / table)
        else:
            (folder / "data" / f"{table}.csv").write_text("id\n")
    with steady_book(folder) as book:
        yield book


@contextmanager
def written(
    system: str, tables: Mapping[str, list[dict[str, Any]]], folder: Path
) -> Iterator[Book]:
    """The book of a project over these rows; other tables have no rows."""
    _project(folder, system)
    assert tables_read(system) >= tables.keys()
    for table in tables_read(system):
        rows = tables.get(table, [])
        names = list(dict.fromkeys(name for row in rows for name in row)) or ["id"]
        with (folder / "data" / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    with steady_book(folder) as book:
        yield book


def rows_of(seed: Path) -> list[dict[str, str]]:
    """The rows of a seed, as text."""
    with seed.open(newline="") as file:
        return list(csv.DictReader(file))


def external_ids(book: Book, table: str) -> set[str]:
    """The ids of a canonical table, withheld rows included."""
    return {
        i for (i,) in book.connection.execute(f"select external_id from book.{table}").fetchall()
    }


def links(book: Book) -> set[tuple[Any, ...]]:
    """(from, its id, to, its id, amount) of every allocation."""
    return set(
        book.connection.execute(
            "select from_entity, from_external_id, to_entity, to_external_id, amount"
            " from book.allocations"
        ).fetchall()
    )


def marked_paid(book: Book) -> set[str]:
    """The invoices that the models mark as paid."""
    rows = book.connection.execute(
        "select external_id from book.invoices where marked_paid_at is not null"
    ).fetchall()
    return {number for (number,) in rows}


@contextmanager
def exported(
    system: str, tables: Mapping[str, list[dict[str, Any]]], folder: Path
) -> Iterator[Book]:
    """The book of a project over these objects, as JSON lines; other tables have no rows."""
    _project(folder, system)
    assert tables_read(system) >= tables.keys()
    for table in tables_read(system):
        if table in tables:
            lines = [json.dumps(item) + "\n" for item in tables[table]]
            (folder / "data" / f"{table}.jsonl").write_text("".join(lines))
        else:
            (folder / "data" / f"{table}.csv").write_text("id\n")
    with steady_book(folder) as book:
        yield book
