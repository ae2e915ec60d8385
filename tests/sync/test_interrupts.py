"""Ctrl-C ends a command although its source does not answer."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from desk import Command, HubDesk

_SETTINGS = """
[organisation.shop.target]
url = "env:HEADRACE_URL"
key = "env:HEADRACE_KEY"
secret = "env:HEADRACE_SECRET"

[organisation.shop.source]
"""
_TAP = """#!/bin/sh
trap "" INT
echo $$ > {folder}/tap.pid
exec sleep 300
"""
_OWN_QUERY = (
    "from pg_stat_activity where datname = current_database() and query like 'COPY%pg_sleep%'"
)
NewDesk = Callable[[Path], HubDesk]


def desk_with(folder: Path, source: str, new_desk: NewDesk) -> HubDesk:
    """A desk with a source of one table, `customers`."""
    (folder / "models").mkdir()
    (folder / "models" / "customers.sql").write_text("select id as external_id from customers")
    (folder / "headrace.toml").write_text(_SETTINGS + source, "utf-8")
    return new_desk(folder)


def waited_for(found: Callable[[], bool]) -> None:
    """Wait until something is there; fails after half a minute."""
    end = time.monotonic() + 30
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    "words", [("apply",), ("plan", "--json"), ("check",), ("reconcile",), ("run", "--once")]
)
def test_a_program_that_hangs_is_ended_with_the_command(
    tmp_path: Path, new_desk: NewDesk, words: tuple[str, ...]
) -> None:
    tap, number = tmp_path / "tap", tmp_path / "tap.pid"
    tap.write_text(_TAP.format(folder=tmp_path))
    tap.chmod(0o700)
    options = f'kind = "singer"\n[organisation.shop.source.options]\ncommand = ["{tap}"]\n'
    command = desk_with(tmp_path, options, new_desk).start(*words)
    waited_for(lambda: number.exists() and number.read_text().endswith("\n"))
    command.process.send_signal(signal.SIGINT)
    said = command.communicated(timeout=15)
    assert said.returncode == 130
    if "--json" in words:
        error = json.loads(said.stdout)["error"]
        assert (error["code"], error["message"]) == (130, "interrupted")
    else:
        assert said.stderr.startswith(("error: interrupted", "error: stopped while it read shop"))
    waited_for(lambda: not psutil.pid_exists(int(number.read_text())))


class Asleep:
    """A database whose query for the customers takes minutes."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        info = connection.info
        self.url = f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}"
        self.source = (
            f'kind = "sql"\nurl = "{self.url}"\n[organisation.shop.source.tables]\n'
            "customers = \"select '1' as id from pg_sleep(300)\"\n"
        )

    def is_asked(self) -> bool:
        """Whether the query runs."""
        return self.connection.execute(f"select pid {_OWN_QUERY}").fetchone() is not None


@pytest.fixture
def asleep(postgres_database: str) -> Iterator[Asleep]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield Asleep(connection)
        connection.execute(f"select pg_terminate_backend(pid) {_OWN_QUERY}")


def error_of(command: Command, words: tuple[str, ...], timeout: float) -> str:
    """The error of an interrupted command that ends in time."""
    said = command.communicated(timeout=timeout)
    assert said.returncode == 130
    if "--json" in words:
        error: str = json.loads(said.stdout)["error"]["message"]
        return error
    return said.stderr.removeprefix("error: ")


@pytest.mark.parametrize("words", [("apply",), ("plan", "--json"), ("check",)])
def test_one_interrupt_ends_a_command_in_spite_of_a_query(
    tmp_path: Path, new_desk: NewDesk, asleep: Asleep, words: tuple[str, ...]
) -> None:
    command = desk_with(tmp_path, asleep.source, new_desk).start(*words)
    waited_for(asleep.is_asked)
    command.process.send_signal(signal.SIGINT)
    # Whether the query can be cancelled depends on where the interrupt finds it.
    assert error_of(command, words, timeout=15).startswith("interrupted")


def test_a_second_interrupt_waits_for_nothing(
    tmp_path: Path, new_desk: NewDesk, asleep: Asleep
) -> None:
    command = desk_with(tmp_path, asleep.source, new_desk).start("apply")
    waited_for(asleep.is_asked)
    for _ in range(20):  # two that come together are one
        if command.process.poll() is None:
            command.process.send_signal(signal.SIGINT)
            time.sleep(0.2)
    error = error_of(command, ("apply",), timeout=1)
    assert error.startswith("interrupted") and "still worked" not in error


def test_a_worker_leaves_in_order_although_a_source_does_not_answer(
    tmp_path: Path, new_desk: NewDesk, asleep: Asleep
) -> None:
    desk = desk_with(tmp_path, asleep.source, new_desk)
    settings = tmp_path / "headrace.toml"
    settings.write_text(f'state = "env:STATE"\n{settings.read_text("utf-8")}', "utf-8")
    desk.environment["STATE"] = asleep.url
    command = desk.start("worker", "--takeover", "2s")
    waited_for(asleep.is_asked)
    command.process.send_signal(signal.SIGTERM)
    said = command.communicated(timeout=20)
    assert said.returncode == 130
    assert said.stderr == "error: stopped while it read shop; nothing is lost\n"
    assert asleep.connection.execute("select count(*) from headrace_fleet.worker").fetchone() == (
        0,
    )
    # Another one takes the round over at once.
    asleep.connection.execute(f"select pg_terminate_backend(pid) {_OWN_QUERY}")
    next_one = desk.start("worker", "--takeover", "2s")
    waited_for(asleep.is_asked)
    next_one.process.kill()
    next_one.process.communicate()
