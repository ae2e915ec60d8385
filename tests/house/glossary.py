"""Words that no name in the package may contain, each with the term of the field to use instead.

One concept has one name. These words stood for something that engineers call differently, so a
reader had to learn them first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

from tree import Module

FORBIDDEN: Mapping[str, str] = {
    "told": "acknowledged (by the API), reported or translated (an error)",
    "untold": "unknown",
    "knot": "step, or conflict",
    "untangle": "resolve",
    "passage": "link order",
    "surroundings": "neighbours",
    "tie": "linkage, or link",
    "bond": "link, or link change",
    "shelf": "section (of the journal)",
    "echo": "response check",
    "feed": "loader",
}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SQL_NAME = re.compile(
    r"\b(?:table|view|as|with)\s+(?:(?:plan|book|staging)\.)?(\w+)", re.IGNORECASE
)


def foreign_word(module: Module) -> Iterator[str]:
    """Yield forbidden words in the names that a module defines, and in its own name."""
    for word in _forbidden(module.dotted.rpartition(".")[2]):
        yield f"{module.path}: the module says {word}: {FORBIDDEN[word]}"
    for node in module.walk():
        for name in _given(node):
            for word in _forbidden(name):
                line = getattr(node, "lineno", 0)
                yield f"{module.path}:{line}: {name} says {word}: {FORBIDDEN[word]}"


def foreign_word_in_sql(path: str, text: str) -> Iterator[str]:
    """Yield forbidden words in the tables and aliases of a statement."""
    code = re.sub(r"--.*", "", text)
    for name in _SQL_NAME.findall(code):
        for word in _forbidden(name):
            yield f"{path}: {name} says {word}: {FORBIDDEN[word]}"


def _given(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node defines; it may use names of others, such as `typer.echo`."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.arg():
            yield node.arg
        case ast.Name(ctx=ast.Store()):
            yield node.id
        case ast.Attribute(ctx=ast.Store()):
            yield node.attr
        case ast.alias(asname=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
            yield name


@cache  # the same names come again and again
def _forbidden(name: str) -> tuple[str, ...]:
    found = []
    for word in _WORD.findall(name):
        lower = word.lower()
        for form in (lower, _singular(lower)):
            if form in FORBIDDEN:
                found.append(form)
                break
    return tuple(found)


def _singular(word: str) -> str:
    if word.endswith("shelves"):
        return "shelf"
    return word.removesuffix("s")
