"""What a column of MySQL or MariaDB is in DuckDB, and how its values are asked for.

Values come as the text that the server shows. That text is exact for all types but these: a FLOAT
is shown with six digits, a BIT as bytes. Both are asked for as numbers.
"""

from __future__ import annotations

from msgspec import Struct

_INTEGERS = {1, 2, 3, 8, 9, 13}
_DECIMALS = {0, 246}
_FLOAT, _DOUBLE, _BIT, _GEOMETRY = 4, 5, 16, 255
_DATES = {10, 14}
_MOMENTS = {7, 12}
_BLOBS = {249, 250, 251, 252, 253, 254}
_BIGINT = 8
_BINARY = 63
"""The number of the character set that stands for bytes."""
_UNSIGNED = 32


class Column(Struct, frozen=True):
    """A column of a result, as the server describes it."""

    name: str
    type: int
    flags: int
    length: int
    scale: int
    charset: int

    @property
    def is_binary(self) -> bool:
        """Whether its values are bytes."""
        return self.type == _GEOMETRY or (self.type in _BLOBS and self.charset == _BINARY)

    @property
    def is_date(self) -> bool:
        """Whether it holds days, which may be ones that no calendar has."""
        return self.type in _DATES | _MOMENTS

    @property
    def kind(self) -> str:
        """Return its type in DuckDB."""
        unsigned = bool(self.flags & _UNSIGNED)
        if self.type in _INTEGERS:
            # Not UBIGINT: its differences could not be negative.
            return "hugeint" if self.type == _BIGINT and unsigned else "bigint"
        if self.type == _BIT:
            return "hugeint" if self.length > 63 else "bigint"
        if self.type in _DECIMALS:
            precision = self.length - (not unsigned) - (self.scale > 0)
            fits = 0 < precision <= 38 and self.scale <= precision
            return f"decimal({precision}, {self.scale})" if fits else "varchar"
        if self.is_date:
            return "date" if self.type in _DATES else "timestamp"
        if self.is_binary:
            return "blob"
        return {_FLOAT: "float", _DOUBLE: "double"}.get(self.type, "varchar")

    def read(self) -> str:
        """Return the server's expression for its values."""
        c = mysql_quoted(self.name)
        if self.type == _FLOAT:
            return f"{c} + 0e0"
        return f"{c} + 0" if self.type == _BIT else c


def odd_dates(name: str) -> str:
    """Return an expression of the server that counts the days that no calendar has.

    MySQL stores 0000-00-00, 2026-00-00 and, if it is told to, 2026-02-31.
    """
    c = mysql_quoted(name)
    real = (
        f"year({c}) > 0 and month({c}) between 1 and 12"
        f" and dayofmonth({c}) between 1 and dayofmonth(last_day({c}))"
    )
    # The last day of a month that does not exist is NULL.
    return f"count(case when {c} is not null and not coalesce({real}, false) then 1 end)"


def mysql_quoted(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"
