"""Tests of the style: each rule over the whole project, and over a snippet that breaks it; names
have no forbidden word of the glossary. All of them read the trees that are parsed here once."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator

import pytest

import changelog
import glossary
import rules
from tree import ROOT, Module, modules, package, tracked, with_ending

Rule = Callable[[Module], Iterator[str]]

LARGEST_FILE = 2_000_000
"""Bytes of any file in the repository."""

LONG_LINES = {
    "examples/gnucash/changes.sql": 2,
    "src/headrace/book/checks/rules/contacts.sql": 1,
    "src/headrace/book/checks/rules/customer_unknown.sql": 1,
    "src/headrace/book/checks/rules/parents.sql": 1,
    "src/headrace/book/derivation/flawed_contacts.sql": 1,
}
"""Files that had so many too long lines when the rule came; the numbers only go down."""

OF_OTHERS = ("/data/", "/fixtures/", "LICENSE")
"""Parts of the paths of files that are not ours to style."""


def _report(findings: Iterable[str]) -> None:
    found = list(findings)
    assert not found, f"{len(found)} findings:\n" + "\n".join(found)


def _own(*endings: str) -> Iterator[tuple[str, str]]:
    for path in with_ending(*endings):
        if not any(part in path for part in OF_OTHERS):
            yield path, (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("rule", rules.EVERYWHERE, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rules(rule: Rule) -> None:
    _report(finding for module in modules() for finding in rule(module))


@pytest.mark.parametrize("rule", rules.PACKAGE_ONLY, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rules(rule: Rule) -> None:
    _report(finding for module in package() for finding in rule(module))


def test_an_exception_is_still_needed() -> None:
    calls = {}
    for module in package():
        if module.path in rules.EXCEPTIONS:
            names = rules.imported_names(module)
            calls[module.path] = {
                rules.imported(node.func, names)
                for node in module.walk()
                if isinstance(node, rules.ast.Call)
            }
    _report(
        f"{path} no longer calls {call}: take the exception back"
        for path, allowed in rules.EXCEPTIONS.items()
        for call in allowed
        if call not in calls.get(path, set())
    )


def test_the_median_module_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [module.text.count("\n") for module in package() if module.text]
    median = statistics.median(sizes)
    with capsys.disabled():
        print(f" [{len(sizes)} modules, median {median:.0f} lines, longest {max(sizes)}] ", end="")
    assert median <= 150


def test_lines_of_sql_and_prose_fit() -> None:
    findings = []
    for path, text in _own(".sql", ".md"):
        if path == "CHANGELOG.md":  # one sentence per line, however long
            continue
        long = list(rules.long_line(path, text))
        if len(long) > LONG_LINES.get(path, 0):
            findings += long
    _report(findings)


def test_the_number_of_long_lines_never_grows() -> None:
    texts = dict(_own(".sql", ".md"))
    _report(
        f"{path} has {count} long lines now, not {allowed}: lower its number"
        for path, allowed in LONG_LINES.items()
        if (count := len(list(rules.long_line(path, texts.get(path, ""))))) < allowed
    )


@pytest.mark.parametrize("rule", [rules.unfinished, rules.machine_path], ids=lambda r: r.__name__)
def test_every_text_file_keeps_the_rules(rule: Callable[[str, str], Iterator[str]]) -> None:
    texts = _own(".py", ".sql", ".md", ".toml", "Makefile", ".ci/run", ".yml", ".sh")
    # The rules' own snippets below show what is forbidden.
    _report(
        finding
        for path, text in texts
        if path != "tests/house/test_tidy.py"
        for finding in rule(path, text)
    )


def test_no_file_is_large() -> None:
    sizes = {path: (ROOT / path).stat().st_size for path in tracked()}
    _report(
        f"{path}: {size:,} bytes: keep it elsewhere, or make it from something smaller"
        for path, size in sizes.items()
        if size > LARGEST_FILE
    )


def test_the_changelog_has_its_form() -> None:
    _report(changelog.findings((ROOT / "CHANGELOG.md").read_text("utf-8")))


BROKEN = [
    (rules.long_module, "x = 1\n" * 501),
    (rules.long_function, "def f():\n" + "    x = 1\n" * 70),
    (rules.many_parameters, "def f(a, b, c, d, e, *, f, g, h, i): ..."),
    (rules.banned_call, "from datetime import datetime\ndatetime.now()"),
    (rules.banned_call, "import datetime as dt\ndt.datetime.now(dt.UTC)"),
    (rules.banned_call, "from time import monotonic as clock\nclock()"),
    (rules.banned_call, "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    (rules.banned_call, "import random\nrandom.choice([1])"),
    (rules.banned_call, "from random import Random\nRandom()"),
    (rules.banned_call, "eval('1')"),
    (rules.printing, "print('x')"),
    (rules.silent_except, "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.silent_except, "try:\n    f()\nexcept:\n    pass"),
    (rules.float_money, "def f(gross_amount: float | None): ..."),
    (rules.float_money, "balance: float = 0"),
    (rules.float_money, "x = float(row.amount)"),
    (rules.float_money, "x = row['net'].net_amount / 100"),
    (rules.lazy_import, "def f():\n    from headrace.model import clock"),
    (rules.lazy_import, "def f():\n    import headrace.model.clock"),
    (rules.undocumented, "x = 1"),
    (rules.undocumented, '"""M."""\ndef f(): ...'),
    (rules.undocumented, '"""M."""\nclass C: ...'),
    (rules.undocumented, '"""M."""\nclass C:\n    """C."""\n    def m(self): ...'),
]

SOUND = [
    (rules.long_function, "def f():\n" + "    x = 1\n" * 69),
    (rules.many_parameters, "class C:\n    def f(self, a, b, c, d, e, f, g, h): ..."),
    (rules.banned_call, "def f(clock, random):\n    clock.now(); random.choice([1])"),
    (rules.banned_call, "from random import Random\nRandom(7).choice([1])"),
    (rules.banned_call, "from datetime import datetime\ndatetime.fromisoformat('x')"),
    (rules.silent_except, "try:\n    f()\nexcept KeyError:\n    pass"),
    (rules.float_money, "def f(amount: int, rate: float): return amount // 2, rate / 60"),
    (rules.lazy_import, "from headrace.model import clock\ndef f():\n    import sqlite3"),
    (rules.undocumented, '"""M."""\ndef _f(): ...\nclass C:\n    """C."""\n    x: int\n'),
]


def _snippet(text: str, path: str = "src/headrace/sync/example.py") -> Module:
    return Module(path, text)


@pytest.mark.parametrize(("rule", "text"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: Rule, text: str) -> None:
    (finding,) = rule(_snippet(text))
    assert finding.startswith("src/headrace/sync/example.py:")


@pytest.mark.parametrize(("rule", "text"), SOUND)
def test_a_rule_accepts_valid_code(rule: Rule, text: str) -> None:
    assert list(rule(_snippet(text))) == []


def test_commands_may_print() -> None:
    assert not list(rules.printing(_snippet("print('x')", "src/headrace/cli/example.py")))


@pytest.mark.parametrize("name", ["utils", "common", "helpers", "base", "sync/misc"])
def test_a_vague_name_is_found(name: str) -> None:
    assert list(rules.vague_name(_snippet("", f"src/headrace/{name}.py")))


@pytest.mark.parametrize("text", ["# TODO: x", "a stub of it", "XXX", "# fixme FIXME", "Stubs"])
def test_unfinished_work_is_found(text: str) -> None:
    assert list(rules.unfinished("x.py", text))


@pytest.mark.parametrize("text", ['"/home/me/x"', "see /root/.cache", r"C:\\Users"])
def test_a_path_of_one_machine_is_found(text: str) -> None:
    assert list(rules.machine_path("x.py", text))


@pytest.mark.parametrize(
    "text", ["/usr/lib/postgresql", "https://x.test/home/a", "work/on", "v1/x"]
)
def test_a_path_of_any_machine_is_not(text: str) -> None:
    assert not list(rules.machine_path("x.py", text))


@pytest.mark.parametrize(
    ("text", "count"),
    [("a" * 101, 1), ("a" * 100, 0), ("| " + "a" * 101, 0), ("```\n" + "a" * 101 + "\n```", 0)],
)
def test_a_long_line_of_prose_is_found(text: str, count: int) -> None:
    assert len(list(rules.long_line("x.md", text))) == count
    assert len(list(rules.long_line("x.sql", "a" * 101))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# Changes\n\n## [Unreleased]\n",
        "# Changelog\n",
        "# Changelog\n\n## 1.0.0\n",
        "# Changelog\n\n## [1.0.0]\n",
        "# Changelog\n\n## [1.0.0] - soon\n",
        "# Changelog\n\n## [Unreleased]\n\n### News\n",
        "# Changelog\n\n## [Unreleased]\n\n- It works.\n",
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- It works\n",
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- It works. And more.\n",
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- it works.\n",
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- It works\n  well.\n",
    ],
)
def test_a_changelog_of_another_form_is_found(text: str) -> None:
    assert list(changelog.findings(text))


def test_no_name_has_a_forbidden_word() -> None:
    _report([finding for module in package() for finding in glossary.foreign_word(module)])


def test_no_table_has_a_forbidden_word() -> None:
    paths = [path for path in with_ending(".sql") if path.startswith("src/")]
    assert paths
    texts = [(path, (ROOT / path).read_text("utf-8")) for path in paths]
    _report([finding for one in texts for finding in glossary.foreign_word_in_sql(*one)])


@pytest.mark.parametrize(
    "text",
    [
        "def told(): ...",
        "def f(is_told): ...",
        "class ToldRecords: ...",
        "class RunsShelf: ...",
        "_TOLD_MAX = 1",
        "self._echo = 1",
        "for ties in []: ...",
        "import x as feed",
        "class Row:\n    bond: int = 0",
        "[knot for knot in ()]",
        "async def _untangle(): ...",
        "surroundings = Surroundings()",
    ],
)
def test_a_forbidden_name_is_found(text: str) -> None:
    assert list(glossary.foreign_word(Module("src/headrace/sync/example.py", text)))


@pytest.mark.parametrize(
    "text",
    ["typer.echo('x')", "properties = entities = 1", "feedback = 1", '"""Told."""', "x = told"],
)
def test_other_names_are_not(text: str) -> None:
    assert not list(glossary.foreign_word(Module("src/headrace/sync/example.py", text)))


def test_a_forbidden_module_name_is_found() -> None:
    assert list(glossary.foreign_word(Module("src/headrace/sync/knots.py", "")))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("create table plan.knots (number bigint)", 1),
        ("from staging.acknowledged as told", 1),
        ("-- as told\nfrom book.links as link", 0),
    ],
)
def test_a_forbidden_table_is_found(text: str, count: int) -> None:
    assert len(list(glossary.foreign_word_in_sql("x.sql", text))) == count
