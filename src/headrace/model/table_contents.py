"""What a table of DuckDB contains, as a text that changes with its columns and rows."""

from __future__ import annotations

from typing import Any


def contents_of(connection: Any, table: str) -> tuple[str, int]:
    """Return what identifies the columns and rows of a table, and the number of rows.

    The order of the rows makes no difference. `table` is SQL, with quotes where it needs them, and
    `connection` one of DuckDB.
    """
    columns = connection.execute(f"describe {table}").fetchall()
    shape = [(str(column), str(kind)) for column, kind, *_ in columns]
    listed = ", ".join('"' + column.replace('"', '""') + '"' for column, _ in shape)
    # A sum and an exclusive or of two hashes: doubled rows count, and no order is needed.
    count, total, crossed = connection.execute(
        "select count(*), sum(mark)::varchar, bit_xor(hash(mark))::varchar "
        f"from (select hash({listed}) as mark from {table})"
    ).fetchall()[0]
    return f"{shape} {count} {total} {crossed}", int(count)
