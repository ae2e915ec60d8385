"""Recovers source values that a model's SQL turned into NULL. `minor('1.377,58', …)` is NULL, but
the person who corrects the row needs to see 1.377,58.

The model is run once more, only when it produced such NULLs, with an additional column that carries
the arguments of `minor`, `try_cast` and similar functions. This is best effort: where a model's SQL
is too complex, the problem is reported without the value.

A NULL inside `sum` leaves no NULL, only a smaller sum. A model that sums the results of `minor` is
therefore always run once more, and a sum that lacks a line counts as unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import duckdb

from headrace.book.models.casts import RAW, cast_column
from headrace.book.models.models import Model, types_of
from headrace.book.queries.sql_tree import Tree, as_text, inside, item_place, parse, write
from headrace.model.repeated import run

_GIVEN = "__given"
_LOST = "headrace_lost_values"
_SWALLOW = {"minor", "minor_rounded", "minor_units", "try_strptime", "strptime"}
"""Functions that lose their first argument when they return NULL."""
_SUMS = {"sum", "fsum", "sumkahan", "kahan_sum", "sum_no_overflow", "avg", "mean"}
_SUMMED = re.compile(rf"\b({'|'.join(_SUMS)})\s*\(", re.IGNORECASE)
_PLAIN = "cast({} as varchar)"
_CHOICES = {"if", "iff", "ifnull", "nullif"}

_Mode = Literal["given", "sums", "lines"]
"""What is carried: the arguments, the lines that sums lack, or the arguments of their lines. A
line that the model itself may exclude, by CASE for example, is not one that a sum lacks."""


def keep_given_values(connection: duckdb.DuckDBPyConnection, model: Model, where: str = "") -> None:
    """Fill `<column>__raw` where a required amount or date is NULL for no visible reason.

    `where` is a clause for the rows that are new, if the others have been looked at.
    """
    table = f"memory.book.{model.table.name}"
    there = {str(row[0]) for row in run(connection, f"describe {table}").fetchall()}
    columns = [
        column.name
        for column in model.table.columns
        if column.required and column.kind in ("amount", "instant") and column.name + RAW in there
    ]
    if not columns:
        return
    counts = run(
        connection,
        "select "
        + ", ".join(f"count(*) filter ({name} is null and {name}{RAW} is null)" for name in columns)
        + f" from {table} {where}",
    ).fetchall()[0]
    lost = [name for name, count in zip(columns, counts, strict=True) if count]
    # The arguments of aggregates, or the arguments inside them; all in one run if possible.
    forms = ("max({})", "{}")
    if lost and not any(_fill(connection, model, lost, form, "given") for form in forms):
        for name in lost:
            any(_fill(connection, model, [name], form, "given") for form in forms)
    amounts = [name for name in columns if model.table.column(name).kind == "amount"]
    if amounts and _SUMMED.search(model.sql):
        _fill(connection, model, amounts, forms[0], "sums")


def _fill(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    names: Sequence[str],
    form: str,
    mode: _Mode,
) -> bool:
    """Run the model in one form, which is how a SELECT that aggregates shows its arguments;
    returns whether DuckDB could run it. In the mode of sums, sums that lack a line become NULL."""
    carried, sql = _carrying(model.sql, tuple(names), form, mode)
    if not carried:
        return True
    state = "is not null" if mode == "sums" else "is null"
    ids = [column for column in model.table.columns if column.kind == "id" and column.required]
    types = types_of(connection, model)
    casts = [cast_column(column, types[column.name])[0] for column in ids]
    found = {name: f"{name} {state} and {name}{_GIVEN} is not null" for name in carried}
    shown = [
        f"max({name}{_GIVEN}) filter ({when}) as {name}{_GIVEN}" for name, when in found.items()
    ]
    try:
        run(
            connection,
            f"create or replace temp table {_LOST} as select {', '.join([*casts, *shown])} "
            f"from ({sql}) where {' or '.join(f'({when})' for when in found.values())} "
            "group by all",
        )
    except duckdb.Error:
        return False
    # Most sums lack nothing, and planning to write takes as long as to find that out.
    if run(connection, f"select 0 from {_LOST} limit 1").fetchall():
        same = " and ".join(f"own.{column.name} = {_LOST}.{column.name}" for column in ids)
        for name in carried:
            run(
                connection,
                f"update memory.book.{model.table.name} as own "
                f"set {name}{RAW} = {_LOST}.{name}{_GIVEN}, {name} = null from {_LOST} "
                f"where {same} and {_LOST}.{name}{_GIVEN} is not null "
                f"and own.{name} {state} and own.{name}{RAW} is null",
            )
    run(connection, f"drop table {_LOST}")
    return True


# Each time that a model runs, it needs the same text, which takes longer to write than to run.
@lru_cache(maxsize=1_000)
def _carrying(
    sql: str, names: tuple[str, ...], form: str, mode: _Mode
) -> tuple[tuple[str, ...], str]:
    """Return which columns can be carried, and the model's text with those added."""
    tree = parse(sql)
    carrier = _Carrier(tree, form)
    node = tree["statements"][0]["node"]
    carried = tuple(name for name in names if carrier.carry(node, name, mode))
    return carried, write(tree) if carried else ""


def given_to(expression: Tree) -> list[Tree]:
    """Return the arguments in an expression that are lost when it is NULL."""
    return [given for _, given in _swallowed(expression)]


def _swallowed(expression: Any) -> list[tuple[Tree, Tree]]:
    """Return the calls in an expression that may give NULL, with their arguments."""
    found = []
    for part in inside(expression):
        if part.get("class") == "FUNCTION" and part["function_name"].lower() in _SWALLOW:
            first = part["arguments"][0]
            found.append((part, first.get("expression", first)))
        elif part.get("class") == "CAST" and part.get("try_cast"):
            found.append((part, part["child"]))
    return found


class _Carrier:
    """Adds the column `<name>__given` to a SELECT, through its subqueries."""

    def __init__(self, tree: Tree, form: str) -> None:
        self._form = form
        self._named = {
            entry["key"].lower(): entry["value"].get("query_node")
            or entry["value"]["query"]["node"]
            for part in inside(tree)
            for entry in (part.get("cte_map") or {}).get("map", ())
        }
        self._carried: set[tuple[int, str, str]] = set()

    def carry(self, node: Tree, name: str, mode: _Mode) -> bool:
        """Whether the result of `node` now has `<name>__given`."""
        key = (id(node), name, mode)
        if key not in self._carried and self._carry(node, name, mode):
            self._carried.add(key)
        return key in self._carried

    def _carry(self, node: Tree, name: str, mode: _Mode) -> bool:
        if node.get("type") == "SET_OPERATION_NODE":
            return self._carry_all(node, name, mode)
        if node.get("type") != "SELECT_NODE" or _is_distinct(node):
            return False
        place = item_place(node, name)
        if place is None:
            stars = [item for item in node["select_list"] if item.get("type") == "STAR"]
            return bool(stars) and self._carry_below(node, name, mode)
        return self._carry_item(node, node["select_list"][place], name, mode)

    def _carry_below(self, node: Tree, name: str, mode: _Mode) -> bool:
        return any(self.carry(sub, name, mode) for sub in self._sources(node))

    def _carry_item(self, node: Tree, item: Tree, name: str, mode: _Mode) -> bool:
        form = self._form if _aggregates(node) else "{}"
        if mode == "sums":
            texts = self._lost_in_sums(node, item)
        elif mode == "lines" and _chooses(item):
            return False
        else:
            texts = [form.format(_lost(call, given)) for call, given in _swallowed(item)]
        texts = texts or [
            form.format(f'"{column}{_GIVEN}"')
            for column in _columns(item)
            if self._carry_below(node, column, mode)
        ]
        if texts:
            _append(node, f"coalesce({', '.join(texts)})", name)
        return bool(texts)

    def _lost_in_sums(self, node: Tree, item: Tree) -> list[str]:
        """Return SQL for the arguments that the sums of an item could not read, or left out."""
        texts = []
        for part in inside(item):
            if part.get("class") != "FUNCTION" or part["function_name"].lower() not in _SUMS:
                continue
            summed = part["arguments"]
            if _chooses(summed):
                continue
            chosen = f"filter (where {as_text(part['filter'])})" if part["filter"] else ""
            texts += [f"max({_lost(call, given)}) {chosen}" for call, given in _swallowed(summed)]
            texts += [
                f'max(case when "{column}" is null then "{column}{_GIVEN}" end) {chosen}'
                for column in _columns(summed)
                if not _swallowed(summed) and self._carry_below(node, column, "lines")
            ]
        return texts

    def _carry_all(self, node: Tree, name: str, mode: _Mode) -> bool:
        """Extend all SELECTs of a UNION, whose columns are matched by position."""
        children = list(node.get("children") or [node["left"], node["right"]])
        if any(child.get("type") != "SELECT_NODE" for child in children):
            return False
        place = item_place(children[0], name)
        if place is None or any(_has_star(child) for child in children):
            return False
        done = [
            self._carry_item(child, child["select_list"][place], name, mode) for child in children
        ]
        for child, carried in zip(children, done, strict=True):
            if not carried:
                _append(child, "cast(null as varchar)", name)
        return any(done)

    def _sources(self, node: Tree) -> list[Tree]:
        """Return the subqueries that a SELECT reads, by name or in its FROM."""
        found = []
        for part in inside(node["from_table"]):
            if part.get("type") == "BASE_TABLE":
                named = self._named.get(part["table_name"].lower())
                if named is not None and named is not node and not part.get("schema_name"):
                    found.append(named)
            elif part.get("type") == "SUBQUERY" and "subquery" in part:
                sub = part["subquery"]
                found.append(sub.get("node", sub))
        return found


def _lost(call: Tree, given: Tree) -> str:
    """Return SQL for the argument of a call, where the call is NULL."""
    return f"case when {as_text(call)} is null then {_PLAIN.format(as_text(given))} end"


def _chooses(expression: Any) -> bool:
    """Whether an expression may be NULL, or another value, because the model says so."""
    return any(
        part.get("class") == "CASE"
        or part.get("type") == "OPERATOR_COALESCE"
        or str(part.get("function_name", "")).lower() in _CHOICES
        for part in inside(expression)
    )


def _columns(expression: Any) -> list[str]:
    """Return the columns that an expression refers to, in lower case."""
    return sorted(
        {
            part["column_names"][-1].lower()
            for part in inside(expression)
            if part.get("class") == "COLUMN_REF"
        }
    )


def _append(node: Tree, expression: str, name: str) -> None:
    select: Any = parse(f'select {expression} as "{name}{_GIVEN}"')
    node["select_list"].append(select["statements"][0]["node"]["select_list"][0])


def _has_star(node: Tree) -> bool:
    return any(item.get("type") == "STAR" for item in node["select_list"])


def _aggregates(node: Tree) -> bool:
    return bool(node["group_expressions"]) or node["aggregate_handling"] != "STANDARD_HANDLING"


def _is_distinct(node: Tree) -> bool:
    return any("DISTINCT" in str(modifier.get("type")) for modifier in node["modifiers"])
