"""`headrace generate` as a person or a script calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from project_books import errors, project_book


def _generate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace", "generate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_makes_a_database_and_a_project_that_reads_it(tmp_path: Path) -> None:
    database, project = tmp_path / "a b.db", tmp_path / "my project"
    done = _generate("--records", 300, "--to", database, "--project", project, "--json")
    counts = json.loads(done.stdout)
    assert done.returncode == 0 and counts["requests"] >= 300
    with project_book(project) as book:
        assert errors(book) == []
        assert book.counts()["invoices"] == counts["invoices"]


def test_it_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("mine")
    done = _generate("--to", tmp_path / "b.db")
    assert done.returncode != 0
    assert "there already" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "b.db").read_text() == "mine"


def test_a_project_is_written_over_only_when_that_is_said(tmp_path: Path) -> None:
    config = tmp_path / "headrace.toml"
    config.write_text("mine")
    given = "--records", 10, "--project", tmp_path
    done = _generate(*given, "--to", tmp_path / "a.db")
    assert done.returncode == 6 and "--force" in done.stderr
    assert config.read_text() == "mine" and not (tmp_path / "a.db").exists()
    assert _generate(*given, "--to", tmp_path / "b.db", "--force").returncode == 0
    assert "organisation" in config.read_text()


def test_it_makes_the_folder_and_says_what_it_can_not_open(tmp_path: Path) -> None:
    assert _generate("--records", 10, "--to", tmp_path / "new" / "b.db").returncode == 0
    for address, words in (
        (tmp_path / "new" / "b.db" / "c.db", "can't be opened as a database"),
        ("postgresql://me:hidden@127.0.0.1:1/x", "check its URL"),
    ):
        done = _generate("--records", 10, "--to", address)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 6 and words in line and "hidden" not in line
