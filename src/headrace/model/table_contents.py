"""What a table of DuckDB contains, as a text that changes with its columns and rows."""

from __future__ import annotations

from typing import Any

from headrace.model.repeated import run

Marks = tuple[int, int, int]
"""Number of rows, sum of their hashes, and the exclusive or of hashes of those."""


def contents_of(connection: Any, table: str) -> tuple[str, int]:
    """Return what identifies the columns and rows of a table, and the number of rows.

    The order of the rows makes no difference. `table` is SQL, with quotes where it needs them, and
    `connection` one of DuckDB.
    """
    shape, (count, total, crossed) = _marks(connection, table)
    return f"{shape} {count} {total} {crossed}", count


def changed_contents(connection: Any, contents: str, old: str, new: str) -> tuple[str, int]:
    """Return what `contents_of` returns once the rows of the table `old` are replaced by those of
    `new`, which have the same columns; `contents` is the earlier text."""
    shape, *numbers = contents.rsplit(" ", 3)
    count, total, crossed = map(int, numbers)
    _, gone = _marks(connection, old)
    _, come = _marks(connection, new)
    count += come[0] - gone[0]
    total += come[1] - gone[1]
    return f"{shape} {count} {total} {crossed ^ gone[2] ^ come[2]}", count


def _marks(connection: Any, table: str) -> tuple[str, Marks]:
    columns = run(connection, f"describe {table}").fetchall()
    shape = [(str(column), str(kind)) for column, kind, *_ in columns]
    listed = ", ".join('"' + column.replace('"', '""') + '"' for column, _ in shape)
    # A sum and an exclusive or of two hashes: doubled rows count, and no order is needed.
    row = run(
        connection,
        "select count(*), coalesce(sum(mark), 0)::varchar, "
        "coalesce(bit_xor(hash(mark)), 0)::varchar "
        f"from (select hash({listed}) as mark from {table})",
    ).fetchall()[0]
    count, total, crossed = map(int, row)
    return str(shape), (count, total, crossed)
