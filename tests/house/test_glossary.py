"""Names in the package do not contain the forbidden words of the glossary."""

from __future__ import annotations

import pytest

import glossary
from tree import ROOT, Module, package, with_ending


def _report(findings: list[str]) -> None:
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(findings)


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
