"""Infers the likely cause of many similar problems: what the unreadable values have in common,
and what to change in the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import duckdb
from msgspec import Struct

from headrace.book.models.casts import RAW
from headrace.book.models.given_values import given_to
from headrace.book.models.models import Model
from headrace.book.queries.sql_tree import as_text, item_place, parse, selects
from headrace.book.tables import Column
from headrace.model.repeated import run

_LOOKED_AT = 2_000
_SHARE = 0.9
"""Minimum share of the examined values that must be alike."""
_DECIMALS = re.compile(r"[+-]?\d*\.\d+")
_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d+,\d{1,2}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_SPACES = re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f']\d{3})+([.,]\d+)?")
_MARK = r"(?:[€$£¥₹₽₺₩₪฿]|[A-Za-z]{1,2}\$|[A-Z]{3}|kr\.?|zł|Fr\.?)"
_SIGN = re.compile(rf"{_MARK}\s*[+-]?\d[\d.,' ]*|[+-]?\d[\d.,' ]*\s*{_MARK}")
_DIGITS = re.compile(r".*\d.*")
_DAY = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})( \d{1,2}:\d{2}(:\d{2})?)?")
_COMPACT = re.compile(r"(19|20)\d{6}")
_SECONDS = re.compile(r"\d{9,10}(\.0+)?")
_MILLISECONDS = re.compile(r"\d{12,13}(\.0+)?")
_SERIAL = re.compile(r"[2-9]\d{4}(\.\d+)?")


class _Given(Struct, frozen=True):
    """How a model produces a column: its SQL, and the expression that lost the value, if any."""

    sql: str
    swallowed: bool


def name_causes(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Add the likely cause to the remedy of problems in columns whose values are alike."""
    named = run(
        connection,
        "select distinct regexp_extract(problem, '^has ([a-z_]+) ''', 1) from book.problems",
    ).fetchall()
    names = {str(row[0]) for row in named}
    for model in models:
        for column in model.table.columns:
            if column.kind in ("amount", "instant") and column.name in names:
                _name_cause(connection, model, column)


def _name_cause(connection: duckdb.DuckDBPyConnection, model: Model, column: Column) -> None:
    said = f"has {column.name} '"
    remedy = f"models/{model.table.name}.sql"
    affected = (
        "from book.problems where starts_with(problem, $1) and contains(remedy, $2)"
        " and not contains(problem, 'more than the')"
    )
    if not connection.execute(f"{affected} limit 1", [said, remedy]).fetchall():
        return
    values = [
        str(row[0])
        for row in connection.execute(
            f"select {column.name}{RAW} from book.{model.table.name} "
            f"where {column.name}{RAW} is not null limit {_LOOKED_AT}"
        ).fetchall()
    ]
    find = _amount_cause if column.kind == "amount" else _date_cause
    if cause := find(values, _given(model, column.name)):
        connection.execute(
            "update book.problems set remedy = $3 "
            "where starts_with(problem, $1) and contains(remedy, $2)"
            " and not contains(problem, 'more than the')",
            [said, remedy, f"{cause} {'' if cause.endswith(' see') else 'in '}{remedy}"],
        )


def _given(model: Model, name: str) -> _Given:
    """Return the SQL of a column, or of the expression that lost its values; its own name when
    that can't be determined."""
    for select in selects(parse(model.sql)):
        place = item_place(select, name)
        if place is None:
            continue
        item = select["select_list"][place]
        lost = given_to(item)
        return _Given(as_text(lost[0] if lost else item), bool(lost))
    return _Given(name, False)


def _amount_cause(values: Sequence[str], given: _Given) -> str | None:
    sql = given.sql
    if how_many := _alike(values, _DECIMALS.fullmatch):
        if given.swallowed:
            return (
                f"{how_many} have more decimals than their currency, which "
                f"minor_rounded({sql}, currency) would round: write that if it is meant,"
            )
        return f"{how_many} have decimals: did you mean minor({sql}, currency)"
    if how_many := _alike(values, _COMMA.fullmatch):
        clean = f"money_text({sql}, mark := ',')"
        return f"{how_many} have a decimal comma: write minor({clean}, currency)"
    if how_many := _alike(values, _THOUSANDS.fullmatch):
        clean = f"replace({sql}, ',', '')"
        return f"{how_many} have commas between thousands: write minor({clean}, currency)"
    read = f"minor(money_text({sql}), currency)"
    if how_many := _alike(values, _SPACES.fullmatch):
        return f"{how_many} have spaces between thousands: write {read}"
    if how_many := _alike(values, _SIGN.fullmatch):
        return f"{how_many} have a currency sign: write {read}"
    if _alike(values, _DIGITS.fullmatch):
        return f"{read} reads amounts as people write them, and correct what remains: see"
    return None


def _date_cause(values: Sequence[str], given: _Given) -> str | None:
    sql = given.sql
    if how_many := _alike(values, _DAY.fullmatch):
        return _day_cause([found for value in values if (found := _DAY.fullmatch(value))], sql)
    if how_many := _alike(values, _COMPACT.fullmatch):
        return f"{how_many} look like yyyymmdd: write try_strptime({sql}::varchar, '%Y%m%d')"
    if how_many := _alike(values, _SECONDS.fullmatch):
        return (
            f"{how_many} look like seconds since 1970: write "
            f"to_timestamp(try_cast({sql} as bigint))"
        )
    if how_many := _alike(values, _MILLISECONDS.fullmatch):
        return (
            f"{how_many} look like milliseconds since 1970: write "
            f"epoch_ms(try_cast({sql} as bigint))"
        )
    if how_many := _alike(values, _SERIAL.fullmatch):
        return (
            f"{how_many} look like a spreadsheet's day numbers: write "
            f"date '1899-12-30' + try_cast({sql} as integer)"
        )
    return None


def _day_cause(found: Sequence[re.Match[str]], sql: str) -> str:
    """Describe numeric dates: day or month first, as far as the values show."""
    firsts = max(int(match[1]) for match in found)
    seconds = max(int(match[3]) for match in found)
    mark = found[0][2]
    year, words = ("%Y", "yyyy") if len(found[0][4]) == 4 else ("%y", "yy")
    clock = "" if not found[0][5] else " %H:%M:%S" if found[0][6] else " %H:%M"
    day_first = f"try_strptime({sql}, '%d{mark}%m{mark}{year}{clock}')"
    month_first = f"try_strptime({sql}, '%m{mark}%d{mark}{year}{clock}')"
    if firsts > 12 and seconds > 12:
        return (
            f"some look like dd{mark}mm{mark}{words} and some like mm{mark}dd{mark}{words}: "
            "correct them at the source, for no format reads both,"
        )
    if seconds > 12:
        return f"looks like mm{mark}dd{mark}{words}: write {month_first}"
    if firsts > 12 or mark == ".":
        return f"looks like dd{mark}mm{mark}{words}: write {day_first}"
    return (
        f"looks like dd{mark}mm{mark}{words} or mm{mark}dd{mark}{words}: write {day_first} or "
        f"{month_first}"
    )


def _alike(values: Sequence[str], looks: Callable[[str], object]) -> str:
    """Return `all of them`, or how many of how many; empty when they are not alike."""
    count = sum(1 for value in values if looks(value.strip()))
    if not values or count < _SHARE * len(values):
        return ""
    return "all of them" if count == len(values) else f"{count:,} of {len(values):,}"
