"""The rules of style that can be checked: each takes a module and yields its findings.

A finding says where, what, and what to write instead. The numbers are ceilings that only go down.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator, Mapping

from tree import Module, package

MODULE_LINES = 350
TEST_MODULE_LINES = 500
FUNCTION_LINES = 70
PARAMETERS = 8
LINE_LENGTH = 100

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_CLOCK = "take a headrace.model.clock.Clock as an argument"
_ENGINE = "duckdb.connect(): two organisations in threads must not share the process's engine"
BANNED: Mapping[str, str] = {
    "datetime.datetime.now": _CLOCK,
    "datetime.datetime.today": _CLOCK,
    "datetime.datetime.utcnow": _CLOCK,
    "datetime.date.today": _CLOCK,
    "time.time": _CLOCK,
    "time.time_ns": _CLOCK,
    "time.monotonic": _CLOCK,
    "time.perf_counter": _CLOCK,
    "time.clock_gettime": _CLOCK,
    "time.sleep": _CLOCK,
    "asyncio.sleep": _CLOCK,
    "uuid.uuid4": "derive the id, or take it as an argument",
    "uuid.uuid1": "derive the id, or take it as an argument",
    "duckdb.execute": _ENGINE,
    "duckdb.sql": _ENGINE,
    "duckdb.query": _ENGINE,
    "duckdb.from_arrow": _ENGINE,
    "duckdb.extract_statements": _ENGINE,
    "duckdb.default_connection": _ENGINE,
    "os.system": "subprocess.run with a list",
    "eval": "a table of functions",
    "exec": "a table of functions",
}
"""Calls that library code may not make, each with what to do instead."""

UNSEEDED = "random.Random(seed), with the seed as an argument"

EXCEPTIONS: Mapping[str, frozenset[str]] = {
    # The one door to time, and what imitates a network in the users' tests.
    "src/headrace/model/clock.py": frozenset(
        {"datetime.datetime.now", "time.clock_gettime", "asyncio.sleep"}
    ),
    "src/headrace/testkit/hub.py": frozenset({"asyncio.sleep"}),
    # The time that another thread used is on no other clock.
    "src/headrace/fleet/threads.py": frozenset({"time.clock_gettime"}),
    # A key that could be guessed from a seed would be no key.
    "src/headrace/store/records/organisations.py": frozenset({"secrets.token_urlsafe"}),
    "src/headrace/control/access.py": frozenset({"secrets.token_urlsafe"}),
    "src/headrace/store/admin/keys.py": frozenset({"secrets.token_hex", "secrets.token_urlsafe"}),
    # Jitter of retries: it must differ between processes, and no result depends on it.
    "src/headrace/client/retry.py": frozenset({"random.Random"}),
}
"""Files that may make a banned call, with the reason above each."""


def long_module(module: Module) -> Iterator[str]:
    """A module has a limited number of lines."""
    lines = module.text.count("\n")
    ceiling = MODULE_LINES if module.path.startswith("src/") else TEST_MODULE_LINES
    if lines > ceiling:
        yield f"{module.path}: {lines} lines, the ceiling is {ceiling}: split it by its nouns"


def long_function(module: Module) -> Iterator[str]:
    """A function fits on a screen."""
    for node in module.walk():
        if isinstance(node, _FUNCTIONS):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield _at(module, node, f"{node.name} has {lines} lines: let it decide, and move")


def many_parameters(module: Module) -> Iterator[str]:
    """A function has a limited number of parameters; more of them should be a record."""
    for node in module.walk():
        if not isinstance(node, _FUNCTIONS):
            continue
        a = node.args
        names = [arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > PARAMETERS:
            yield _at(module, node, f"{node.name} takes {count} parameters: make a record of them")


def banned_call(module: Module) -> Iterator[str]:
    """Time and randomness are arguments, and no shell is used."""
    names = imported_names(module) | {"eval": "eval", "exec": "exec"}
    allowed = EXCEPTIONS.get(module.path, frozenset())
    for node in module.walk():
        if not isinstance(node, ast.Call):
            continue
        called = imported(node.func, names)
        if called in BANNED and called not in allowed:
            yield _at(module, node, f"{called}(): {BANNED[called]}")
        elif called == "random.Random":
            if not node.args and called not in allowed:
                yield _at(module, node, f"{called}() without a seed: {UNSEEDED}")
        elif called.startswith(("random.", "secrets.")) and called not in allowed:
            yield _at(module, node, f"{called}(): {UNSEEDED}")


def printing(module: Module) -> Iterator[str]:
    """Only commands print; everything else returns values or logs."""
    if module.path.startswith("src/headrace/cli/"):
        return
    for node in module.walk():
        if _calls(node, "print"):
            yield _at(module, node, "print(): return it, and let the command print")


def silent_except(module: Module) -> Iterator[str]:
    """No exception is swallowed: that would hide the defect that caused it."""
    for node in module.walk():
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or (
            isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        )
        if broad and all(isinstance(statement, ast.Pass) for statement in node.body):
            yield _at(module, node, "except that drops everything: name the error, or let it out")


_AMOUNT = re.compile(r"(?:^|_)(?:amount|balance|gross|net|owed|cents|minor)(?:$|_)")


def float_money(module: Module) -> Iterator[str]:
    """Money is an integer in its lowest division: no float holds it, no `/` divides it."""
    for node in module.walk():
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            if _is_money(target) and "float" in ast.unparse(node.annotation).split():
                yield _at(module, node, f"{target} is a float: money is an int")
        elif isinstance(node, ast.Call) and _calls(node, "float"):
            text = ", ".join(ast.unparse(argument) for argument in node.args)
            if _is_money(text):
                yield _at(module, node, f"float({text}): money is an int, or a Decimal to show")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            for side in (node.left, node.right):
                if _is_money(ast.unparse(side)):
                    yield _at(module, node, f"{ast.unparse(node)}: divide money with //")


def lazy_import(module: Module) -> Iterator[str]:
    """Own modules are not imported inside functions, which usually hides an import cycle."""
    functions = [node for node in module.walk() if isinstance(node, _FUNCTIONS)]
    for node in module.imports:
        if not any(name.split(".")[0] == "headrace" for name in imports_of(node, module.dotted)):
            continue
        line = getattr(node, "lineno", 0)
        if any(one.lineno <= line <= (one.end_lineno or one.lineno) for one in functions):
            yield _at(module, node, "imported inside a function: import it at the top")


_VAGUE = re.compile(r"^(?:utils?|utilities|common|helpers?|base|misc|tools?|shared|lib)$")


def vague_name(module: Module) -> Iterator[str]:
    """A module is one noun, and its name says its job."""
    for part in module.path.removesuffix(".py").split("/")[1:]:
        if _VAGUE.match(part):
            yield f"{module.path}: {part} says nothing: name it after what it holds"


def undocumented(module: Module) -> Iterator[str]:
    """Modules, public classes and what others call have a docstring.

    Not needed: in an empty module, on what is private or nested, on a test, and on a method that a
    Protocol of the package documents already.
    """
    if not module.dotted or not module.tree.body:
        return
    if ast.get_docstring(module.tree) is None:
        yield f"{module.path}:1: no docstring: say what the module is for"
    for node in module.tree.body:
        if isinstance(node, _FUNCTIONS) and _public(node) and ast.get_docstring(node) is None:
            yield _at(module, node, f"{node.name} has no docstring: state its contract")
        if isinstance(node, ast.ClassDef) and _public(node):
            if ast.get_docstring(node) is None:
                yield _at(module, node, f"{node.name} has no docstring: say what it is")
            yield from _undocumented_methods(module, node)


@functools.cache
def protocol_methods() -> frozenset[str]:
    """Return the methods that a Protocol documents, which need no second docstring."""
    return frozenset(
        method.name
        for module in package()
        for node in module.walk()
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).split("[")[0] == "Protocol" for base in node.bases)
        for method in node.body
        if isinstance(method, _FUNCTIONS) and ast.get_docstring(method)
    )


def _undocumented_methods(module: Module, owner: ast.ClassDef) -> Iterator[str]:
    for node in owner.body:
        if (
            isinstance(node, _FUNCTIONS)
            and _public(node)
            and not node.name.startswith("test_")
            and node.name not in protocol_methods()
            and ast.get_docstring(node) is None
        ):
            yield _at(module, node, f"{owner.name}.{node.name} has no docstring")


# How many of these stand in a row would be a sentence about work that is not there.
_UNDONE = ("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK", "st" + "ub")
# Between double quotes it is a value of the API, which has a state of that name.
# Quoted it is a state of the API; behind two dashes it is the remark of a drafted model.
UNDONE = re.compile(
    rf"(?<!\")(?<!-- )\b(?:{'|'.join(_UNDONE[:4])})\b|\b(?i:{'|'.join(_UNDONE[4:])})s?\b"
)
_PLACES = ("home", "Users", "root", "work")
MACHINE_PATH = re.compile(rf"(?<![\w.])/(?:{'|'.join(_PLACES)})/[\w.]|\b[A-Z]:\\\\?\w")


def unfinished(path: str, text: str) -> Iterator[str]:
    """No text file has marks of unfinished work."""
    lower = text.lower()
    if not any(word.lower() in lower for word in _UNDONE):  # far faster than the expression
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := UNDONE.search(line):
            yield f"{path}:{number}: {found[0]}: finish it, or write down that it is missing"


def machine_path(path: str, text: str) -> Iterator[str]:
    """No text file has paths that exist on one machine only."""
    if not any(part in text for part in (*(f"/{name}/" for name in _PLACES), ":\\")):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield f"{path}:{number}: {found[0]}…: a path of one machine; make it relative"


def long_line(path: str, text: str) -> Iterator[str]:
    """A line has a limited length; tables and code blocks of a page are exempt."""
    in_block = False
    for number, line in enumerate(text.splitlines(), 1):
        in_block ^= line.lstrip().startswith("```")
        free = path.endswith(".md") and (in_block or line.lstrip().startswith("|"))
        if len(line) > LINE_LENGTH and not free:
            yield f"{path}:{number}: {len(line)} characters: break the line"


EVERYWHERE: tuple[Callable[[Module], Iterator[str]], ...] = (
    long_module,
    long_function,
    many_parameters,
    silent_except,
    lazy_import,
    vague_name,
)
"""Rules for tests and benches too."""

PACKAGE_ONLY: tuple[Callable[[Module], Iterator[str]], ...] = (
    banned_call,
    printing,
    float_money,
    undocumented,
)
"""Rules for what is shipped."""


def imported_names(module: Module) -> dict[str, str]:
    """Local name to what it stands for: `{"dt": "datetime", "now": "datetime.datetime.now"}`."""
    names: dict[str, str] = {}
    for node in module.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def imported(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return the dotted name of a called object, without aliases; empty if it was not imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = imported(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def imports_of(node: ast.Import | ast.ImportFrom, importer: str) -> Iterator[str]:
    """Return the names that an import statement imports; `from a import b` is `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        origin = node.module or ""
        if node.level:
            parent = importer.split(".")[: -node.level]
            origin = ".".join([*parent, origin] if origin else parent)
        yield from (f"{origin}.{alias.name}" for alias in node.names)


def _public(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return not node.name.startswith("_")


def _calls(node: ast.AST, builtin: str) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == builtin
    )


def _is_money(expression: str) -> bool:
    return any(_AMOUNT.search(name) for name in re.findall(r"[A-Za-z_]+", expression))


def _at(module: Module, node: ast.AST, text: str) -> str:
    return f"{module.path}:{getattr(node, 'lineno', 0)}: {text}"
