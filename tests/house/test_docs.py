"""The documentation is complete and true: missing or outdated parts fail here."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from headrace.book.tables import TABLES
from headrace.cli.exit_codes import ExitCode
from headrace.control.routes import CONTROL_ROUTES
from headrace.server.routes import ROUTES
from headrace.sources.registry import KINDS
from tree import PACKAGE, ROOT, with_ending

DOCS = ROOT / "docs"


@cache
def _reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _reference()
COMMANDS = dict(REFERENCE.commands())


def _page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


# what the program says of itself ---------------------------------------------------------------


@pytest.mark.parametrize("path", list(REFERENCE.pages()), ids=lambda path: path.name)
def test_the_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == REFERENCE.renewed(text), "run `make docs`"


def test_an_outdated_page_is_found() -> None:
    behind = _page("commands.md").replace("--detailed-exitcode", "--exitcode")
    assert REFERENCE.renewed(behind) != behind


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_an_example(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help, "its docstring is the help"
    for parameter in command.params:
        names = ", ".join(parameter.opts)
        if parameter.param_type_name == "option":
            assert parameter.help, f"{names} has no help"
    if words and not hasattr(command, "commands"):
        assert f"Example: headrace {' '.join(words)}" in " ".join(command.help.split())
        section = _page("commands.md").partition(f"# headrace {' '.join(words)}\n")[2]
        help_text = section.partition("```text\n")[2].partition("```")[0]
        for parameter in command.params:
            assert parameter.opts[0] in help_text or parameter.param_type_name == "argument"


def test_every_exit_code_has_its_row() -> None:
    rows = _rows(_page("commands.md"))
    for code in ExitCode:
        name = code.name.lower().replace("_", " ")
        assert any(row.startswith(f"| {code.value} | {name} |") for row in rows), name
        assert re.search(rf"\b{code.value} ", COMMANDS[()].help), f"{code} in headrace --help"


def test_every_setting_has_its_row_and_its_meaning() -> None:
    text = _page("configuration.md")
    for heading, record in REFERENCE.TABLES:
        section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        for key, default, meaning in REFERENCE.settings(record):
            assert len(meaning) > 10, f"{heading} {key} has no docstring"
            assert f"| `{key}` | {default} |" in section


# what the program can do -----------------------------------------------------------------------


def test_every_endpoint_is_in_the_hubs_page() -> None:
    rows = [row for row in _rows(_page("hub.md")) if row.startswith("| `/")]
    for route in ROUTES:
        path = f"`{route.path.replace('{}', '{id}')}`"
        row = next((row for row in rows if path in row.split("|")[1]), None)
        assert row is not None, f"{route.path} is not in docs/hub.md"
        assert re.search(rf"\b{route.method}\b", row), f"{route.method} {route.path}: {row}"


def test_every_operation_of_the_control_plane_is_in_its_page() -> None:
    rows = [row for row in _rows(_page("hub-control.md")) if row.startswith("| `/")]
    for route in CONTROL_ROUTES:
        found = [row for row in rows if f"`{route.path}`" in row.split("|")[1]]
        assert found, f"{route.path} is not in docs/hub-control.md"
        assert re.search(rf"\b{route.method}\b", found[0]), f"{route.method} {route.path}"


def test_every_kind_of_source_is_in_its_page() -> None:
    for kind in KINDS:
        assert f'kind = "{kind}"' in _page("sources.md")


def test_every_check_is_in_its_page() -> None:
    rows = _rows(_page("checks.md"))
    folders = [PACKAGE / "book" / "checks" / name for name in ("rules", "summaries")]
    names = {path.stem for folder in folders for path in folder.glob("*.sql")}
    described = {found[1] for row in rows if (found := re.match(r"\| `(\w+)` \|", row))}
    assert described == names
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert all(cells), f"what it finds and the remedy: {row}"


def test_every_table_and_column_is_in_the_models_page() -> None:
    rows = _rows(_page("models.md"))
    for table in TABLES:
        row = next((row for row in rows if row.startswith(f"| {table.name} |")), None)
        assert row is not None, table.name
        if found := re.search(r"\| as (\w+) \|", row):
            row = next(other for other in rows if other.startswith(f"| {found[1]} |"))
        named = set(re.findall(r"\w+", row.replace("\\*", " ").split("|")[2]))
        needed = set(re.findall(r"(\w+)\\\*", row))
        assert {column.name for column in table.columns} <= named, table.name
        assert {column.name for column in table.columns if column.required} == needed, table.name


def test_every_example_is_described() -> None:
    text = (ROOT / "README.md").read_text("utf-8") + _page("README.md")
    for folder in (ROOT / "examples").glob("*/headrace.toml"):
        assert f"examples/{folder.parent.name}" in text, folder.parent.name
        assert (folder.parent / "README.md").exists(), f"{folder.parent.name} has no README"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=;!~ ]", text)[0] for text in wanted} - {"headrace"}
    rows = {row.split("|")[1].strip(): row for row in _rows(_page("dependencies.md"))}
    for name in sorted(names):
        assert f"[{name}]" in " ".join(rows) or f"`{name}`" in rows, f"{name} has no row"
    described = {title.strip("`") for title in rows if title.startswith("`")}
    assert described == names, "a row for each dependency, and none for what went"


def test_the_licence_in_the_table_is_the_installed_one() -> None:
    checked = 0
    for row in _rows(_page("dependencies.md")):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        name = cells[0].strip("`")
        if not cells[0].startswith("`"):
            continue
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        licence = metadata["License-Expression"]
        if licence:
            checked += 1
            assert licence == cells[2], f"{name} is under {licence}, the table says {cells[2]}"
    assert checked > 10


# the architecture --------------------------------------------------------------------------------

_MODULE = re.compile(r"`((?:\w+/)*\w+\.py)`")


def _module_faults(page: str, modules: set[str]) -> list[str]:
    """Yield modules without a row, rows without a module, and modules named twice."""
    named = Counter(_MODULE.findall(page))
    return [
        *(f"{path}: has no row" for path in sorted(modules - named.keys())),
        *(f"{path}: there is no such module" for path in sorted(named.keys() - modules)),
        *(f"{path}: named {count} times" for path, count in named.items() if count > 1),
    ]


def test_the_architecture_names_every_module_once() -> None:
    paths = (path.removeprefix("src/headrace/") for path in with_ending(".py"))
    modules = {path for path in paths if (PACKAGE / path).exists()} - {"__init__.py"}
    modules = {path for path in modules if not path.endswith("/__init__.py")}
    assert len(modules) > 200
    assert _module_faults(_page("architecture.md"), modules) == []


def test_a_module_that_the_architecture_leaves_out_is_found() -> None:
    page = "`book/queries/rows.py` and `book/queries/rows.py` and `book/gone.py`"
    assert len(_module_faults(page, {"book/queries/rows.py", "book/new.py"})) == 3


# the glossary ------------------------------------------------------------------------------------


def test_the_terms_of_the_glossary_are_in_the_code() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition("## Glossary\n")[2].partition("\n## ")[0]
    rows = [re.findall(r"^\| ([^|]+) \| .+ \| `(\w+)` \|$", row) for row in _rows(section)]
    terms = dict(found[0] for found in rows if found)
    paths = with_ending(".py", ".sql")
    code = "".join(
        (ROOT / path).read_text("utf-8") for path in paths if path.startswith("src/headrace/")
    )
    words = set(re.findall(r"\w+", code))
    assert len(terms) > 40
    assert {term: name for term, name in terms.items() if name not in words} == {}


# what is known about Upflow's API ---------------------------------------------------------------

_CITATION = re.compile(r"api-evidence\.md`?,\s*(?=(.{1,80}))", re.DOTALL)


def _topics() -> tuple[str, ...]:
    return tuple(re.findall(r"^## (.+)$", _page("api-evidence.md"), re.MULTILINE))


def _unknown_topics(text: str) -> Iterator[str]:
    """Yield citations whose topic is not a heading of the evidence; a topic may span two lines."""
    plain = re.sub(r"\n\s*(?:--|#)?\s*", " ", text)
    for cited in _CITATION.findall(plain):
        if not cited.startswith(_topics()):
            yield cited


EVIDENCE_CITED_BY = [
    path
    for path in with_ending(".py", ".sql", ".md")
    if path not in ("tests/house/test_docs.py", "docs/api-evidence.md")
    and "api-evidence.md" in (ROOT / path).read_text("utf-8")
]


@pytest.mark.parametrize("path", EVIDENCE_CITED_BY)
def test_a_cited_topic_is_a_heading_of_the_evidence(path: str) -> None:
    assert list(_unknown_topics((ROOT / path).read_text("utf-8"))) == []


def test_a_citation_of_an_unknown_topic_is_found() -> None:
    text = "x (docs/api-evidence.md,\n-- Money); (docs/api-evidence.md, Astrology)."
    assert list(_unknown_topics(text)) == ["Astrology)."]
    assert len(EVIDENCE_CITED_BY) > 20


def test_no_citation_leads_out_of_the_repository() -> None:
    outside = re.compile(r"api-facts|\(guide\b|upflow-guide")
    found = [
        path
        for path in with_ending(".py", ".sql", ".md")
        if path != "tests/house/test_docs.py" and outside.search((ROOT / path).read_text("utf-8"))
    ]
    assert found == []


# the pages themselves --------------------------------------------------------------------------

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def _prose(path: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"```.*?```", "", (ROOT / path).read_text("utf-8"), flags=re.DOTALL)


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken_links(text: str, folder: Path, page: Path) -> Iterator[str]:
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (folder / name).resolve() if name else page
        if not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in _anchors(file):
            yield f"{target}: there is no such heading"


PAGES = [path for path in with_ending(".md") if "/data/" not in path]


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_somewhere(path: str) -> None:
    page = ROOT / path
    assert list(_broken_links(_prose(path), page.parent, page)) == []


def test_a_broken_link_is_found() -> None:
    text = "[a](nowhere.md) [b](hub.md#nothing-of-that-name) [c](hub.md) [d](https://x.test/)"
    assert len(list(_broken_links(text, DOCS, DOCS / "README.md"))) == 2


# Words that a reader stops at, each with the usual one.
_UNUSUAL = {
    r"told": "acknowledged, reported or by default",
    r"beside": "next to, in addition to or during",
    r"whoever": "anyone who",
    r"dear(?:er)?": "expensive",
    r"anew": "again",
    r"otherwise than": "differently from",
    r"goes on|go on": "continues",
    r"(?:(?<=^)|(?<=[.:?] ))What (?:is|was)\b(?! .*\?)": "a noun",
}


def _unusual_words(text: str) -> Iterator[str]:
    """Yield unusual words of running text, without code, link targets and generated parts."""
    text = re.sub(r"<!-- made by.*?<!-- end -->|```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", "x", text)
    for paragraph in re.split(r"\n\s*\n|\n(?=[-|#]|\d+\.)", text):
        words = " ".join(paragraph.split())
        for pattern, instead in _UNUSUAL.items():
            if found := re.search(rf"(?<!\w){pattern}(?!\w)", words):
                yield f"{found[0]}: write {instead}: {words[:80]}"


PROSE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PROSE += [path for path in PAGES if path.startswith("docs/")]


@pytest.mark.parametrize("path", PROSE)
def test_a_page_uses_usual_words(path: str) -> None:
    assert list(_unusual_words((ROOT / path).read_text("utf-8"))) == []


def test_an_unusual_word_is_found() -> None:
    text = "It is told.\n\nWhat is sent stays. `told` [a](told.md)\n\n- The dearer one goes on."
    assert len(list(_unusual_words(text))) == 4


def test_every_page_is_in_the_index() -> None:
    index = _page("README.md")
    for path in DOCS.glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index, path.name


def _command_lines(text: str) -> Iterator[str]:
    """Return the `headrace` commands of a page's code blocks, with continued lines joined."""
    for block in re.findall(r"```(?:\w*)\n(.*?)```", text, flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            if line.startswith("headrace "):
                yield line


def _wrong_words(line: str) -> Iterator[str]:
    words = shlex.split(line, comments=True)[1:]
    for end in ("&", "|", ">", "&&", "||"):
        words = words[: words.index(end)] if end in words else words
    command = max(
        (known for known in COMMANDS if tuple(words[: len(known)]) == known), key=len, default=()
    )
    if not command and words and not words[0].startswith("-"):
        yield f"{words[0]} is no command"
    options = {name for parameter in COMMANDS[command].params for name in parameter.opts}
    options |= {"--help", "-h"}
    for word in words[len(command) :]:
        if word.startswith("-") and word.partition("=")[0] not in options:
            yield f"{' '.join(command)} has no {word}"


@pytest.mark.parametrize("path", PAGES)
def test_commands_in_the_pages_exist(path: str) -> None:
    lines = _command_lines((ROOT / path).read_text("utf-8"))
    assert [f"{line}: {wrong}" for line in lines for wrong in _wrong_words(line)] == []


def test_a_wrong_command_line_is_found() -> None:
    assert list(_wrong_words("headrace synchronise"))
    assert list(_wrong_words("headrace plan --speed 9"))
    assert not list(_wrong_words("headrace keys create --data ./hub --organisation a --new & x"))


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.*## .+$", makefile, re.MULTILINE))
    assert targets == explained
    for path in PAGES:
        for name in re.findall(r"`make (\w+)", (ROOT / path).read_text("utf-8")):
            assert name in targets, f"{path}: there is no `make {name}`"
