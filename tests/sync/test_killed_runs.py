"""A run that was killed is called that at once, and not for going on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desk import HubDesk
from shop import Shop

from headrace.testkit.hub import hub


@pytest.fixture(params=["sqlite", "postgres"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[HubDesk]:
    """Before an import that takes long enough to be looked at and killed."""
    shop = Shop(tmp_path / "shop")
    for number in range(300):
        shop.customer(f"C{number}")
    shop.close()
    with hub(latency=0.1) as running:
        made = HubDesk(shop.folder, running, "killed")
        if request.param == "postgres":
            toml = shop.folder / "headrace.toml"
            toml.write_text('journal = "env:JOURNAL_URL"\n' + toml.read_text("utf-8"), "utf-8")
            made.environment["JOURNAL_URL"] = request.getfixturevalue("postgres_database")
        yield made


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def status(desk: HubDesk) -> Any:
    (report,) = msgspec.json.decode(desk.command("status", "--json").stdout)
    return report


def test_a_run_goes_on_until_it_is_killed_and_the_next_goes_on_from_there(desk: HubDesk) -> None:
    command = desk.start("apply")
    wait_for(lambda: len(desk.writes()) >= 10)
    during = status(desk)
    assert during["standing"]["state"] == "running" and during["runs"][0]["outcome"] is None
    assert "running for" in desk.command("status").stdout
    command.process.kill()
    command.communicated()
    # The other side may see the connection's end a moment later.
    wait_for(lambda: status(desk)["standing"]["state"] != "running")
    report = status(desk)
    (run,) = report["runs"]
    assert (run["outcome"], run["ended_at"], run["planned"]) == ("killed", None, 300)
    assert report["standing"]["state"] == "failed"
    said = f"its last run was killed, or its machine went down, with {run['sent']} of 300 sent; "
    assert report["standing"]["trouble"] == said + "the next run continues from there"
    text = desk.command("status").stdout
    assert "killed; the next run goes on where it stopped" in text and "running" not in text
    assert "300 sent, killed; the next run" in desk.command("status", "--run", "1").stdout
    # Another command works on the organisation; the run goes on no more for that.
    with desk.open():
        assert status(desk)["standing"]["state"] == "failed"

    command = desk.start("apply")
    before = len(desk.writes())
    wait_for(lambda: len(desk.writes()) >= before + 10)
    runs = status(desk)["runs"]
    assert [run["outcome"] for run in runs] == [None, "killed"]
    assert "running for" in desk.command("status").stdout
    command.process.send_signal(signal.SIGINT)
    assert command.communicated().returncode == 130
    runs = status(desk)["runs"]
    assert [run["outcome"] for run in runs] == ["interrupted", "killed"]
    assert status(desk)["standing"]["state"] == "behind"
