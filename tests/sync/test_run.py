"""`headrace run` and `apply`: several organisations in one process, one of which fails."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Command, Desk, HubDesk
from shop import Shop

from headrace.testkit.hub import RunningHub, hub

_TARGET = 'url = "env:HEADRACE_URL", rate = 1000000'
_TOML = f"""\
[organisation.good]
target = {{ {_TARGET}, key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET" }}
source = {{ kind = "sql", url = "sqlite:///shop.db" }}
every = "1s"

[organisation.bad]
target = {{ {_TARGET}, key = "env:HEADRACE_KEY", secret = "env:WRONG_SECRET" }}
source = {{ kind = "sql", url = "sqlite:///shop.db" }}
every = "1s"

[organisation.sourceless]
target = {{ {_TARGET}, key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET" }}
source = {{ kind = "sql", url = "sqlite:///not-there.db" }}
every = "1s"
"""
_PATIENCE_S = 30.0


class Pair:
    def __init__(self, shop: Shop, desk: Desk, hub: RunningHub, name: str) -> None:
        self.shop = shop
        self.desk = desk
        self._hub = hub
        self._name = name

    def sent(self) -> list[str]:
        """External ids that the hub took from the good organisation."""
        return [
            str(record.external_id)
            for record in self._hub.requests()
            if record.organisation == self._name and record.status in (200, 201)
        ]


@pytest.fixture
def pair(tmp_path: Path, open_hub: RunningHub, request: pytest.FixtureRequest) -> Iterator[Pair]:
    shop = Shop(tmp_path / "shop")
    (shop.folder / "headrace.toml").write_text(_TOML, encoding="utf-8")
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    name = f"run-{request.node.name}"
    keys = open_hub.add_organisation(name)
    desk = Desk(shop.folder, open_hub.url, keys.key, keys.secret)
    desk.environment["WRONG_SECRET"] = "no"
    yield Pair(shop, desk, open_hub, name)
    shop.close()


def rounds(text: str) -> dict[str, dict[str, Any]]:
    """The last round of each organisation."""
    return {document["organisation"]: document for document in map(json.loads, text.splitlines())}


def test_once_goes_on_where_one_fails(pair: Pair) -> None:
    done = pair.desk.command("run", "--once", "--json")
    told = rounds(done.stdout)
    assert told["good"]["outcome"]["sent"] == 2 and told["good"]["error"] is None
    assert "does not accept the key pair" in told["bad"]["error"]
    assert "not-there.db" in told["sourceless"]["error"]
    assert done.returncode in (5, 6)
    assert pair.sent() == ["C", "I"]


def test_apply_goes_on_where_one_fails(pair: Pair) -> None:
    text = (pair.shop.folder / "headrace.toml").read_text(encoding="utf-8")
    good, bad, sourceless = text.strip().split("\n\n")
    (pair.shop.folder / "headrace.toml").write_text(
        "\n\n".join((sourceless, bad, good)) + "\n", encoding="utf-8"
    )
    done = pair.desk.command("apply", "--json")
    told = {document["organisation"]: document for document in json.loads(done.stdout)}
    assert told["good"]["outcome"]["sent"] == 2 and told["good"]["error"] is None
    assert "does not accept the key pair" in told["bad"]["error"]
    assert "not-there.db" in told["sourceless"]["error"]
    assert (told["sourceless"]["exit_code"], told["bad"]["exit_code"]) == (5, 6)
    assert done.returncode == 6, "the worst: what a person has to mend"
    assert pair.sent() == ["C", "I"]


def test_it_keeps_on_at_its_interval_and_ends_gently(pair: Pair) -> None:
    command = pair.desk.start("run")
    wait_for(lambda: "I" in pair.sent(), command)
    for name in ("I2", "I3"):  # a round each, at least
        pair.shop.invoice(name, "C", 500)
        wait_for(lambda name=name: name in pair.sent(), command)
    command.process.send_signal(signal.SIGTERM)
    done = command.communicated(timeout=30)
    assert done.returncode == 0
    assert pair.sent() == ["C", "I", "I2", "I3"]
    lines = done.stdout.splitlines()
    assert any("good: 2 sent" in line for line in lines)
    assert any("good: 1 sent" in line for line in lines)
    # The others were told of, again and again, and never stopped it.
    assert sum("bad: " in line and "key pair" in line for line in lines) >= 2


def wait_for(reached: Any, command: Command) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not reached():
        assert command.process.poll() is None, "it ended"
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_a_check_tells_the_first_plan_how_long_answers_take(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    with hub(latency=0.6) as slow:
        desk = HubDesk(shop.folder, slow, "slow")
        assert desk.plan().latency == 0.3, "what is assumed while nothing is known"
        assert desk.command("check").returncode == 0
        assert [record.method for record in desk.log()] == ["GET", "GET"]
        assert desk.plan().latency >= 0.6
        plan, outcome = desk.apply()
        assert (outcome.sent, len(desk.writes())) == (plan.requests, plan.requests)
    shop.close()
