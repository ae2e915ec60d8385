"""Reads the docstrings below a record's fields, for the descriptions generated from them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from msgspec import Struct


def field_meanings(record: type[Struct]) -> Mapping[str, str]:
    """Return each Python field's docstring on one line, including inherited fields."""
    found: dict[str, str] = {}
    for kind in reversed(record.__mro__):
        if issubclass(kind, Struct) and kind.__module__.startswith("headrace."):
            found |= _own(kind)
    return found


def _own(record: type[Struct]) -> dict[str, str]:
    owner = _classes(record.__module__)[record.__name__]
    found = {}
    for node, after in zip(owner.body, owner.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[ast.unparse(node.target)] = " ".join(str(after.value.value).split())
    return found


# To ask for the source of each class is to parse its module for each.
@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    parsed = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in parsed.body if isinstance(node, ast.ClassDef)}
