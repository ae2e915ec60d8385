"""Many organisations: none of them ever hurts another, whatever happens to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Command

from fleet import Fleet
from headrace.sync.session import Organisation
from headrace.testkit.hub import RunningHub, hub

SIX = [f"o{number}" for number in range(6)]
THREE = ["good", "hurt", "other"]


@pytest.fixture
def fleet(
    tmp_path: Path, open_hub: RunningHub, request: pytest.FixtureRequest
) -> Callable[[list[str]], Fleet]:
    def make(names: list[str], every: str = "1h") -> Fleet:
        return Fleet(tmp_path / "fleet", open_hub, names, request.node.name, every)

    return make


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Fleet:
    """Three that are in step."""
    made = Fleet(tmp_path_factory.mktemp("three"), open_hub, THREE, "three")
    done = made.command("apply")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def three(in_step: Fleet) -> Iterator[Fleet]:
    """The same; what a test does to files of `hurt` is undone."""
    files = (
        in_step.folder / "hurt.db",
        in_step.folder / "keys" / "hurt.key",
        in_step.data("hurt") / "journal.db",
    )
    kept = {path: path.read_bytes() for path in files}
    yield in_step
    for path, content in kept.items():
        path.write_bytes(content)


def test_six_books_are_synced_side_by_side_time_and_again(
    fleet: Callable[[list[str]], Fleet],
) -> None:
    six = fleet(SIX)
    text = six.toml.read_text(encoding="utf-8")
    six.toml.write_text("at_once = 6\n" + text, encoding="utf-8")
    for number in range(2):
        for name in SIX:
            add_customer(six, name, f"N{number}")
        done = six.command("run", "--once")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "6 organisations: 6 in step"
    for name in SIX:
        assert sorted(six.sent(name)) == ["C", "I", "N0", "N1"]


def add_customer(fleet: Fleet, name: str, customer: str) -> None:
    fleet.execute(name, f"insert into customers(external_id, name) values ('{customer}', 'New')")


def damage_journal(fleet: Fleet, name: str) -> None:
    (fleet.data(name) / "journal.db").write_bytes(b"junk" * 3000)


def cut_journal(fleet: Fleet, name: str) -> None:
    path = fleet.data(name) / "journal.db"
    content = bytearray(path.read_bytes())
    content[100:20_000] = os.urandom(19_900)
    path.write_bytes(content)


def empty_journal(fleet: Fleet, name: str) -> None:
    (fleet.data(name) / "journal.db").write_bytes(b"")


def foreign_journal(fleet: Fleet, name: str) -> None:
    path = fleet.data(name) / "journal.db"
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("create table applied (something)")
    database.close()


def lose_source(fleet: Fleet, name: str) -> None:
    (fleet.folder / f"{name}.db").rename(fleet.folder / "elsewhere.db")


def break_source(fleet: Fleet, name: str) -> None:
    (fleet.folder / f"{name}.db").write_bytes(b"junk" * 3000)


def lose_key(fleet: Fleet, name: str) -> None:
    (fleet.folder / "keys" / f"{name}.key").unlink()


def file_in_the_way(fleet: Fleet, name: str) -> None:
    """As a disk that can't be written, also for root."""
    for path in fleet.data(name).iterdir():
        path.unlink()
    fleet.data(name).rmdir()
    fleet.data(name).write_text("in the way", encoding="utf-8")


TROUBLES = {
    hurt.__name__: hurt
    for hurt in (
        *(damage_journal, cut_journal, empty_journal, foreign_journal),
        *(lose_source, break_source, lose_key, file_in_the_way),
    )
}
FINE = ("good", "other")


@pytest.fixture(scope="module")
def hurt_fleet(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Fleet:
    """Organisations that were in step before each got the trouble that it is named after, between
    two that have none."""
    made = Fleet(tmp_path_factory.mktemp("hurt"), open_hub, ["good", *TROUBLES, "other"], "hurt")
    at_the_api = ("good", "lose_source", "break_source", "other")
    done = made.command("apply", *(word for name in at_the_api for word in ("-o", name)))
    assert done.returncode == 0, done.stderr
    for name in TROUBLES.keys() - set(at_the_api):  # no request of theirs goes out any more
        shutil.copytree(made.data("good"), made.data(name))
    for name, hurt in TROUBLES.items():
        hurt(made, name)
    return made


def test_what_hurts_one_is_a_line_of_its_own_in_every_command(hurt_fleet: Fleet) -> None:
    for number, words in enumerate((("apply",), ("run", "--once"))):
        for name in FINE:
            add_customer(hurt_fleet, name, f"N{number}")
        done = hurt_fleet.command(*words)
        assert done.returncode == 6, (words, done.stdout, done.stderr)
        for name in TROUBLES:
            assert len(lines_about(name, done)) == 1, (words, name, lines_about(name, done))
        summary, _, failed = done.stdout.splitlines()[-1].rpartition(": ")
        assert summary == "10 organisations: 2 in step, 8 failed"
        assert sorted(failed.split(", ")) == sorted(TROUBLES), words
        for name in FINE:
            assert f"N{number}" in hurt_fleet.sent(name), (words, name)
    for command, fine in (
        ("plan", "2 with nothing to send"),
        ("check", "2 fine"),
        ("reconcile", "2 balanced"),
        ("drift", "2 without drift"),
    ):
        done = hurt_fleet.command(command)
        assert done.returncode == 6, (command, done.stdout, done.stderr)
        said = [line.split(": ")[:2] for line in done.stderr.splitlines()]
        assert said == [["error", name] for name in TROUBLES], (command, done.stderr)
        failed = f"8 failed: {', '.join(TROUBLES)}"
        assert done.stdout.splitlines()[-1] == f"10 organisations: {fine}, {failed}"


def test_what_hurts_one_has_its_exit_code_in_every_command(hurt_fleet: Fleet) -> None:
    for words in (("apply",), ("plan",), ("check",)):
        told = hurt_fleet.told(*words, *(word for name in TROUBLES for word in ("-o", name)))
        for name in TROUBLES:
            alone = hurt_fleet.command(*words, "-o", name)
            assert alone.returncode in (1, 5, 6), (words, name, alone.stdout, alone.stderr)
            assert "Traceback" not in alone.stdout + alone.stderr, (words, name)
            assert told[name]["error"], (words, name)
            assert told[name]["exit_code"] == alone.returncode, (words, name)
    done = hurt_fleet.command("status")
    first, *lines = done.stdout.splitlines()
    assert first == "10 organisations: 8 failed, 2 in step"
    states = [line.split(": ")[:2] for line in lines if not line.startswith(" ")]
    assert sorted(states[:8]) == sorted([name, "failed"] for name in TROUBLES)
    assert states[8:] == [[name, "in step"] for name in FINE]
    told = hurt_fleet.told("status")
    assert {name: told[name]["standing"]["state"] for name in TROUBLES} == dict.fromkeys(
        TROUBLES, "failed"
    )


def lines_about(name: str, done: subprocess.CompletedProcess[str]) -> list[str]:
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if f"{name}: " in line]


def test_a_damaged_journal_stays_as_it_is_and_says_how_to_get_it_back(three: Fleet) -> None:
    damage_journal(three, "hurt")
    before = (three.data("hurt") / "journal.db").read_bytes()
    done = three.command("apply", "-o", "hurt")
    assert done.returncode == 6
    assert "backup" in done.stderr and "headrace adopt" in done.stderr
    assert (three.data("hurt") / "journal.db").read_bytes() == before


def altered(good: bytes) -> bytes:
    """Every block behind the headers has another checksum."""
    content = bytearray(good)
    for place in range(12_288, len(good), 4096):
        content[place + 100] ^= 255
    return bytes(content)


BOOKS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda good: b"",
    "junk": lambda good: b"junk" * 3000,
    "cut": lambda good: good[:20_000],
    "altered": altered,
    "other-version": lambda good: good[:12] + bytes([250]) + good[13:],
}


def test_a_book_that_cannot_be_used_is_made_anew_without_a_word(
    fleet: Callable[[list[str]], Fleet],
) -> None:
    alone = fleet(["alone"])
    assert alone.command("apply").returncode == 0
    path = alone.data("alone") / "cache.duckdb"
    for number, (kind, spoil) in enumerate(BOOKS.items(), 1):
        path.write_bytes(spoil(path.read_bytes()))
        add_customer(alone, "alone", f"N{number}")
        done = alone.command("apply")
        assert (done.returncode, done.stderr) == (0, ""), kind
        new = [f"N{one}" for one in range(1, number + 1)]
        assert alone.sent("alone") == ["C", "I", *new], kind
    done = alone.command("plan", "--detailed-exitcode")
    assert (done.returncode, done.stderr) == (0, "")


RAISED: dict[str, tuple[Callable[[], Exception], int, str]] = {
    "memory": (MemoryError, 6, "not enough memory"),
    "recursion": (
        *(lambda: RecursionError("maximum recursion depth exceeded"), 1),
        "a defect of headrace, Recursion",
    ),
    "key": (lambda: KeyError("what can't be"), 1, "a defect of headrace, KeyError"),
    "full": (lambda: OSError(28, "No space left on device"), 6, "the disk is full"),
    "read-only": (lambda: OSError(30, "Read-only file system"), 6, "can't be opened or written"),
}
"""What each organisation raises, its exit code and what is said."""


@pytest.fixture
def raising(
    fleet: Callable[[list[str]], Fleet], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    """Organisations that raise what they are named after, between two that do not."""
    rebuild = Organisation.rebuild

    def failing(self: Organisation, whole: bool = False) -> None:
        if self.name in RAISED:
            raise RAISED[self.name][0]()
        rebuild(self, whole)

    made = fleet(["good", *RAISED, "other"])
    monkeypatch.setattr(Organisation, "rebuild", failing)
    yield made


def test_what_cannot_be_is_one_line_and_its_traceback_is_in_the_log(raising: Fleet) -> None:
    log = raising.folder / ".headrace" / "headrace.log"
    defects = [name for name, (_, code, _) in RAISED.items() if code == 1]
    for number, words in enumerate((("apply",), ("run", "--once"), ("check",), ("reconcile",))):
        for name in FINE:
            add_customer(raising, name, f"N{number}")
        log.unlink(missing_ok=True)
        done = raising.command(*words)
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        for name, (_, code, said) in RAISED.items():
            lines = lines_about(name, done)
            assert len(lines) == 1 and said in lines[0], (words, name, lines)
            assert (str(log) in lines[0]) == (code == 1), (words, name, lines)
        text = log.read_text(encoding="utf-8")
        entries = [line.split()[-1] for line in text.splitlines() if line.startswith("20")]
        assert sorted(entries) == sorted(defects), (words, text)
        for name in defects:
            assert f" {name}\nTraceback" in text, (words, name)
        assert text.count("in failing") == len(defects), (words, text)
        assert log.stat().st_mode & 0o777 == 0o600
        if words[0] in ("apply", "run"):
            for name in FINE:
                assert f"N{number}" in raising.sent(name), (words, name)


def test_what_cannot_be_has_the_exit_code_of_its_kind(raising: Fleet) -> None:
    one_of_each_code = ("memory", "key")
    for words, names in (
        (("apply",), tuple(RAISED)),
        (("run", "--once"), one_of_each_code),
        (("check",), one_of_each_code),
        (("reconcile",), one_of_each_code),
    ):
        for name in names:
            _, code, said = RAISED[name]
            done = raising.command(*words, "-o", name)
            assert done.returncode == code, (words, name, done.stdout, done.stderr)
            assert said in done.stdout + done.stderr, (words, name)
            assert "Traceback" not in done.stdout + done.stderr, (words, name)


def test_organisations_are_chosen_by_names_and_patterns(
    fleet: Callable[[list[str]], Fleet],
) -> None:
    shops = fleet(["shop1", "shop2", "depot", "till"])
    assert set(shops.told("apply", "-o", "shop*", "-o", "till")) == {"shop1", "shop2", "till"}
    assert shops.sent("depot") == []
    assert set(shops.told("status", "-o", "shop*")) == {"shop1", "shop2"}
    none = shops.command("plan", "-o", "shop*", "-o", "shup1")
    assert none.returncode == 6 and "Did you mean shop1?" in none.stderr
    one = shops.command("adopt", "-o", "shop*")
    assert one.returncode == 6 and "shop* matches several" in one.stderr
    assert "shop1, shop2" in one.stderr and "depot" not in one.stderr
    assert shops.command("rejects", "list", "-o", "dep*").returncode == 0


def test_a_running_loop_takes_up_what_changes_in_the_file(
    fleet: Callable[..., Fleet],
) -> None:
    shops = fleet(["first", "second"], every="1s")
    command = shops.start("run")
    wait_for(lambda: "I" in shops.sent("first") and "I" in shops.sent("second"), command)
    shops.add("third")
    wait_for(lambda: "I" in shops.sent("third"), command)
    text = shops.toml.read_text(encoding="utf-8")
    shops.toml.write_text(text + "what is this", encoding="utf-8")
    shops.execute("first", "insert into customers(external_id, name) values ('N', 'New')")
    wait_for(lambda: "N" in shops.sent("first"), command)
    shops.toml.write_text(text, encoding="utf-8")
    shops.remove("second")
    shops.add("fourth")  # once it is there, the removal was seen too
    wait_for(lambda: "I" in shops.sent("fourth"), command)
    shops.execute("second", "insert into customers(external_id, name) values ('N', 'New')")
    key = shops.folder / "keys" / "third.key"
    good = key.read_text(encoding="utf-8")
    key.unlink()
    shops.execute("third", "insert into customers(external_id, name) values ('N', 'New')")
    shops.execute("first", "insert into customers(external_id, name) values ('O', 'New')")
    wait_for(lambda: "O" in shops.sent("first"), command)
    key.write_text(good, encoding="utf-8")
    wait_for(lambda: "N" in shops.sent("third"), command)
    command.process.terminate()
    done = command.communicated(timeout=30)
    assert done.returncode == 0
    assert done.stderr.count("is not valid TOML") == 1 and "last valid version" in done.stderr
    assert shops.sent("second") == ["C", "I"]


def wait_for(reached: Callable[[], Any], command: Command) -> None:
    headrace_waits = 600  # looks of a twentieth of a second each
    for _ in range(headrace_waits):
        if reached():
            return
        assert command.process.poll() is None, "it ended"
        try:
            command.process.wait(0.05)
        except Exception:
            continue
    raise AssertionError("it never came")


def test_only_so_many_are_open_and_the_longest_overdue_is_next(
    fleet: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    six = fleet(["a", "b", "c", "d", "e", "f"])
    text = six.toml.read_text(encoding="utf-8")
    six.toml.write_text("at_once = 2\n" + text, encoding="utf-8")
    for age, name in enumerate(["d", "a", "f", "c", "b"]):  # e was never looked at
        six.data(name).mkdir(parents=True)
        cache = six.data(name) / "cache.duckdb"
        cache.write_bytes(b"")
        os.utime(cache, (1_000_000 + age, 1_000_000 + age))
    opened: list[str] = []
    at_a_time: list[int] = []
    now: set[str] = set()
    start, end = Organisation.__init__, Organisation.close

    def starting(self: Organisation, name: str, *given: Any) -> None:
        opened.append(name)
        now.add(name)
        at_a_time.append(len(now))
        start(self, name, *given)

    def ending(self: Organisation) -> None:
        end(self)
        now.discard(self.name)

    monkeypatch.setattr(Organisation, "__init__", starting)
    monkeypatch.setattr(Organisation, "close", ending)
    assert six.command("run", "--once").returncode == 0
    assert max(at_a_time) == 2 and not now
    # Two that start together may open in either order.
    order = ["e", "d", "a", "f", "c", "b"]
    assert all(abs(opened.index(name) - place) <= 1 for place, name in enumerate(order)), opened


def test_a_long_import_gives_its_place_to_those_that_wait(tmp_path: Path) -> None:
    # Five requests at a time: it takes 1.8 s.
    with hub(limits="off", latency=0.03) as slow:
        two = Fleet(tmp_path / "fleet", slow, ["long", "short"], "slices")
        text = two.toml.read_text(encoding="utf-8")
        sliced = text.replace("\nlong = {", '\nlong = { slice = "1s",')
        assert sliced != text
        two.toml.write_text("at_once = 1\n" + sliced, encoding="utf-8")
        two.execute(
            "long",
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300) "
            "insert into customers(external_id, name) select 'N' || i, 'N' from n",
        )
        done = two.command("run", "--once")
        sent = two.sent("long")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if " long: " in line or " short: " in line]
    (place,) = [number for number, line in enumerate(lines) if " short: " in line]
    assert place < len(lines) - 1, "it did not wait for the whole import"
    assert len(sent) == 302


def test_status_tells_the_truth_of_each_with_trouble_first(three: Fleet) -> None:
    lose_source(three, "hurt")
    three.command("run", "--once")
    told = three.told("status")
    assert list(told) == ["hurt", "good", "other"]
    hurt, good = told["hurt"]["standing"], told["good"]["standing"]
    assert hurt["state"] == "failed" and "hurt.db" in hurt["trouble"]
    assert hurt["trouble"] == hurt["last_failure_message"]
    assert hurt["last_success"] < hurt["last_failure"] < hurt["next_round"]
    assert hurt["next_round"] == pytest.approx(hurt["last_failure"] + 3600)
    assert good["state"] == "in step" and good["last_failure"] is None and good["pending"] == 0
    (three.folder / "elsewhere.db").rename(three.folder / "hurt.db")
    assert three.told("status")["hurt"]["standing"]["trouble"], "no round has gone well since"
    three.command("run", "--once")
    after = three.told("status")["hurt"]["standing"]
    assert (after["state"], after["trouble"]) == ("in step", "")
    assert after["last_success"] > after["last_failure"] == hurt["last_failure"]


def test_status_counts_what_is_refused_and_knows_who_was_never_synced(
    fleet: Callable[..., Fleet],
) -> None:
    three = fleet(THREE)
    three.execute("hurt", f"update customers set name = '{'x' * 10_001}'")
    assert three.command("apply", "-o", "good", "-o", "hurt").returncode == 4
    done = three.command("status")
    first, *lines = done.stdout.splitlines()
    assert first == (
        "3 organisations: 1 behind, 1 new, 1 in step; 1 operation pending, 1 record refused"
    )
    assert lines[0] == "hurt: behind" and "1 refused" in lines[1]
    assert lines[2] == "other: new" and "last success never" in lines[3]


def test_a_source_that_is_missing_is_told_before_any_round(three: Fleet) -> None:
    lose_source(three, "hurt")
    assert "hurt: failed: There is no SQLite file" in three.command("status").stdout
    lose_key(three, "hurt")
    assert "hurt: failed: [organisation.hurt] target.key is read from" in (
        three.command("status", "-o", "hurt").stdout
    )
