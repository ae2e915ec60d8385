"""Guards: what a source does in an ordinary year passes, what it does half loaded is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import HubDesk, execute, query
from rewound import Rewound

from headrace.testkit.billing import changes, generate, write_project
from headrace.testkit.hub import RunningHub

NewDesk = Callable[[Path], HubDesk]


def _live(tmp_path: Path, new_desk: NewDesk, records: int, months: int, monthly: int) -> None:
    """Month after month, so many changes are made to the book; nothing of it is unusual."""
    database = tmp_path / "billing.db"
    generate(database, records=records, seed=9)
    desk = new_desk(write_project(tmp_path / "project", database, rate=10**6))
    desk.apply(force=False)
    for month in range(months):
        changes(database, month, monthly)
        plan, outcome = desk.apply(force=False)
        assert outcome.sent == plan.requests > 0
        assert plan.shift.imported


def test_ordinary_months_pass(tmp_path: Path, new_desk: NewDesk) -> None:
    _live(tmp_path, new_desk, 300, 2, 15)


@pytest.mark.soak
def test_an_ordinary_year_passes(tmp_path: Path, new_desk: NewDesk) -> None:
    # Half of the changes are of customers, of which there are few: these are a sixth of them.
    _live(tmp_path, new_desk, 5_000, 12, 125)


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    """A book of 400 records that has arrived; its database is in the project's folder."""
    folder = tmp_path_factory.mktemp("arrived") / "project"
    folder.mkdir()
    generate(folder / "billing.db", records=400, seed=4)
    write_project(folder, folder / "billing.db", rate=10**6)
    desk = HubDesk(folder, open_hub, "loaded")
    desk.apply(force=False)
    return Rewound(desk)


@pytest.fixture
def loaded(arrived: Rewound, tmp_path: Path) -> tuple[Path, HubDesk]:
    """The database and the desk for what is loaded badly."""
    desk = arrived.again(tmp_path / "project")
    database = desk.folder / "billing.db"
    write_project(desk.folder, database, rate=10**6)
    return database, desk


def _known(desk: HubDesk) -> list[list[Any]]:
    """What the journal says of the API and of the source."""
    (journal,) = (desk.folder / ".headrace").glob("*/journal.db")
    tables = ("applied", "payloads", "rejects", "source_rows", "imported", "runs")
    return [sorted(query(journal, f"select * from {table}")) for table in tables]


LOADED_BADLY = {
    "no allocations": ("delete from applied", "it reopens"),
    "half of the allocations": ("delete from applied where rowid % 2 = 0", "it reopens"),
    "allocations in another language": (
        "update applied set target_id = target_id + 10000000",
        "errors withhold",
    ),
    "no contacts": ("delete from people", "contacts"),
    "amounts times 100": (
        "update bills set total = total * 100, net = net * 100",
        "it changes the amounts of",
    ),
    "another currency": (
        "update bills set currency = 'CHF' where kind = 'INVOICE' and bill_id not in "
        "(select target_id from applied) and currency <> 'CHF'",
        "move the outstanding amount from",
    ),
    "half of the invoices": ("delete from bills where rowid % 2 = 0", ""),
    "a currency that nobody knows": ("update bills set currency = 'XXQ'", "errors withhold"),
}


def test_sources_that_are_half_loaded_are_refused_and_leave_nothing_behind(
    loaded: tuple[Path, HubDesk],
) -> None:
    database, desk = loaded
    good = database.read_bytes()
    before, known = len(desk.writes()), _known(desk)
    for name, (statement, said) in LOADED_BADLY.items():
        execute(database, statement)
        done = desk.command("apply")
        assert done.returncode == 7, (name, done.stdout + done.stderr)
        assert said in done.stderr, name
        assert "--force" in done.stderr, name
        assert len(desk.writes()) == before, name
        assert _known(desk) == known, name
        database.write_bytes(good)
    done = desk.command("apply")
    assert (done.returncode, len(desk.writes())) == (0, before), done.stdout


def test_a_first_import_whose_allocations_match_nothing_is_refused(
    tmp_path: Path, new_desk: NewDesk
) -> None:
    database = tmp_path / "billing.db"
    generate(database, records=100, seed=4)
    statement, _ = LOADED_BADLY["allocations in another language"]
    execute(database, statement)
    desk = new_desk(write_project(tmp_path / "project", database, rate=10**6))
    checked = desk.command("check")
    assert checked.returncode == 3
    rows = query(database, "select count(*) from applied where target_kind = 'BILL'")[0][0]
    assert f"0 of {rows:,} rows match an invoice" in checked.stdout
    done = desk.command("apply")
    assert (done.returncode, desk.writes()) == (7, [])


def test_limits_are_set_by_organisation(loaded: tuple[Path, HubDesk]) -> None:
    database, desk = loaded
    execute(database, "delete from applied")
    config = desk.folder / "headrace.toml"
    (name,) = [line for line in config.read_text().splitlines() if line.startswith("[organ")]
    limits = f"\n{name.rstrip(']')}.guards]\nunlinked = 1.0\nchanges = 1\nmoney = 1e9\n"
    config.write_text(config.read_text() + limits)
    done = desk.command("apply")
    assert done.returncode == 0, done.stderr
    config.write_text(config.read_text().replace("unlinked", "unlinkd"))
    done = desk.command("apply")
    assert done.returncode == 6
    assert "did you mean unlinked" in done.stderr
