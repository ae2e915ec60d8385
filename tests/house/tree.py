"""The project's files, read once for the house rules."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "headrace"


class Module(Struct, frozen=True, dict=True):
    """One Python file: its path below the root, its text and its syntax tree."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def dotted(self) -> str:
        """`headrace.model.clock` for `src/headrace/model/clock.py`; empty outside the package."""
        if not self.path.startswith("src/"):
            return ""
        parts = self.path.removeprefix("src/").removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @functools.cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, including nested ones, in the order of `ast.walk`, which takes thrice as
        long; without the marks whether a name is read or set, which each of them has."""
        found: list[ast.AST] = [self.tree]
        for node in found:  # it grows meanwhile
            for value in vars(node).values():
                if isinstance(value, list):
                    found.extend(item for item in value if isinstance(item, ast.AST))
                elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                    found.append(value)
        return tuple(found)

    @functools.cached_property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """Every import statement."""
        return tuple(node for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom))

    def walk(self) -> Iterator[ast.AST]:
        """Return every node, including nested ones."""
        return iter(self.nodes)


@functools.cache
def tracked() -> tuple[str, ...]:
    """Return the files that git tracks or would track, without deleted ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return tuple(_walked())
    return tuple(path for path in sorted(found.split("\0")) if path and (ROOT / path).is_file())


def _walked() -> list[str]:
    """Return the files without git, as in an unpacked archive, except what tools create."""
    left = {".venv", ".mutants", "__pycache__", "headrace-demo", "build", "dist"}
    return [
        path
        for file in sorted(ROOT.rglob("*"))
        if file.is_file()
        and (path := file.relative_to(ROOT).as_posix())
        and not any(part in left or part.endswith("_cache") for part in path.split("/"))
    ]


@functools.cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of the project."""
    return tuple(Module(path, (ROOT / path).read_text("utf-8")) for path in with_ending(".py"))


@functools.cache
def package() -> tuple[Module, ...]:
    """Return the Python files of the package."""
    return tuple(module for module in modules() if module.dotted)


def with_ending(*endings: str) -> list[str]:
    """Return the tracked files with this ending."""
    return [path for path in tracked() if path.endswith(endings)]
