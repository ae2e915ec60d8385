"""A journal belongs to one organisation of one API; nothing is told to a place that lacks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk, prove_in_step
from rewound import Rewound, filled
from shop import Shop

from headrace.fleet.project import load_project
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.model.clock import SYSTEM_CLOCK, format_instant
from headrace.model.errors import HeadraceError
from headrace.store.admin.keys import make_key
from headrace.store.engine.place import transactions
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.session import LOOP
from headrace.testkit.hub import RunningHub, hub


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    folder = tmp_path_factory.mktemp("bound")
    return filled(folder, open_hub, "bound", lambda shop: shop.customers_with_invoices(7))


@pytest.fixture
def desk(in_step: Rewound, tmp_path: Path) -> HubDesk:
    """In step with its organisation."""
    return in_step.again(tmp_path / "shop")


def _turn_to(desk: HubDesk, hub: RunningHub, name: str) -> None:
    pair = hub.add_organisation(name)
    desk.environment |= {
        "HEADRACE_URL": hub.url,
        "HEADRACE_KEY": pair.key,
        "HEADRACE_SECRET": pair.secret,
    }


def _rotate(desk: HubDesk) -> None:
    with transactions(desk.hub.place) as transact:
        pair = transact(make_key, desk.name, format_instant(SYSTEM_CLOCK.now()))
    desk.environment |= {"HEADRACE_KEY": pair.key, "HEADRACE_SECRET": pair.secret}


def test_another_organisation_is_refused_with_the_ways_out(
    desk: HubDesk, open_hub: RunningHub
) -> None:
    _turn_to(desk, open_hub, "another")
    for command in ("plan", "apply", "check", "reconcile"):
        done = desk.command(command)
        said = done.stderr + done.stdout
        assert done.returncode == 7, (command, said)
        assert "lacks the records of this journal" in said, (command, said)
        assert "such as customer C0" in said, (command, said)
        assert "`data` folder of its own" in said, (command, said)
        assert "headrace drift --repair" in said, (command, said)
        assert desk.get("/customers")["total"] == 0, command


def test_an_organisation_with_records_of_the_same_names_is_another_one(
    desk: HubDesk, new_desk: Callable[[Path], HubDesk], tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "twin")
    for n in range(7):
        shop.customer(f"C{n}")
    shop.close()
    twin = new_desk(shop.folder)
    twin.apply()
    desk.environment = twin.environment
    done = desk.command("plan")
    assert done.returncode == 7 and "this is another organisation" in done.stderr


def test_another_hub_is_refused_and_named_with_the_one_before(desk: HubDesk) -> None:
    before = desk.environment["HEADRACE_URL"]
    with hub(limits="off") as other:
        _turn_to(desk, other, "elsewhere")
        done = desk.command("apply")
    assert done.returncode == 7
    assert f"was sent to {before}" in done.stderr


def test_a_plan_of_the_same_target_needs_no_api(
    desk: HubDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.client.retry.Backoff.wait_after", lambda self, attempt: 0.01)
    with desk.open() as organisation:
        organisation.journal._db.run("clear_target")  # as an older headrace left it
    url, key = desk.environment["HEADRACE_URL"], desk.environment["HEADRACE_KEY"]
    desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    assert desk.command("plan").returncode == 0
    desk.environment |= {"HEADRACE_URL": url, "HEADRACE_KEY": key}
    assert desk.command("apply").returncode == 0
    desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    assert desk.command("plan").returncode == 5


def test_a_rotated_key_goes_on_with_a_word(desk: HubDesk) -> None:
    _rotate(desk)
    done = desk.command("plan")
    assert done.returncode == 0 and "the key has changed, the organisation is the same" in (
        done.stderr + done.stdout
    )
    assert "has changed" not in desk.command("plan").stdout
    prove_in_step(desk)


@pytest.mark.parametrize("command", ["apply", "nightly"])
def test_a_job_of_any_name_verifies_a_target_to_which_it_sends_nothing(
    desk: HubDesk, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name, text in desk.environment.items():
        monkeypatch.setenv(name, text)
    project = load_project(desk.folder)
    (name,) = project.names()

    def job(command: str) -> DeliveryOutcome:
        options = SyncOptions(command=command)
        return asyncio.run(sync_once(project, name, options, SYSTEM_CLOCK, Watcher()))[1]

    assert job(command).sent == 0
    desk.hub.reset(desk.name)
    assert job(LOOP).sent == 0
    with pytest.raises(HeadraceError, match="one that was emptied"):
        job(command)


def test_an_emptied_organisation_is_seen_and_filled_again(desk: HubDesk) -> None:
    desk.hub.reset(desk.name)
    done = desk.command("apply")
    assert done.returncode == 7 and "one that was emptied" in done.stderr
    assert desk.command("drift", "--repair").returncode == 0
    assert desk.command("apply", "--force").returncode == 0
    assert desk.get("/customers")["total"] == 7
    prove_in_step(desk)


def test_what_people_deleted_in_upflow_makes_no_other_organisation(desk: HubDesk) -> None:
    with desk.open() as organisation:
        known = [name for _, name in organisation.journal.landmarks()]
    assert len(known) == 5
    for name in known:
        number = name.removeprefix("C")
        desk.request("DELETE", f"/invoices/external:I{number}")
        desk.request("DELETE", f"/customers/external:{name}")
    _rotate(desk)
    assert desk.command("plan").returncode == 0


def test_one_config_serves_two_targets_with_data_of_their_own(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    file = shop.folder / "headrace.toml"
    file.write_text('data = ".headrace/{target}"\n' + file.read_text(encoding="utf-8"))
    shop.customer("C")
    shop.close()
    staging = new_desk(shop.folder)
    staging.apply()
    with hub(limits="off") as production:
        live = HubDesk(shop.folder, production, "live")
        assert live.command("apply").returncode == 0
        assert live.get("/customers")["total"] == 1
        prove_in_step(live)
    prove_in_step(staging)


def test_the_first_delivery_to_upflow_itself_is_asked_for(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.close()

    class Upflow(HubDesk):
        def __init__(self, folder: Path) -> None:
            self.folder = folder
            self.environment = {
                "HEADRACE_URL": "https://api.upflow.io/v1",
                "HEADRACE_KEY": "k",
                "HEADRACE_SECRET": "s",
                # Nothing leaves this machine.
                "HTTPS_PROXY": "http://127.0.0.1:9",
            }

    desk = Upflow(shop.folder)
    # What was tried elsewhere before, and told nothing there, makes it no second one.
    desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    assert desk.command("apply", "--patience", "1s").returncode == 5
    desk.environment["HEADRACE_URL"] = "https://api.upflow.io/v1"
    done = desk.command("apply")
    assert done.returncode == 7
    assert "first delivery to Upflow's production" in done.stderr
    assert "`headrace apply --yes`" in done.stderr
    assert desk.command("run", "--once").returncode == 7
    confirmed = desk.command("apply", "--yes", "--patience", "1s")
    assert confirmed.returncode == 5 and "is not usable" in confirmed.stderr
