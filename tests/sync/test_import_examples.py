"""First import, then three changes: the examples and whole systems, into a real hub."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import (
    HubDesk,
    apply_in_step,
    copy_example,
    most_at_a_time,
    overlapping,
    prove_in_step,
    sent,
)

from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled
from published import published, restored

EXTRACTS = Path(__file__).parents[1] / "extracts"
DUMPS = {"odoo19": "odoo19/odoo19_ar.sql.gz", "tryton82": "tryton/tryton82_ar.sql.gz"}
VARIABLES = {"odoo19": "ODOO_DATABASE_URL", "tryton82": "TRYTON_DATABASE_URL"}

MakeDesk = Callable[[Path], HubDesk]


def first_import(desk: HubDesk) -> tuple[Plan, Reconciled]:
    """Applies and proves that the hub got each record once, in lanes, and nothing else."""
    plan, outcome, proof = apply_in_step(desk)
    size = sum(plan.desired.values())
    writes = desk.writes()
    assert (plan.requests, outcome.sent, len(writes)) == (size, size, size)
    assert {record.status for record in writes} <= {200, 201}
    assert {record.method for record in writes} == {"POST"}
    assert max(sent(writes).values()) == 1
    assert overlapping(writes) == []
    assert most_at_a_time(writes) <= plan.in_flight
    assert max(record.in_flight for record in writes) <= plan.in_flight
    assert proof.customers + proof.documents == size
    return plan, proof


@pytest.mark.parametrize(
    "name", ["gnucash", "stripe", pytest.param("chinook", marks=pytest.mark.soak)]
)
def test_an_example_comes_across_once_in_equal_ageing_and_its_changes_alone(
    name: str, tmp_path: Path, new_desk: MakeDesk
) -> None:
    project = copy_example(name, tmp_path)
    desk = new_desk(project)
    plan, proof = first_import(desk)
    assert not plan.problems
    sides: dict[str, list[tuple[object, ...]]] = {"models": [], "API": []}
    for row in proof.ageing:
        sides[row.side].append((row.currency, row.not_due, row.days_30, row.older, row.unapplied))
    assert sides["models"] == sides["API"] != []
    before = len(desk.writes())
    change_example(project)
    # All is read again: what is not among the changes would be sent as well.
    plan, outcome, _ = apply_in_step(desk, force=False)
    writes = desk.writes(before)
    assert (plan.requests, outcome.sent) == (3, 3)
    assert sorted(str(record.entity) for record in writes) == ["credit_note", "customer", "payment"]


def change_example(project: Path) -> None:
    """Does to the copy's data what its changes say."""
    script = project / "changes.sql"
    if script.exists():
        (database,) = [
            path for path in (project / "data").iterdir() if path.suffix in (".gnucash", ".sqlite")
        ]
        connection = sqlite3.connect(database)
        connection.executescript(script.read_text(encoding="utf-8"))
        connection.close()
    for changed in (project / "changes").glob("*.jsonl"):
        # Later lines of an id stand for the newer object.
        lines: dict[bytes, bytes] = {}
        for path in (project / "data" / changed.name, changed):
            for line in path.read_bytes().splitlines():
                lines[line.split(b'"id"')[1].split(b'"')[1]] = line
        (project / "data" / changed.name).write_bytes(b"\n".join(lines.values()) + b"\n")


@pytest.mark.parametrize("system", ["odoo19", "tryton82"])
def test_a_whole_system_comes_across(
    system: str, tmp_path: Path, new_desk: MakeDesk, request: pytest.FixtureRequest
) -> None:
    published(DUMPS[system])  # a server is started only where it is there
    postgres_server = request.getfixturevalue("postgres_server")
    project = tmp_path / system
    shutil.copytree(EXTRACTS / system, project)
    with restored(postgres_server, DUMPS[system]) as url:
        desk = new_desk(project)
        desk.environment[VARIABLES[system]] = url
        # Their rate is Upflow's; this test is about what is sent, not when.
        text = (project / "headrace.toml").read_text(encoding="utf-8")
        (project / "headrace.toml").write_text(
            text.replace("target = {", "target = { rate = 60000,"), encoding="utf-8"
        )
        first_import(desk)
        prove_in_step(desk)
