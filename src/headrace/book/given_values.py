"""What stood in the source where a model's SQL made NULL of it: `minor('1.377,58', …)` is NULL, and
the person who has to correct the row wants to read 1.377,58.

The model is run once more, only when it has left such NULLs, and with one more column that carries
what `minor`, `try_cast` and their like were given. That is a courtesy: where a model's SQL can't be
followed, the problem is told without the value.

A NULL inside `sum` would leave no NULL behind, only a smaller sum. So a model that sums up what
`minor` gives is run once more each time, and a sum that lacks a line is unread as the line is.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Literal

import duckdb

from headrace.book.casts import RAW, cast_column
from headrace.book.models import Model
from headrace.book.sql_tree import Tree, as_text, inside, item_place, parse, write

_GIVEN = "__given"
_SWALLOW = {"minor", "minor_rounded", "minor_units", "try_strptime", "strptime"}
"""Functions whose first argument is lost when they give NULL."""
_SUMS = {"sum", "fsum", "sumkahan", "kahan_sum", "sum_no_overflow", "avg", "mean"}
_SUMMED = re.compile(rf"\b({'|'.join(_SUMS)})\s*\(", re.IGNORECASE)
_PLAIN = "cast({} as varchar)"
_CHOICES = {"if", "iff", "ifnull", "nullif"}

_Mode = Literal["given", "sums", "lines"]
"""What is carried: what was given, what sums lack, or what their lines were given. A line that the
model itself may leave out, by CASE and the like, is none that a sum lacks."""


def keep_given_values(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Fills `<column>__raw` where an amount or a date that must be there is NULL without reason."""
    table = f"memory.book.{model.table.name}"
    there = {str(row[0]) for row in connection.execute(f"describe {table}").fetchall()}
    columns = [
        column.name
        for column in model.table.columns
        if column.required and column.kind in ("amount", "instant") and column.name + RAW in there
    ]
    if not columns:
        return
    counts = connection.execute(
        "select "
        + ", ".join(f"count(*) filter ({name} is null and {name}{RAW} is null)" for name in columns)
        + f" from {table}"
    ).fetchall()[0]
    sums = _SUMMED.search(model.sql) is not None
    for name, count in zip(columns, counts, strict=True):
        if count:
            # What an aggregate was given, or else what was given an aggregate.
            for form in ("max({})", "{}"):
                with suppress(duckdb.Error):
                    _fill(connection, model, name, table, form)
                    break
        if sums and model.table.column(name).kind == "amount":
            with suppress(duckdb.Error):
                _fill(connection, model, name, table, "max({})", of_sums=True)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    name: str,
    table: str,
    form: str,
    of_sums: bool = False,
) -> None:
    """`form` is how a SELECT that aggregates shows what it was given; `of_sums` looks at what is
    lost in sums that are not NULL, and makes them so."""
    tree = parse(model.sql)
    node = tree["statements"][0]["node"]
    if not _Carrier(tree, form).carry(node, name, "sums" if of_sums else "given"):
        return
    ids = [column for column in model.table.columns if column.kind == "id" and column.required]
    described = connection.execute(f"describe {model.sql}").fetchall()
    types = {str(column).lower(): str(kind) for column, kind, *_ in described}
    casts = [cast_column(column, types[column.name])[0] for column in ids]
    same = " and ".join(f"own.{column.name} = found.{column.name}" for column in ids)
    connection.execute(
        f"update {table} as own set {name}{RAW} = found.given, {name} = null from ("
        f"select {', '.join(casts)}, max({name}{_GIVEN}) as given from ({write(tree)}) "
        f"where {name} is {'not' if of_sums else ''} null and {name}{_GIVEN} is not null "
        f"group by all) as found where {same} and own.{name}{RAW} is null"
        f" and own.{name} is {'not' if of_sums else ''} null"
    )


def given_to(expression: Tree) -> list[Tree]:
    """The arguments in an expression that are lost when it gives NULL."""
    return [given for _, given in _swallowed(expression)]


def _swallowed(expression: Any) -> list[tuple[Tree, Tree]]:
    """What may give NULL in an expression, and what it is given."""
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
        """Whether the result of `node` has `<name>__given` now."""
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
        """SQL for what the sums of an item were given and could not read, or leave out."""
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
        """All SELECTs of a UNION, whose columns go by their places."""
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
        """The subqueries that a SELECT reads, under a name or in its FROM."""
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
    """SQL for what a call was given, where it gives NULL."""
    return f"case when {as_text(call)} is null then {_PLAIN.format(as_text(given))} end"


def _chooses(expression: Any) -> bool:
    """Whether an expression may be NULL, or something else, because the model says so."""
    return any(
        part.get("class") == "CASE"
        or part.get("type") == "OPERATOR_COALESCE"
        or str(part.get("function_name", "")).lower() in _CHOICES
        for part in inside(expression)
    )


def _columns(expression: Any) -> list[str]:
    """The columns that an expression names, lower case."""
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
