"""Which settings lead to which source."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SourceSettings
from headrace.sources.databases.postgres import PostgresSource
from headrace.sources.registry import open_source


def test_paths_start_at_the_project(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "b.db") as connection:
        connection.execute("create table t (c)")
    connection.close()
    (tmp_path / "data" / "u.csv").write_text("id\n")
    relative = SourceSettings(kind="sql", url="sqlite:///data/b.db", tables={"Q": "select 1"})
    absolute = SourceSettings(kind="sql", url=f"sqlite:///{tmp_path / 'data' / 'b.db'}")
    files = SourceSettings(kind="files", path="data")
    assert open_source(relative, tmp_path).tables() == {"t", "q"}
    assert open_source(absolute, Path("/")).tables() == {"t"}
    assert open_source(files, tmp_path).tables() == {"u"}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_postgres(scheme: str) -> None:
    settings = SourceSettings(kind="sql", url=f"{scheme}://127.0.0.1/x", schema="sales")
    assert isinstance(open_source(settings, Path()), PostgresSource)


@pytest.mark.parametrize("url", ["access://root:s3cret@db/x", "billing.db"])
def test_another_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///FILE") as caught:
        open_source(SourceSettings(kind="sql", url=url), Path())
    assert "s3cret" not in str(caught.value)
