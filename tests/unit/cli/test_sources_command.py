"""`headrace sources`: what can be read, and what a project's own sources have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cli.application import run
from headrace.sources.abilities import ABILITIES

PROJECT = """
[organisation.acme]
target = { key = "file:key", secret = "file:key" }
source = { kind = "files", path = "exports" }
[organisation.lost]
target = { key = "file:key", secret = "file:key" }
source = { kind = "files", path = "nowhere" }
"""


def test_the_table_names_every_kind_and_what_is_untried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sources", "--project", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    kinds = {kind["name"]: kind for kind in document["kinds"]}
    assert len(kinds) == len(ABILITIES)
    assert kinds["MySQL, MariaDB"]["tried"]
    assert not kinds["Oracle"]["tried"]
    assert kinds["SQLite"]["installed"]


def test_a_projects_sources_show_their_tables_and_what_they_do_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "headrace.toml").write_text(PROJECT)
    (tmp_path / "key").write_text("k")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "invoices.csv").write_text("id\n1\n")
    (tmp_path / "exports" / "notes.txt").write_text("x")
    assert run(["sources", "--project", str(tmp_path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "acme: 1 tables: invoices; not read: notes.txt" in out
    assert "lost: There is no folder" in out
