"""The package's own imports as a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules import imports_of
from tree import Module


def edges(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Each module with those of the package that it imports, wherever the import stands.

    `from package import module` leads to the module alone: a package may gather what is in it.
    """
    known = {module.dotted: module for module in modules}
    graph: dict[str, set[str]] = {}
    for name, module in known.items():
        # In an __init__.py, one leading dot means the package itself.
        importer = f"{name}.__init__" if module.path.endswith("__init__.py") else name
        named = {target for node in module.imports for target in imports_of(node, importer)}
        found = {each if each in known else each.rpartition(".")[0] for each in named}
        graph[name] = found & known.keys() - {name}
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the import cycles (strongly connected components), by Tarjan's algorithm."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return found
