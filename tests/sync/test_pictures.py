"""What a round keeps for the pages, and how pages read a book while a loop uses it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import threading
import time
import unittest.mock
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from desk import HubDesk
from rewound import Rewound
from shop import Shop

import headrace.sources.marks
from headrace.fleet import open_books
from headrace.fleet.loop import Loop
from headrace.fleet.open_books import OpenBooks
from headrace.fleet.picture import PICTURE, PROOF, Head, opened_picture, opened_proof
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.round import Round
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.fleet.watch import WatchedProject
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ApprovalNeeded, ConfigurationError, HeadraceError
from headrace.sync.dossier import Dossiers
from headrace.testkit.hub import RunningHub

_OPTIONS = SyncOptions(command="run", through=False, pictures=True)


class World:
    """A shop that is synced by rounds which keep pictures."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        self.shop = shop
        self.desk = desk
        self.data = shop.folder / ".headrace" / "shop"

    def round(self, options: SyncOptions = _OPTIONS, books: OpenBooks | None = None) -> None:
        """Sync once; raises what the round raises."""
        loaded = load_project(self.shop.folder)
        with unittest.mock.patch.dict(os.environ, self.desk.environment):
            asyncio.run(sync_once(loaded, "shop", options, SYSTEM_CLOCK, Watcher(), books))

    def waiting(self) -> None:
        """Sync once, which must end with a plan that waits."""
        with pytest.raises(ApprovalNeeded):
            self.round()

    def head(self) -> Head:
        with opened_picture(self.data) as picture:
            assert picture is not None
            return picture.head

    def set(self, more: str) -> None:
        """Add settings of the organisation."""
        file = self.shop.folder / "headrace.toml"
        file.write_text(f"{file.read_text('utf-8')}\n{more}\n", "utf-8")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    with closing(Shop(tmp_path_factory.mktemp("pictures") / "shop")) as shop:
        for name, amount in (("A", 100), ("B", 900)):
            shop.customer(name)
            shop.invoice(f"I{name}", name, amount)
        made = World(shop, HubDesk(shop.folder, open_hub, "pictures"))
        made.round()
    return Rewound(made.desk)


@pytest.fixture
def world(tmp_path: Path, delivered: Rewound) -> Iterator[World]:
    """Two customers, the larger debtor second by name, all delivered."""
    with delivered.pair(tmp_path / "shop") as pair:
        yield World(pair.shop, pair.desk)


def test_a_plan_that_waits_is_kept_whole_and_adds_up_what_customers_owe(world: World) -> None:
    world.set('approve = "always"\n[organisation.shop.guards]\namounts = 100')
    shop = world.shop
    shop.run("update invoices set gross_amount = 150, net_amount = 150 where external_id = 'IA'")
    shop.invoice("IB2", "B", 4_000)
    shop.payment("PB", "B", 1_000, {"IB": 900})
    shop.credit_note("NA", "A", 30, {"IA": 30})
    world.waiting()
    head = world.head()
    assert head.complete and head.id and head.requests == head.kept == 4
    (sums,) = head.outstanding
    assert sums.created == {"invoice": 4_000, "payment": -1_000, "credit_note": -30}
    assert (sums.updated, sums.deleted, sums.change) == (50, 0, 3_020)
    with opened_picture(world.data) as picture:
        assert picture is not None
        parts = picture.customers(0, 10)
        assert [(one.customer, one.change) for one in parts] == [
            ("B", {"EUR": 3_000}),
            ("A", {"EUR": 20}),
        ]
        assert picture.customers(1, 10) == parts[1:]
        changed = next(o for o in picture.operations("A", 0, 10) if o.action == "update")
        assert "gross amount: EUR 1.00 → EUR 1.50" in changed.lines
        assert picture.operation(changed.number) == changed
        assert len(picture.operations("B", 1, 10)) == 1
    assert (world.data / PICTURE).stat().st_mode & 0o077 == 0


def test_a_picture_is_replaced_when_the_plan_changes_and_only_then(world: World) -> None:
    world.set('approve = "always"')
    world.shop.invoice("I2", "A", 5)
    world.waiting()
    before, first = (world.data / PICTURE).stat().st_ino, world.head()
    world.waiting()
    assert (world.data / PICTURE).stat().st_ino == before
    world.shop.invoice("I3", "A", 5)
    world.waiting()
    second = world.head()
    assert (world.data / PICTURE).stat().st_ino != before
    assert (first.requests, second.requests) == (1, 2) and first.id != second.id
    world.shop.drop("invoices", "I2")
    world.shop.drop("invoices", "I3")
    world.round()
    assert world.head().requests == 0


def test_a_refused_plan_is_kept_with_what_is_wrong_and_deletions_count(world: World) -> None:
    for number in range(20):
        world.shop.invoice(f"M{number}", "A", 10)
    world.round()
    world.shop.run("delete from invoices where external_id like 'M%'")
    with pytest.raises(HeadraceError, match="Nothing was sent"):
        world.round()
    head = world.head()
    assert head.objections and not head.id and head.complete
    assert (head.outstanding[0].deleted, head.outstanding[0].change) == (-200, -200)


def test_what_can_not_be_known_is_counted_and_not_guessed(world: World) -> None:
    """The change of an amount without the earlier payload, and of a currency."""
    world.set('approve = "always"')
    shop = world.shop
    shop.run("update invoices set currency = 'USD' where external_id = 'IA'")
    world.waiting()
    (sums,) = world.head().outstanding
    assert (sums.currency, sums.change, sums.unknown) == ("USD", 0, 1)
    shop.run("update invoices set currency = 'EUR' where external_id = 'IA'")
    shop.run("update invoices set gross_amount = 7, net_amount = 7 where external_id = 'IB'")
    with closing(sqlite3.connect(world.data / "journal.db")) as database, database:
        database.execute("delete from payloads")
    world.waiting()
    (sums,) = world.head().outstanding
    assert (sums.currency, sums.change, sums.unknown) == ("EUR", 0, 1)


def test_what_is_withheld_is_kept_with_its_row_and_remedy(world: World) -> None:
    world.shop.run("update invoices set due_date = null where external_id = 'IA'")
    world.round()
    with opened_picture(world.data) as picture:
        assert picture is not None
        (stay,) = picture.stays(0, 10)
    assert (stay.kind, stay.external_id, stay.customer_name) == ("withheld", "IA", "Customer A")
    assert stay.reason == "has no due_date" and "correct the row" in stay.remedy
    assert stay.row["gross_amount"] == "100" and "due_date" not in stay.row


def test_a_disk_that_is_full_or_a_damaged_picture_ends_no_round(world: World) -> None:
    for content in (b"not a database", b""):
        (world.data / PICTURE).write_bytes(content)
        with opened_picture(world.data) as picture:
            assert picture is None
        assert not (world.data / PICTURE).exists()
    with closing(sqlite3.connect(world.data / PICTURE)) as database, database:
        database.execute("create table head (body blob)")
        database.execute("insert into head values (?)", (b'{"of": "another version"}',))
    world.shop.invoice("I2", "A", 5)
    world.round()
    assert world.head().requests == 1
    with unittest.mock.patch("sqlite3.connect", wraps=sqlite3.connect) as connect:
        connect.side_effect = lambda path, *rest, **named: (
            (_ for _ in ()).throw(sqlite3.OperationalError("database or disk is full"))
            if str(path).endswith(".new") and "picture" in str(path)
            else unittest.mock.DEFAULT
        )
        world.shop.invoice("I3", "A", 5)
        world.round()
    assert world.head().requests == 1
    assert not list(world.data.glob("picture.new"))


def test_a_reconciliation_is_kept_and_forgetting_deletes_all_pictures(world: World) -> None:
    world.desk.request("PUT", "/invoices/external:IB", {"grossAmount": 901, "netAmount": 901})
    assert world.desk.command("reconcile").returncode == 9
    with opened_proof(world.data) as picture:
        assert picture is not None and picture.count == 1
        assert picture.proof.totals[0].api == 1_001
        (difference,) = picture.differences(0, 10)
    assert (difference.customer, difference.book, difference.api) == ("B", 900, 901)
    done = world.desk.command("forget", "--customer", "B", "--yes")
    assert done.returncode == 0, done.stderr
    assert not (world.data / PICTURE).exists() and not (world.data / PROOF).exists()


def test_rounds_without_pages_keep_nothing(world: World) -> None:
    (world.data / PICTURE).unlink()
    world.shop.invoice("I2", "A", 5)
    world.round(SyncOptions(command="run", through=False))
    assert not (world.data / PICTURE).exists()


# the open book ---------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [0, 1], ids=["taken", "kept"])
def test_keys_that_are_gone_for_a_moment_lock_no_later_round_out(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    books = OpenBooks(SYSTEM_CLOCK)
    world.shop.invoice("I3", "A", 7)
    world.round(books=books)
    world.shop.invoice("I4", "A", 8)
    made_from, looks = open_books._made_from, itertools.count()

    def vanishing(project: LoadedProject, name: str) -> Any:
        if next(looks) == moment:
            raise ConfigurationError("the key is gone")
        return made_from(project, name)

    monkeypatch.setattr(open_books, "_made_from", vanishing)
    with suppress(ConfigurationError):
        world.round(books=books)
    assert next(looks) == moment + 1
    assert books.names == []
    world.round(books=books)  # opens it again
    assert books.names == ["shop"]
    books.close()


def test_a_round_waits_for_a_page_that_reads_and_a_page_for_no_round(world: World) -> None:
    books = OpenBooks(SYSTEM_CLOCK)
    world.shop.invoice("I2", "A", 5)
    world.round(books=books)
    order: list[str] = []
    with books.borrowed("shop", 1.0) as opened:
        assert opened is not None and opened.made is not None
        with books.borrowed("shop", 0.01) as second:
            assert second is None
        world.shop.invoice("I3", "A", 7)

        def round() -> None:
            world.round(books=books)
            order.append("round")

        thread = threading.Thread(target=round)
        thread.start()
        thread.join(0.5)
        with opened.book.connection.cursor() as cursor:
            one = Dossiers(opened, opened.made, cursor).read(("invoice", "I2"))
        assert one.known_to_api
        order.append("page")
    thread.join()
    assert order == ["page", "round"]
    books.close()
    with books.borrowed("shop", 0.01) as closed:
        assert closed is None


class Reading(Watcher):
    """Reads the book on another thread while a delivery is at work."""

    def __init__(self, books: OpenBooks) -> None:
        self.books = books
        self.seen: list[tuple[str, str | None]] = []

    def sending(self, progress: object, delivery: object) -> None:
        self.books.lend("shop")
        thread = threading.Thread(target=self._read)
        thread.start()
        thread.join()

    def _read(self) -> None:
        with self.books.borrowed("shop", 1.0) as opened:
            assert opened is not None and opened.made is not None
            with opened.book.connection.cursor() as cursor:
                one = Dossiers(opened, opened.made, cursor).read(("invoice", "I2"))
            self.seen.append((one.verdict, one.next))

    async def ended(self) -> None:
        self.books.reclaim("shop")


def test_a_page_reads_the_book_during_a_delivery(world: World) -> None:
    books = OpenBooks(SYSTEM_CLOCK)
    world.shop.invoice("I2", "A", 5)
    watcher = Reading(books)
    loaded = load_project(world.shop.folder)
    with unittest.mock.patch.dict(os.environ, world.desk.environment):
        asyncio.run(sync_once(loaded, "shop", _OPTIONS, SYSTEM_CLOCK, watcher, books))
    assert watcher.seen == [("the next apply sends it: create", "create")]
    with books.borrowed("shop", 1.0) as opened:
        assert opened is not None and opened.made is not None
        one = Dossiers(opened, opened.made).read(("invoice", "I2"))
    assert (one.next, one.known_to_api) == (None, True)
    books.close()


def test_a_plan_that_waits_leaves_its_book_open(world: World) -> None:
    world.set('approve = "always"')
    books = OpenBooks(SYSTEM_CLOCK)
    world.shop.invoice("I2", "A", 5)
    with pytest.raises(ApprovalNeeded):
        world.round(books=books)
    with books.borrowed("shop", 1.0) as opened:
        assert opened is not None and opened.made is not None
    books.close()


def test_a_page_lets_a_resting_organisation_open_its_book(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[Round] = []
    loop = Loop(
        WatchedProject(world.shop.folder, lambda sentence: None),
        None,
        SYSTEM_CLOCK,
        rounds.append,
        pictures=True,
    )

    async def run() -> bool:
        running = asyncio.create_task(loop.run())
        await _until(lambda: len(rounds) >= 1)
        books = loop.books
        assert books is not None
        before = "shop" in books.names
        loop.ask("shop", open_book=True)
        # A round that began before may end first.
        await _until(lambda: "shop" in books.names)
        loop.stop()
        await running
        return before

    monkeypatch.setattr(headrace.sources.marks, "_SETTLED_S", 0.0)
    world.shop.close()
    world.round()
    assert (world.data / "rest.json").exists()
    with unittest.mock.patch.dict(os.environ, world.desk.environment):
        assert asyncio.run(run()) is False


async def _until(true: object) -> None:
    assert callable(true)
    for _ in range(3_000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the loop did not get there")


# the command ------------------------------------------------------------------------------------


def test_the_command_serves_the_pages_and_says_where(world: World) -> None:
    command = world.desk.start("run", "--pages", "--metrics", "0")
    stderr = command.process.stderr
    assert stderr is not None
    line = stderr.readline().strip()
    address = line.removeprefix("pages, metrics and health at ")
    assert address.startswith("http://127.0.0.1:"), line
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=30) as got:
            assert got.status in (200, 503)
        for _ in range(600):
            with urllib.request.urlopen(address, timeout=30) as got:
                if "/organisations/shop" in got.read().decode():
                    break
            time.sleep(0.05)
        with urllib.request.urlopen(f"{address}/organisations/shop", timeout=30) as got:
            assert "Rounds" in got.read().decode()
    finally:
        command.process.send_signal(signal.SIGTERM)
        done = command.communicated()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('people = { anna = "env:NOBODY_SET_THIS" }', "NOBODY_SET_THIS, which is not set"),
        ('people = { anna = "env:HEADRACE_SHORT" }', "a secret has at least 12 characters"),
        ('hosts = ["sync.example.com"]', "[run.people] has to name who may sign in"),
        ('listen = "no address"', "is no address"),
    ],
    ids=["unset", "short", "hosts alone", "address"],
)
def test_the_command_refuses_pages_that_are_not_safe(
    world: World, settings: str, said: str
) -> None:
    world.desk.environment["HEADRACE_SHORT"] = "short"
    world.set(f"[run]\npages = true\n{settings}")
    done = world.desk.command("run", "--once")
    assert done.returncode == 6 and said in done.stderr, done.stderr
