"""Runs mutmut in the current folder with the project's rules about what is worth mutating.

`run.py` starts it, in a folder of its own for each area. mutmut mutates the bodies of functions and
methods; constants, fields of records and decorated functions (properties among them) stay as they
are. These rules leave out more:

- Text with a blank in it is prose or SQL. Tests compare messages where their wording matters.
- A word (a column, a wire name, a state) gets one mutation instead of three: upper and lower case
  are found by the same tests. Signs without a letter become empty, because a letter added to the
  argument of `strip` changes nothing.
- `strict=` of `zip` guards against a defect elsewhere, and `encoding=` names what is the default on
  every machine that runs the tests.
- The type in `cast(type, value)` means nothing at run time.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable
from itertools import islice

import libcst as cst
from mutmut.__main__ import cli
from mutmut.mutation import mutators

Operator = Callable[[cst.CSTNode], Iterable[cst.CSTNode]]

_IDLE_KEYWORDS = frozenset({"strict", "encoding"})


def words(operator: Operator) -> Operator:
    """One mutation of a word or of signs, none of text."""

    def mutated(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
        if not isinstance(node, cst.SimpleString) or " " in node.value:
            return
        if node.raw_value and not any(map(str.isalnum, node.raw_value)):
            yield node.with_changes(value=f"{node.prefix}{node.quote}{node.quote}")
        else:
            yield from islice(operator(node), 1)

    return mutated


def telling_arguments(operator: Operator) -> Operator:
    """All but the mutations of arguments that change nothing at run time."""

    def mutated(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
        if not isinstance(node, cst.Call):
            return
        kept = [arg for place, arg in enumerate(node.args) if not _is_idle(node, place, arg)]
        for mutant in operator(node):
            if isinstance(mutant, cst.Call) and _still_has_idle(node, mutant, kept):
                yield mutant

    return mutated


def _is_idle(call: cst.Call, place: int, arg: cst.Arg) -> bool:
    if arg.keyword is not None:
        return arg.keyword.value in _IDLE_KEYWORDS
    called = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    return place == 0 and isinstance(called, cst.Name) and called.value == "cast"


def _still_has_idle(call: cst.Call, mutant: cst.Call, kept: list[cst.Arg]) -> bool:
    idle = [arg for arg in call.args if not any(arg is other for other in kept)]
    return all(any(arg is other for other in mutant.args) for arg in idle)


def apply_rules() -> None:
    """Put the rules around mutmut's operators."""
    rules = {
        mutators.operator_string: words,
        mutators.operator_arg_removal: telling_arguments,
    }
    mutators.mutation_operators[:] = [  # type: ignore[index]
        (kind, rules[operator](operator) if operator in rules else operator)
        for kind, operator in mutators.mutation_operators
    ]


if __name__ == "__main__":
    # Each mutant is a fork that lives for a moment: collecting garbage would only copy its memory.
    gc.disable()
    apply_rules()
    cli(["run", *sys.argv[1:]], prog_name="mutmut")
