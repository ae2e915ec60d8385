"""Sources of other packages: by entry point and by class path, and every way to get one wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from one_engine import empty_database

from headrace.fleet.project import load_project
from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SHIPPED_KINDS, Incremental, SourceSettings
from headrace.sources.registry import KINDS, open_source

_MODULE = """
from headrace.model.errors import ConfigurationError

class Acme:
    def __init__(self, settings, folder):
        if "company" not in settings.options:
            raise ConfigurationError("source.options.company is needed.")
        self.company = settings.options["company"]
        self.told = (settings.url, settings.options, folder)

    def tables(self):
        return frozenset({"customers"})

    def stage(self, connection, names):
        connection.execute("create schema if not exists source")
        for name in names:
            connection.execute(
                f"create or replace table source.{name} as "
                f"select 'C' as external_id, 'Customer of {self.company}' as name"
            )
        return dict.fromkeys(names, 1)

    def mark(self, now):
        return None

    def close(self):
        pass

class Half:
    def __init__(self, settings, folder):
        pass

    def tables(self):
        return frozenset()

def broken(settings, folder):
    return settings.options["nothing"]

number = 7
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that is installed beside headrace, with one entry point."""
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "acme_source.py").write_text(_MODULE)
    about = installed / "acme-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[headrace.sources]\nacme = acme_source:Acme\n")
    monkeypatch.syspath_prepend(installed)
    yield installed
    sys.modules.pop("acme_source", None)


def test_settings_and_registry_know_the_same_kinds() -> None:
    assert SHIPPED_KINDS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", ["acme", "acme_source:Acme"])
def test_it_is_found_by_its_name_and_by_its_path(kind: str, package: Path) -> None:
    source = open_source(SourceSettings(kind=kind, options={"company": 12}), package.parent)
    with empty_database() as connection:
        assert source.stage(connection, ["customers"]) == {"customers": 1}
        rows = connection.execute("from source.customers").fetchall()
    assert rows == [("C", "Customer of 12")]
    assert source.told == ("", {"company": 12}, package.parent)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("acne", "must be one of sql, files, python, singer, rest, acme, or package.module:Class"),
        ("nowhere.source:Acme", "can't be imported: ModuleNotFoundError: No module named"),
        ("acme_source:Acne", "can't be imported: AttributeError"),
        ("acme_source:number", "names something that makes no source"),
        ("acme_source:Half", "is no source: it lacks stage, mark, close"),
        ("acme_source:broken", "can't be made of these settings: KeyError: 'nothing'"),
        ("acme", "source.options.company is needed."),
    ],
)
def test_what_is_none_says_so_and_what_to_do(kind: str, said: str, package: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_source(SourceSettings(kind=kind), package.parent)
    assert said in str(caught.value)


def test_secrets_in_its_options_come_from_the_environment(tmp_path: Path, package: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "headrace.toml").write_text(
        "[organisation.a]\n"
        'target = { url = "http://127.0.0.1:1/v1", key = "env:K", secret = "env:S" }\n'
        "[organisation.a.source]\n"
        'kind = "acme"\noptions = { company = 12, token = "env:ACME_TOKEN" }\n'
    )
    loaded = load_project(project)
    settings, _ = loaded.resolved("a", {"K": "k", "S": "s", "ACME_TOKEN": "t0ken"})
    assert settings.source.options == {"company": 12, "token": "t0ken"}
    with pytest.raises(ConfigurationError, match=r"source\.options\.token"):
        loaded.resolved("a", {"K": "k", "S": "s"})


def test_options_are_not_for_the_sources_that_ship() -> None:
    cursors = {"t": Incremental(cursor="at")}
    for kind in ("files", "singer", "system:stripe"):
        with pytest.raises(ValueError, match=f'kind = "{kind}" notices by itself'):
            SourceSettings(kind=kind, path="x", incremental=cursors)
    with pytest.raises(ValueError, match="options are for other kinds of sources"):
        SourceSettings(kind="sql", url="sqlite:///b.db", options={"a": 1})
