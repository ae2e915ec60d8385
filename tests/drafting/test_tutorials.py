"""Runs the tutorials word for word, as a reader would in an empty folder."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.testkit.hub import hub_process

ROOT = Path(__file__).parents[2]
SERVE = re.compile(r"^headrace serve --data (\S+) --limits (\d+)$", re.MULTILINE)


def blocks(page: str, language: str = "") -> Iterator[str]:
    """The code blocks of a page in one language, in order; commands have none."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    for found, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if found == language:
            yield block


def shell(folder: Path, script: str) -> str:
    """What a shell prints that runs the script and stops at the first failure."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env={**os.environ, "PATH": binaries}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, script + done.stdout + done.stderr
    return done.stdout


def test_exports_in_excel_are_drafted_as_the_page_says(tmp_path: Path) -> None:
    if importlib.util.find_spec("fastexcel") is None:
        pytest.skip("fastexcel is not installed: pip install 'headrace[excel]'")
    (tmp_path / "examples").mkdir()
    shutil.copytree(ROOT / "examples" / "excel", tmp_path / "examples" / "excel")
    draft, preview, test = (shell(tmp_path, block) for block in blocks("tutorial-excel.md"))
    assert "balance: EUR 9,315.30 owed by 4 customers" in draft
    assert "reglements.Numéro facture refers to factures.Numéro" in draft
    assert "table factures: 24 rows" in preview and "model invoices: 19 rows" in preview
    assert test.endswith(" 0 failed\n")
    (shown,) = blocks("tutorial-excel.md", "sql")
    assert shown in (tmp_path / "shop" / "models" / "invoices.sql").read_text("utf-8")


@pytest.mark.soak
def test_300_organisations_are_delivered_and_balance_as_the_page_says(tmp_path: Path) -> None:
    database, models, keys, deliver, run = blocks("tutorial-many.md")
    shell(tmp_path, database)
    assert "balance" in shell(tmp_path, models)
    place = SERVE.search(keys)
    assert place is not None
    project = tmp_path / "fleet"
    shell(project, SERVE.sub("", keys))
    with hub_process(project / place[1], place[2]) as hub:
        said = shell(project, deliver.replace("http://127.0.0.1:8080/v1", hub.url))
        assert "no problems" in said and said.count("balanced") >= 300
        assert "300 organisations" in said
        shell(project, run.replace("headrace run", "headrace run --once"))
