"""Plans that wait for another person: announced, approved, lapsed, and in a log that is chained."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from receiver import receiver
from rewound import Rewound
from watched import Watched

from headrace.testkit.hub import RunningHub

ID = re.compile(r"plan ([0-9a-f]{10})")


@pytest.fixture(scope="module")
def in_step(
    tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub
) -> Iterator[tuple[Watched, Rewound]]:
    with receiver() as service:
        made = Watched(tmp_path_factory.mktemp("waits") / "shop", open_hub, "waits", service)
        for number in range(12):
            made.shop.customer(f"C{number}")
        assert made.sync().error is None
        made.shop.close()
        yield made, Rewound(made.desk)


@pytest.fixture
def world(tmp_path: Path, in_step: tuple[Watched, Rewound]) -> Iterator[Watched]:
    """An organisation in step whose plans all wait from now on."""
    first, rewound = in_step
    first.receiver.take()
    made = first.again(rewound, tmp_path / "shop")
    made.configure('approve = "always"')
    made.desk.environment["SUDO_USER"] = "anna"
    yield made
    made.shop.close()


def writes(world: Watched) -> int:
    return len(world.desk.writes())


def waiting(done: subprocess.CompletedProcess[str]) -> str:
    """The id of the plan that waits, by what a command says."""
    assert done.returncode == 10, (done.stdout, done.stderr)
    found = ID.search(done.stderr)
    assert found is not None, done.stderr
    return found[1]


def approve(world: Watched, id: str, who: str = "ben") -> subprocess.CompletedProcess[str]:
    return world.desk.command("approve", id, "--name", who)


def test_a_plan_waits_in_the_loop_is_announced_once_and_sent_by_another_person(
    world: Watched,
) -> None:
    before = writes(world)
    world.shop.customer("NEW")
    for _ in range(2):
        assert "waits for approval" in str(world.sync().error)
        world.pass_time(60)
    assert writes(world) == before
    (message,) = world.receiver.take()
    assert message["title"] == "headrace: shop: a plan waits for approval"
    found = ID.search(message["message"])
    assert found is not None
    assert "1 request (1 customer create)" in message["message"]
    status = world.desk.command("status").stdout
    assert status.startswith("shop: waiting: ") and found[1] in status
    (report,) = json.loads(world.desk.command("status", "--json").stdout)
    assert [one["id"] for one in report["approvals"]] == [found[1]]
    done = approve(world, found[1])
    assert (done.returncode, writes(world)) == (0, before + 1), done.stderr
    assert world.sync().error is None
    world.pass_time(60)
    assert world.receiver.titles() == ["shop: over: a plan waits for approval"]
    entries = json.loads(world.desk.command("audit", "list", "--json").stdout)
    said = [(one["action"], one["who"]) for one in entries]
    assert said == [("requested", "headrace run"), ("approved", "ben"), ("applied", "anna")]
    assert {one["subject"] for one in entries} == {found[1]}
    assert len({one["digest"] for one in entries}) == 1


def test_who_asked_for_a_plan_cannot_approve_it(world: Watched) -> None:
    world.shop.customer("NEW")
    before = writes(world)
    id = waiting(world.desk.command("apply"))
    done = world.desk.command("approve", id)
    assert (done.returncode, writes(world)) == (6, before)
    assert "anna requested plan" in done.stderr
    assert approve(world, id).returncode == 0
    assert writes(world) == before + 1
    again = approve(world, id)
    assert again.returncode == 6 and "was applied" in again.stderr


def test_a_plan_lapses_when_the_source_makes_another(world: Watched) -> None:
    before = writes(world)
    world.shop.customer("NEW")
    first = waiting(world.desk.command("apply"))
    world.shop.customer("NEWER")
    lapsed = approve(world, first)
    second = ID.findall(lapsed.stderr)[-1]
    assert lapsed.returncode == 10 and "has lapsed" in lapsed.stderr and second != first
    assert writes(world) == before
    assert waiting(world.desk.command("apply")) == second
    world.shop.run("delete from customers where external_id like 'NEW%'")
    assert world.desk.command("apply").returncode == 0
    assert "was lapsed" in approve(world, second).stderr
    world.shop.customer("NEW")
    assert waiting(world.desk.command("apply")) == first, "the same plan needs a new approval"
    assert approve(world, first).returncode == 0
    assert writes(world) == before + 1


def test_the_loop_sends_a_plan_that_was_approved_while_it_was_busy(world: Watched) -> None:
    world.shop.customer("NEW")
    before = writes(world)
    id = waiting(world.desk.command("apply"))
    with world.desk.open():
        done = approve(world, id)
    assert (done.returncode, writes(world)) == (0, before)
    assert "the next round sends it" in done.stdout
    assert world.sync().error is None
    assert writes(world) == before + 1


def test_only_unsafe_plans_wait_if_that_is_wanted_and_force_does_not_help(
    world: Watched,
) -> None:
    world.configure('approve = "unsafe"')
    world.shop.customer("NEW")
    assert world.desk.command("apply").returncode == 0
    before = writes(world)
    world.shop.run("update customers set name = name || '.'")
    for words in (("apply",), ("apply", "--force")):
        done = world.desk.command(*words)
        id = waiting(done)
        assert "it changes 13 of 13 customers (100%, the limit is 30%)" in done.stderr
    assert writes(world) == before
    assert approve(world, id).returncode == 0
    assert writes(world) == before + 13


def test_a_forced_plan_is_in_the_log(world: Watched) -> None:
    world.configure("")
    world.shop.run("update customers set name = name || '.'")
    assert world.desk.command("apply").returncode == 7
    assert world.desk.command("apply", "--force").returncode == 0
    listed = world.desk.command("audit", "list").stdout
    assert "anna: forced: 12 requests (12 customer update); it changes 12 of 12" in listed


def test_a_changed_or_shortened_log_is_noticed(world: Watched) -> None:
    desk = world.desk
    world.shop.customer("NEW")
    approve(world, waiting(desk.command("apply")))
    done = desk.command("audit", "verify", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["entries"], report["problems"]) == (0, 3, [])
    assert "3 entries, complete" in desk.command("audit", "verify").stdout
    path = desk.folder / ".headrace" / "shop" / "journal.db"
    for statement, said in (
        ("update audit set who = 'carl' where number = 2", "entry 2 was changed"),
        ("update audit set who = 'ben' where number = 2", ""),
        ("update audit set at = at + 1 where number = 1", "entry 1 was changed"),
        ("update audit set at = at - 1 where number = 1", ""),
        ("delete from audit where number = 3", "no entry has the hash"),
        ("delete from audit where number = 1", "entry 1 is missing"),
    ):
        with sqlite3.connect(path) as journal:
            journal.execute(statement)
        journal.close()
        done = desk.command("audit", "verify", "--head", report["head"])
        assert done.returncode == (9 if said else 0), (statement, done.stdout)
        assert said in done.stdout
    assert approve(world, "0123456789").returncode == 6
