"""An export with fewer rows than last time is refused with both figures, until a person agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk

from headrace.model.errors import UnsafePlan
from project_books import aged

PROJECT = """
[organisation.acme]
target = { url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET" }
source = { kind = "files", path = "exports" }
"""


def _export(folder: Path, customers: int, notes: int) -> None:
    lines = [f"{n},Customer {n}" for n in range(customers)]
    (folder / "exports" / "people.csv").write_text("\n".join(["id,name", *lines]) + "\n")
    lines = [f"{n % customers},Note {n}" for n in range(notes)]
    (folder / "exports" / "notes.csv").write_text("\n".join(["id,note", *lines]) + "\n")
    aged(folder / "exports")


def test_fewer_rows_than_last_time_are_refused_with_figures(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "headrace.toml").write_text(PROJECT)
    (tmp_path / "models" / "customers.sql").write_text(
        "select id as external_id, name || ' ' || max(note) as name from people "
        "join notes using (id) group by id, name"
    )
    _export(tmp_path, 20, 1000)
    desk = new_desk(tmp_path)
    desk.apply(force=False)
    # Half of the notes are missing; no customer is, and few change.
    _export(tmp_path, 20, 500)
    with pytest.raises(
        UnsafePlan, match=r"notes has 500 rows, while it had 1,000 \(more than 10% f"
    ):
        desk.apply(force=False)
    with pytest.raises(UnsafePlan, match="notes has 500 rows"):
        desk.apply(force=False)
    # On another machine, or in a container without a disk of its own, there is only the journal.
    for file in next(iter(tmp_path.rglob("journal.db"))).parent.iterdir():
        if not file.name.startswith("journal.db"):
            file.unlink()
    with pytest.raises(UnsafePlan, match="notes has 500 rows"):
        desk.apply(force=False)
    desk.apply(force=True)
    _export(tmp_path, 20, 490)
    desk.apply(force=False)
