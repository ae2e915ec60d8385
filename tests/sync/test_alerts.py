"""Alerts: who hears of what, how often, and what stands in a message."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from desk import Command
from receiver import Receiver, receiver
from rewound import Rewound
from watched import Watched

from headrace.alerts.checking import OutsideView
from headrace.alerts.heartbeat import Beat, dead
from headrace.alerts.post import ApprisePost
from headrace.alerts.stores import opened
from headrace.fleet.project import load_project
from headrace.fleet.round import Round, note_round
from headrace.model.errors import Unauthorised
from headrace.sync.journal import Proof
from headrace.testkit.hub import RunningHub

HOUR = 3600.0
QUIET = 'silent = "30d"'
"""For tests in which no rounds happen for hours."""


@pytest.fixture(scope="module")
def service() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture(scope="module")
def in_step(
    tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub, service: Receiver
) -> tuple[Watched, Rewound]:
    made = Watched(tmp_path_factory.mktemp("alerts") / "shop", open_hub, "alerts", service)
    made.shop.customer("C")
    made.shop.invoice("I", "C", 1000)
    assert made.sync().error is None
    made.shop.close()
    return made, Rewound(made.desk)


@pytest.fixture
def world(tmp_path: Path, in_step: tuple[Watched, Rewound], service: Receiver) -> Iterator[Watched]:
    """An organisation in step, with one customer and one invoice."""
    service.take()
    service.refusing = 0
    first, rewound = in_step
    made = first.again(rewound, tmp_path / "shop")
    yield made
    made.shop.close()


def refuse_the_key(world: Watched) -> str:
    """From now on; returns the secret that was right."""
    world.shop.run("update customers set name = name || '.'")
    right = world.desk.environment["HEADRACE_SECRET"]
    world.desk.environment["HEADRACE_SECRET"] = "x" * 43
    return right


def test_a_message_says_what_since_when_how_many_what_it_means_and_what_to_do(
    world: Watched,
) -> None:
    world.desk.environment["HEADRACE_SECRET"] = "not-the-secret-" + "x" * 30
    world.shop.run("update customers set name = 'Erika Mustermann'")
    world.sync()
    world.pass_time(60)
    (message,) = world.receiver.take()
    assert message["title"] == "headrace: shop: the API refuses the key"
    what, line, finance, todo = message["message"].splitlines()
    assert what == "What: the API refuses the key."
    assert line.startswith("shop: since 20") and line.endswith("; 1 failed round")
    assert "reminders" in finance and finance.startswith("For finance: ")
    assert todo.startswith("What to do: Create a new key pair")
    assert message["type"] == "failure"
    text = json.dumps(message)
    for secret in ("not-the-secret", world.desk.environment["HEADRACE_KEY"], "Mustermann"):
        assert secret not in text


def test_the_figures_of_an_unsafe_plan_are_in_the_message(world: Watched) -> None:
    for number in range(12):
        world.shop.customer(f"N{number}")
    world.sync()
    world.shop.run("update customers set name = 'Jo ' || name")
    world.sync()
    world.pass_time(60)
    (message,) = world.receiver.take()
    assert "  - it changes 13 of 13 customers (100%, the limit is 30%)" in message["message"]
    assert "Jo " not in message["message"]


def test_a_restart_sends_no_second_message_and_still_announces_the_end(world: Watched) -> None:
    right = refuse_the_key(world)
    world.sync()
    world.pass_time(60)
    assert world.receiver.titles() == ["shop: the API refuses the key"]
    for _ in range(2):
        world.watchman.stop()
        world.restart()
        world.sync()
        world.pass_time(HOUR, 300)
        assert world.receiver.titles() == []
    world.desk.environment["HEADRACE_SECRET"] = right
    world.restart()
    world.sync()
    world.pass_time(60)
    assert world.receiver.titles() == ["shop: over: the API refuses the key"]


def test_a_trouble_that_nobody_could_be_told_of_is_one_message_when_it_is_over(
    world: Watched,
) -> None:
    world.configure("", QUIET)
    world.receiver.refusing = 10**6
    right = refuse_the_key(world)
    world.sync()
    world.pass_time(300)
    world.desk.environment["HEADRACE_SECRET"] = right
    world.sync()
    world.pass_time(60)
    world.receiver.refusing = 0
    world.pass_time(HOUR, 60)
    assert world.receiver.titles() == ["shop: over: the API refuses the key"]


def test_an_address_that_fails_is_tried_again_alone_and_seen_in_the_status(
    world: Watched, open_hub: RunningHub
) -> None:
    with receiver() as second:
        second.refusing = 3
        world.desk.environment["SECOND"] = second.address
        world.configure("")
        text = world.settings.read_text("utf-8").replace(
            '["env:ALERTS"]', '["env:ALERTS", "env:SECOND"]'
        )
        world.settings.write_text(text, "utf-8")
        refuse_the_key(world)
        assert world.sync().error is not None
        world.look_now()
        done = world.desk.command("status")
        assert "alert not sent: env:SECOND: the service did not accept the message" in done.stdout
        assert second.address not in done.stdout
        world.pass_time(10 * 60)
        title = ["shop: the API refuses the key"]
        assert (world.receiver.titles(), second.titles()) == (title, title)
        assert second.refused == 3
        assert "alert not sent" not in world.desk.command("status").stdout


def test_new_rejected_records_are_announced_again_and_the_same_ones_are_not(
    world: Watched,
) -> None:
    world.configure("", QUIET)
    fault = {"kind": "status", "status": 400, "on": "POST /customers", "times": 2}
    with world.desk.hub.faults(fault, organisation=world.desk.name):
        world.shop.customer("BAD1")
        world.sync()
        for _ in range(2):
            world.pass_time(HOUR, 300)
            world.sync()
        assert world.receiver.titles() == ["shop: the API rejects records"]
        world.shop.customer("BAD2")
        world.sync()
    world.pass_time(60)
    (message,) = world.receiver.take()
    assert "2 rejected records" in message["message"]
    assert "1 of them are new since the last message" in message["message"]


def test_organisations_with_the_same_trouble_and_addresses_share_a_message(
    world: Watched,
) -> None:
    text = world.settings.read_text("utf-8")
    table = text[text.index("[organisation.shop]") : text.index("[alerts]")]
    again = "".join(table.replace("[organisation.shop]", f"[organisation.s{n}]") for n in range(30))
    world.settings.write_text(again + text, "utf-8")
    names = [f"s{number}" for number in range(30)]
    project = load_project(world.desk.folder)

    world.watchman.alive(project, names)
    for name in names:
        round = Round(name, None, None, Unauthorised("the key pair is wrong"))
        note_round(project, round, "run", world.clock)
        asyncio.run(world.watchman.ended(project, round))
    with world.environment():
        world.watchman.look()
    (message,) = world.receiver.take()
    assert message["title"] == "headrace: 30 organisations: the API refuses the key"
    assert message["message"].count("since 20") == 20
    assert "and 10 more organisations" in message["message"]


def test_a_summary_comes_once_a_day_if_it_is_wanted(world: Watched) -> None:
    in_half_a_day = world.clock.now() + timedelta(hours=12)
    world.configure("", f'digest = "{in_half_a_day:%H:%M}"\nsilent = "30d"')
    world.restart()
    world.sync()
    world.pass_time(60)
    assert world.receiver.take() == [], "the first day has nothing to sum up"
    for _ in range(2):
        world.shop.run("update customers set name = name || '.'")
        world.sync()
        world.pass_time(24 * HOUR, HOUR)
        (message,) = world.receiver.take()
        assert message["title"] == "headrace: daily summary: 1 in step, 0 in trouble"
        assert "changes sent in 24 hours" in message["message"]


def test_a_killed_process_is_noticed_by_another_and_its_return_is_announced(
    world: Watched,
) -> None:
    world.configure("every = '1s'\nreconcile = '1s'")
    command = world.desk.start("run")
    beats = world.desk.folder / ".headrace" / ".alerts"
    wait_for(lambda: any(beats.glob("run-*.json")), command)
    wait_for(lambda: proof_of(world) is not None, command)
    first = proof_of(world)
    wait_for(lambda: proof_of(world) != first, command)  # in a book that stays open
    command.process.send_signal(signal.SIGKILL)
    command.process.communicate()
    project = load_project(world.desk.folder)
    post = ApprisePost(world.desk.environment)
    with world.environment():
        OutsideView(world.clock, post).look(project, ["shop"], [])
        OutsideView(world.clock, post).look(project, ["shop"], [])
        assert world.receiver.titles() == ["shop: the process that syncs has died"]
        world.restart()
        world.look()
        assert world.receiver.titles() == ["shop: over: the process that syncs has died"]
        world.watchman.stop()
    assert not any(beats.glob("run-*.json"))


def proof_of(world: Watched) -> Proof | None:
    with opened(load_project(world.desk.folder), "shop", world.clock) as journal:
        found = journal.proof()
    assert found is None or found.balanced
    return found


def wait_for(seen: object, command: Command) -> None:
    assert callable(seen)
    for _ in range(600):
        if seen():
            return
        assert command.process.poll() is None, command.process.communicate()
        time.sleep(0.05)
    raise AssertionError("it never happened")


def test_the_commands_try_the_addresses_and_list_what_is_wrong(world: Watched) -> None:
    desk = world.desk
    done = desk.command("alerts", "test")
    assert (done.returncode, done.stdout) == (0, "env:ALERTS: sent\n")
    assert world.receiver.titles() == ["a test"]
    assert desk.command("alerts", "list").stdout == "nothing is wrong\n"
    refuse_the_key(world)
    assert desk.command("apply").returncode == 6
    assert world.receiver.titles() == ["shop: the API refuses the key"]
    assert desk.command("apply").returncode == 6
    assert desk.command("alerts", "check").returncode == 0
    assert world.receiver.titles() == []
    listed = desk.command("alerts", "list").stdout
    assert listed.startswith("shop: the API refuses the key since 20")
    (document,) = json.loads(desk.command("alerts", "list", "--json").stdout)
    assert (document["organisation"], document["kind"]) == ("shop", "key_refused")
    desk.environment["ALERTS"] = "nonsense"
    done = desk.command("alerts", "test")
    assert (done.returncode, done.stdout) == (
        5,
        "env:ALERTS: it is not an address that apprise knows\n",
    )
    del desk.environment["ALERTS"]
    os.environ.pop("ALERTS", None)
    done = desk.command("alerts", "test", "--json")
    (document,) = json.loads(done.stdout)
    assert "environment variable ALERTS, which is not set" in document["error"]


def test_without_an_address_nothing_is_sent_and_the_status_says_so(world: Watched) -> None:
    text = world.settings.read_text("utf-8").replace('["env:ALERTS"]', "[]")
    world.settings.write_text(text, "utf-8")
    right = refuse_the_key(world)
    world.sync()
    world.look_now()
    status = world.desk.command("status").stdout
    assert "nobody gets a message: [alerts] has no address" in status
    world.desk.environment["HEADRACE_SECRET"] = right
    world.sync()
    world.look_now()
    assert world.desk.command("alerts", "list").stdout == "nothing is wrong\n"
    assert world.receiver.take() == []


def test_a_process_takes_over_only_its_own_organisations_of_a_dead_one(world: Watched) -> None:
    folder = world.desk.folder / ".headrace" / ".alerts"
    folder.mkdir(exist_ok=True)
    beat = Beat(host="elsewhere", process=1, at=0.0, organisations=["shop", "other"])
    (folder / "run-elsewhere-1.json").write_bytes(msgspec.json.encode(beat))
    world.restart()
    world.look_now()
    assert world.receiver.titles() == ["shop: over: the process that syncs has died"]
    project = load_project(world.desk.folder)
    ((_, left),) = dead(project, world.clock.now().timestamp())
    assert left.organisations == ["other"]


def _live(world: Watched, every_s: int) -> None:
    """A day with noise: refusals by the rate limit, single errors, a lost connection, and rounds
    without a change."""
    noise = {
        4: {"kind": "status", "status": 429, "times": 2},
        6: {"kind": "status", "status": 503, "times": 1},
        10: {"kind": "reset", "times": 1},
        16: {"kind": "reply-lost", "times": 1},
        20: {"kind": "status", "status": 500, "times": 1},
    }
    for number in range(24 * 3600 // every_s):
        hour, quarter = divmod(number * every_s, 3600)
        if hour in noise and quarter == 0:
            world.shop.run("update customers set name = name || '-'")
            with world.desk.hub.faults(noise[hour], organisation=world.desk.name):
                assert world.sync().error is None
        elif hour % 8 == 0 and quarter == 0:
            world.shop.invoice(f"N{hour}", "C", 100 + hour)
        world.sync()
        world.pass_time(every_s, min(300, every_s))


def test_a_normal_day_with_noise_brings_no_message(world: Watched) -> None:
    world.configure("every = '2h'\nreconcile = '12h'")
    _live(world, 7200)
    assert world.receiver.take() == []


@pytest.mark.soak
def test_a_normal_day_of_rounds_every_five_minutes_brings_no_message(world: Watched) -> None:
    world.configure("every = '5m'\nreconcile = '1h'", "unreachable = '5m'")
    _live(world, 300)
    assert world.receiver.take() == []


def test_a_laptop_that_was_closed_overnight_brings_no_message(world: Watched) -> None:
    source = world.desk.folder / "shop.db"
    aside = source.with_name("aside")
    source.rename(aside)  # the network goes before the machine does
    assert world.sync().error is not None
    world.pass_time(30)
    world.clock.added += 9 * HOUR
    world.look_now()
    aside.rename(source)
    world.pass_time(60)
    assert world.sync().error is None
    world.pass_time(60)
    assert world.receiver.take() == []


def test_a_round_that_was_suspended_with_its_process_is_stuck_only_if_it_stays_so(
    world: Watched,
) -> None:
    world.pass_time(15)
    world.watchman.began("shop")
    world.clock.added += 9 * HOUR
    assert world.watchman.silent_for() == 0
    world.pass_time(0.4 * HOUR)
    assert world.receiver.take() == []
    world.pass_time(0.2 * HOUR)
    assert [one["title"] for one in world.receiver.take()] == [
        "headrace: shop: a round makes no progress"
    ]
    world.clock.added += 9 * HOUR
    world.pass_time(60)
    assert world.receiver.take() == [], "nobody can say yet that it is over"
    assert world.sync().error is None
    world.pass_time(60)
    assert [one["title"] for one in world.receiver.take()] == [
        "headrace: shop: over: a round makes no progress"
    ]


def test_an_export_that_was_cut_off_is_announced_with_its_rows(
    tmp_path: Path, open_hub: RunningHub, service: Receiver
) -> None:
    world = Watched(tmp_path / "shop", open_hub, "cut-off", service)
    text = world.settings.read_text("utf-8")
    exported = text.replace(
        'source = { kind = "sql", url = "sqlite:///shop.db" }',
        'source = { kind = "files", path = "exports" }',
    )
    assert exported != text
    world.settings.write_text(exported, "utf-8")
    export = tmp_path / "shop" / "exports" / "customers.csv"
    export.parent.mkdir()
    lines = [f"C{number},Customer {number}" for number in range(30)]
    export.write_text("\n".join(["external_id,name", *lines]) + "\n", "utf-8")
    assert world.sync().error is None
    export.write_text("\n".join(["external_id,name", *lines[:9]]) + "\n", "utf-8")
    world.sync()
    world.pass_time(60)
    (message,) = world.receiver.take()
    assert message["title"].endswith("shop: the source has far fewer records than before")
    assert "customers has 9 rows, while it had 30" in message["message"]
    assert "it deletes 21 of 30 customers" in message["message"]
    world.shop.close()


def test_a_look_at_organisations_without_a_round_makes_no_journals(
    tmp_path: Path, open_hub: RunningHub, service: Receiver
) -> None:
    """Hundreds of new ones would wait for it."""
    service.take()
    new = Watched(tmp_path / "shop", open_hub, "alerts-new", service)
    new.look_now()
    assert not list(new.settings.parent.glob(".headrace/*/journal.db"))
    new.pass_time(25 * HOUR, step=HOUR)
    (message,) = service.take()
    assert message["title"] == "headrace: shop: nothing was synced for too long"
    new.shop.customer("C")
    assert new.sync().error is None
    new.look_now()
    assert len(service.take()) == 1
    new.shop.close()


def test_a_journal_that_a_round_could_not_make_is_announced(
    tmp_path: Path, open_hub: RunningHub, service: Receiver
) -> None:
    service.take()
    new = Watched(tmp_path / "shop", open_hub, "alerts-none", service)
    new.shop.customer("C")
    place = new.settings.parent / ".headrace" / "shop"
    place.parent.mkdir()
    place.write_text("a file where a folder should be")
    new.look_now()
    assert new.sync().error is not None
    new.pass_time(HOUR / 2)
    (message,) = service.take()
    assert message["title"] == "headrace: shop: the journal can't be used"
    place.unlink()
    assert new.sync().error is None
    new.look_now()
    assert len(service.take()) == 1
    new.shop.close()
