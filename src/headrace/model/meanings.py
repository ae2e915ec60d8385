"""Reads the docstrings below a record's fields, for the descriptions generated from them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping

from msgspec import Struct


def field_meanings(record: type[Struct]) -> Mapping[str, str]:
    """Return each Python field's docstring on one line, including inherited fields."""
    found: dict[str, str] = {}
    for kind in reversed(record.__mro__):
        if issubclass(kind, Struct) and kind.__module__.startswith("headrace."):
            found |= _own(kind)
    return found


def _own(record: type[Struct]) -> dict[str, str]:
    (owner,) = ast.parse(inspect.getsource(record)).body
    assert isinstance(owner, ast.ClassDef)
    found = {}
    for node, after in zip(owner.body, owner.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[ast.unparse(node.target)] = " ".join(str(after.value.value).split())
    return found
