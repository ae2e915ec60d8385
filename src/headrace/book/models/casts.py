"""SQL select items that cast a model's columns to the canonical types.

A value that can't be cast becomes NULL and is kept in a second column, `<column>__raw`, for the
check that reports it. The cast itself never fails for a row: one bad row must not stop the others.
"""

from __future__ import annotations

import re

from headrace.book.tables import Column

_READ = "__read"
RAW = "__raw"
"""Suffix of the column that keeps values that could not be read."""

MAX_AMOUNT = 10**16
"""Maximum absolute amount: far more than anybody owes, and small enough that sums fit."""
FIRST_DAY, LAST_DAY = "1900-01-01", "9999-12-31"
"""Dates outside this range are typing errors, such as 0026-05-05 or 20226-05-05. 9999-12-31
stands for never."""

_SMALL = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"}
_INTEGERS = _SMALL | {"BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT", "BIGNUM"}
_EXACT = {"FLOAT": 2**24 - 1, "DOUBLE": 2**53 - 1}
"""Up to this number, two different whole numbers are two different floats."""


def cast_column(column: Column, kind: str | None) -> list[str]:
    """Return the select items of one column; `kind` is its type in DuckDB, None when the model
    lacks it."""
    name = column.name
    match column.kind:
        case "text":
            return [f"{_text(name, kind, 'tidy')} as {name}"]
        case "code":
            return [f"{_text(name, kind, 'tidy_id')} as {name}"]
        case "id":
            if not _scaled(kind):
                return [f"{_text(name, kind, 'tidy_id')} as {name}"]
            return _with_raw(name, _id(name, kind), _number(name, kind))
        case "json":
            return _object(name, kind)
        case "bytes":
            return [f"cast({name} as blob) as {name}" if kind else f"null::blob as {name}"]
        case "flag":
            if kind is None or kind == "BOOLEAN":
                return [f"{name if kind else 'null::boolean'} as {name}"]
            return _with_raw(name, f"try_cast({name} as boolean)")
        case "amount":
            return _amount(name, kind)
        case "instant":
            return _instant(name, kind)


def absent_column(column: Column) -> list[str]:
    """Return the names and types of the columns that `cast_column` makes where the model lacks
    one: all of them are NULL."""
    items = (item.removeprefix("null::").split(" as ") for item in cast_column(column, None))
    return [f"{name} {kind}" for kind, name in items]


def read_first(column: Column, kind: str | None) -> str | None:
    """Return a select item for an inner SELECT that `cast_column` builds on, so that an
    expensive expression is evaluated only once. None when there is no need."""
    name = column.name
    if kind is None or column.kind not in ("amount", "instant") or kind in _INTEGERS:
        return None
    if column.kind == "amount":
        return f"try_cast({name} as decimal(38, 9)) as {name}{_READ}"
    given = f"({name} ->> '$')" if kind == "JSON" else name
    if kind in ("VARCHAR", "JSON"):
        # Through TIMESTAMPTZ, so that an offset in the text is applied; the session's time zone is
        # UTC.
        source = (
            f"case when length({given}) = 10 then cast(try_cast({given} as date) as timestamp) "
            f"else timezone('UTC', try_cast({given} as timestamptz)) end"
        )
    elif kind == "TIMESTAMP WITH TIME ZONE":
        source = f"timezone('UTC', {name})"
    else:
        source = f"try_cast({name} as timestamp)"
    return f"{source} as {name}{_READ}"


def _with_raw(name: str, source: str, shown: str | None = None) -> list[str]:
    raw = f"case when {source} is null then cast({shown or name} as varchar) end"
    return [f"{source} as {name}", f"{raw} as {name}{RAW}"]


def _text(name: str, kind: str | None, tidy: str) -> str:
    if kind is None:
        return "null::varchar"
    if kind in _INTEGERS:
        return f"cast({name} as varchar)"
    if _scaled(kind):
        # A column with gaps may show the number 1001 as 1001.0.
        return f"coalesce({_id(name, kind)}, cast({_number(name, kind)} as varchar))"
    # As text, a JSON string would keep its quotes.
    text = f"{name} ->> '$'" if kind == "JSON" else f"cast({name} as varchar)"
    return f"memory.main.{tidy}({text})"


def _scaled(kind: str | None) -> bool:
    """Whether the numeric type shows decimals even for whole numbers."""
    return kind in _EXACT or bool(kind and re.fullmatch(r"DECIMAL\(\d+,[1-9]\d*\)", kind))


def _number(name: str, kind: str | None) -> str:
    """Cast to a number; NaN, which stands for a gap where floats have no NULL, becomes NULL."""
    return f"case when not isnan({name}) then {name} end" if kind in _EXACT else name


def _id(name: str, kind: str | None) -> str:
    """Cast to a whole number without decimals; NULL when it is not whole, or so large that it is
    ambiguous."""
    if kind in _EXACT:
        return (
            f"case when {name} % 1 = 0 and abs({name}) <= {_EXACT[kind]} "
            f"then cast(cast({name} as bigint) as varchar) end"
        )
    return f"case when {name} % 1 = 0 then cast(cast({name} as hugeint) as varchar) end"


def _amount(name: str, kind: str | None) -> list[str]:
    if kind is None or kind in _SMALL:
        return [f"{name if kind else 'null'}::bigint as {name}"]
    bound = f"between -{MAX_AMOUNT} and {MAX_AMOUNT}"
    if kind in _INTEGERS:
        return _with_raw(name, f"case when {name} {bound} then {name}::bigint end")
    # A fraction of a cent is reported, not rounded away.
    number = f"{name}{_READ}"
    return _with_raw(
        name, f"case when {number} % 1 = 0 and {number} {bound} then {number}::bigint end"
    )


def _instant(name: str, kind: str | None) -> list[str]:
    if kind is None:
        return [f"null::timestamp as {name}", f"null::varchar as {name}{RAW}"]
    if kind in _INTEGERS:  # a number is not a date: it may count seconds, milliseconds or days
        return [f"null::timestamp as {name}", f"cast({name} as varchar) as {name}{RAW}"]
    moment = f"{name}{_READ}"
    bounds = f"timestamp '{FIRST_DAY}' and timestamp '{LAST_DAY} 23:59:59.999999'"
    return _with_raw(name, f"case when {moment} between {bounds} then {moment} end")


def _object(name: str, kind: str | None) -> list[str]:
    """Cast to a JSON object as text; an empty list becomes `{}`, because PHP encodes empty
    objects that way."""
    if kind is None:
        return [f"null::varchar as {name}", f"null::varchar as {name}{RAW}"]
    if kind not in ("VARCHAR", "JSON"):
        written = f"cast(to_json({name}) as varchar)"
    else:
        written = f"nullif(trim(cast({name} as varchar)), '')"
    source = f"memory.main.json_object_of({written})"
    raw = f"case when {source} is null and {written} not in ('null', '\"\"') then {written} end"
    return [f"{source} as {name}", f"{raw} as {name}{RAW}"]


def why_unread(column: Column) -> str:
    """Return SQL for why `<column>__raw` could not be read, to follow "which is "."""
    raw = f"{column.name}{RAW}"
    match column.kind:
        case "amount":
            number = f"abs(try_cast({raw} as decimal(38, 9))) > {MAX_AMOUNT}"
            return (
                f"case when {number} then 'more than the {MAX_AMOUNT:,} that an amount may be' "
                "else 'not a whole number of the currency''s lowest division' end"
            )
        case "instant":
            # Numbers contain no date either, though some can be parsed as one in a distant year.
            dated = f"try_cast({raw} as timestamptz) is not null"
            return (
                f"case when {dated} then 'not a date from {FIRST_DAY} to {LAST_DAY}' "
                "else 'not a date' end"
            )
        case "flag":
            return "'not true or false'"
        case _:
            return "'not an id: only whole numbers are, and as floats those below 2^53'"
