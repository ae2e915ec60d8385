"""A round in which nothing moved costs no book, and nothing that moves is ever overlooked."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk
from shop import Shop
from watched import MovedClock

import headrace.sources.marks
from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.book.models.steady import are_steady
from headrace.fleet.project import load_project
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.sources.databases.sqlite import SqliteSource
from headrace.sources.files.folder import FileSource
from headrace.sources.marks import files_mark
from headrace.sync.session import LOOP

_MODEL = "select external_id, name from customers"


class Shops:
    """A shop at its desk, and how many books were opened."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        self.shop = shop
        self.desk = desk
        self.books = 0
        self.other: sqlite3.Connection | None = None
        self.number = 0

    def apply(self) -> int:
        """Books that it opened: none at rest."""
        before = self.books
        done = self.desk.command("apply")
        assert done.returncode == 0, done.stdout + done.stderr
        return self.books - before

    def leave_alone(self) -> None:
        """Closes the other connection; while it is open there is no rest."""
        if self.other is not None:
            self.other.close()
            self.other = None

    def prove(self) -> None:
        """By a plan to be saved, which always reads everything."""
        out = str(self.desk.folder / "proof.plan")
        done = self.desk.command("plan", "--detailed-exitcode", "--out", out)
        assert done.returncode == 0, done.stdout


@pytest.fixture
def shops(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shops]:
    # A file's own time cannot be set back, so that each round would have to wait for it.
    monkeypatch.setattr(headrace.sources.marks, "_SETTLED_S", 0.0)
    shop = Shop(tmp_path / "shop")
    for name in ("A", "B"):
        shop.customer(name)
        shop.invoice(f"I{name}", name, 1000)
    made = Shops(shop, new_desk(shop.folder))
    opened = Book.__init__

    def counted(*given: object) -> None:
        made.books += 1
        opened(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Book, "__init__", counted)
    yield made
    made.leave_alone()
    shop.close()


def test_the_first_apply_with_nothing_to_do_opens_no_book(shops: Shops) -> None:
    assert shops.apply() == 1
    assert [shops.apply() for _ in range(3)] == [0, 0, 0]
    assert len(shops.desk.writes()) == 4
    done = shops.desk.command("apply")
    assert "Nothing was sent: there was nothing to send." in done.stdout
    assert shops.desk.command("apply", "--force").returncode == 0
    assert shops.books == 2, "what is asked for specially is done"


def test_a_plan_at_rest_opens_no_book_and_says_the_same(shops: Shops) -> None:
    shops.shop.invoice("I3", "A", -5)
    assert [shops.desk.command("apply").returncode for _ in range(2)] == [3, 3]
    before = shops.books
    resting = shops.desk.command("plan", "--json")
    assert (resting.returncode, shops.books) == (3, before)
    read = shops.desk.command("plan", "--json", "--out", str(shops.desk.folder / "x.plan"))
    assert shops.books == before + 1
    assert [
        {**document, "id": "", "made_at": "", "latency": 0.0}
        for document in json.loads(resting.stdout)
    ] == [
        {**document, "id": "", "made_at": "", "latency": 0.0}
        for document in json.loads(read.stdout)
    ]
    assert "I3" in shops.desk.command("plan").stdout
    shops.shop.invoice("I4", "A", 500)
    assert shops.desk.command("plan", "--detailed-exitcode").returncode == 3
    assert shops.books == before + 2


def row(shops: Shops) -> None:
    shops.shop.run("update customers set name = name || '+' where external_id = 'A'")


def same_length(shops: Shops) -> None:
    shops.number += 1
    shops.shop.run(f"update customers set vat_number = '{shops.number:09}'")


def gone(shops: Shops) -> None:
    shops.number += 1
    shops.shop.customer(f"N{shops.number}")
    shops.shop.run("delete from invoices where external_id = 'IB'")


def by_another(shops: Shops) -> None:
    """In WAL mode, by a connection that stays open."""
    if shops.other is None:
        shops.other = sqlite3.connect(shops.shop.folder / "shop.db", isolation_level=None)
        shops.other.execute("pragma journal_mode = wal")
        shops.other.execute("pragma wal_autocheckpoint = 3")
    shops.other.execute("update customers set name = name || '-' where external_id = 'B'")


def restored(shops: Shops) -> None:
    """Another file in its place, with the times of the first."""
    shops.leave_alone()
    path = shops.shop.folder / "shop.db"
    times = path.stat()
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    database = sqlite3.connect(copy)
    with database:
        database.execute("update customers set name = 'restored ' || external_id")
    database.close()
    os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))
    shops.shop.close()
    copy.replace(path)
    shops.shop._db = sqlite3.connect(path, isolation_level=None)


def model(shops: Shops) -> None:
    folder = shops.shop.folder / "models"
    folder.mkdir(exist_ok=True)
    shops.number += 1
    for table in ("invoices",):
        (folder / f"{table}.sql").write_text(f"select * from {table}", encoding="utf-8")
    text = f"select external_id, name || ' {shops.number}' as name from customers"
    (folder / "customers.sql").write_text(text, encoding="utf-8")


def setting(shops: Shops) -> None:
    toml = shops.shop.folder / "headrace.toml"
    shops.number += 1
    toml.write_text(toml.read_text("utf-8") + f"claim_days = {shops.number % 300}\n", "utf-8")
    lines = toml.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("claim_days")]
    toml.write_text("\n".join([*kept, lines[-1]]) + "\n", "utf-8")


def drift(shops: Shops) -> None:
    """Somebody changes a record in the API, and it is to be mended."""
    shops.number += 1
    shops.desk.post("/customers", {"externalId": "A", "name": f"changed {shops.number}"})
    assert shops.desk.command("drift", "--repair").returncode == 0


def damage(shops: Shops) -> None:
    (shops.shop.folder / ".headrace" / "shop" / "cache.duckdb").write_bytes(b"")
    row(shops)


MOVES = [row, same_length, gone, by_another, restored, model, setting, drift, damage]


def test_what_moves_is_seen(shops: Shops) -> None:
    """Each move from a state of rest, and once more right behind."""
    for move in MOVES:
        shops.apply()
        assert shops.apply() == 0, f"no rest before {move.__name__}"
        for _ in range(2):
            move(shops)
            assert shops.apply() >= 1, f"{move.__name__} was overlooked"
        shops.leave_alone()
    shops.prove()


@pytest.mark.parametrize(
    "length", [8, pytest.param(600, marks=pytest.mark.soak, id="soak")], ids=str
)
def test_any_order_of_moves_is_seen(shops: Shops, length: int) -> None:
    chance = random.Random(7)
    toml = shops.shop.folder / "headrace.toml"
    # There are few records, so any share of them may change or go at once.
    toml.write_text(
        toml.read_text("utf-8") + "guards = { changes = 1.0, deletions = 1.0 }\n", "utf-8"
    )
    shops.apply()
    for _ in range(length):
        moves = chance.choices(MOVES, k=chance.choice([0, 0, 1, 1, 2]))
        for move in moves:
            move(shops)
        shops.apply()
        if moves:  # else all is as it was proved to be
            shops.prove()


def test_a_pdf_that_changes_beside_the_source_is_sent(
    tmp_path: Path, shops: Shops, new_desk: Callable[[Path], HubDesk]
) -> None:
    shops.shop.run("create table documents (entity, external_id, location)")
    shops.shop.run("insert into documents values ('invoice', 'IA', 'a.pdf')")
    pdf = shops.shop.folder / "a.pdf"
    pdf.write_bytes(b"%PDF-1.4 one\n%%EOF")
    shops.apply()
    shops.apply()
    assert shops.apply() == 0
    pdf.write_bytes(b"%PDF-1.4 two\n%%EOF")
    writes = len(shops.desk.writes())
    assert shops.apply() == 1
    assert len(shops.desk.writes()) == writes + 1


def test_at_every_sweep_all_is_read_again_whatever_was_read_in_between(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = shops.shop.folder / "headrace.toml"
    toml.write_text(toml.read_text("utf-8") + 'sweep = "1d"\n', "utf-8")
    for name, text in shops.desk.environment.items():
        monkeypatch.setenv(name, text)
    clock = MovedClock()

    def books_of_a_round(hours: float) -> int:
        """Of a round of the loop, so many hours later."""
        before = shops.books
        clock.added += hours * 3600
        project = load_project(shops.shop.folder)
        asyncio.run(sync_once(project, "shop", SyncOptions(command=LOOP), clock, Watcher()))
        return shops.books - before

    assert [books_of_a_round(hours) for hours in (0, 0, 18)] == [1, 0, 0]
    shops.shop.invoice("late", "A", 700)
    assert [books_of_a_round(hours) for hours in (1, 4)] == [1, 0]
    assert [books_of_a_round(hours) for hours in (2, 0, 22, 3)] == [1, 0, 0, 1]


def test_refused_records_are_looked_at_in_each_round(shops: Shops) -> None:
    shops.shop.run("update customers set name = ? where external_id = 'A'", "x" * 10_001)
    assert shops.desk.command("apply").returncode == 4
    before = shops.books
    assert shops.desk.command("apply").returncode == 4
    assert shops.books == before + 1


def test_a_file_that_was_just_written_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    written = path.stat().st_ctime
    assert files_mark([path], written + 1) is None
    assert files_mark([path], written + 3) is not None
    shop = Shop(tmp_path / "shop")
    source = SqliteSource(tmp_path / "shop" / "shop.db", {})
    later = (tmp_path / "shop" / "shop.db").stat().st_ctime + 3
    assert source.mark(later) is not None
    shop.run("create view today as select date('now') as day")
    later = (tmp_path / "shop" / "shop.db").stat().st_ctime + 3
    assert source.mark(later) is None, "a view may move by itself"
    shop.close()


def test_a_folder_shows_files_that_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("external_id,name\n1,One\n")
    source = FileSource(tmp_path, {})
    later = (tmp_path / "customers.csv").stat().st_ctime + 60
    first = source.mark(later)
    assert first and source.mark(later) == first
    (tmp_path / "invoices.csv").write_text("external_id\n1\n")
    second = source.mark(later)
    assert second not in (None, first)
    (tmp_path / "invoices.csv").unlink()
    assert source.mark(later) == first


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """An empty one, in which texts are only parsed."""
    with Book(tmp_path_factory.mktemp("steady") / "cache.duckdb") as opened:
        yield opened


@pytest.mark.parametrize(
    ("sql", "steady"),
    [
        (_MODEL, True),
        ("select external_id, strftime(d, '%Y') || year(d) || date_trunc('day', d) as name", True),
        ("select external_id, current_date::text as name", False),
        ("select external_id, CURRENT_TIMESTAMP::text as name", False),
        ("select external_id, now()::text as name", False),
        ("select external_id, today()::text as name", False),
        ("select external_id, age(d)::text as name", False),
        ("select external_id, uuid()::text as name", False),
        ("select external_id, random()::text as name", False),
        ("with x as (select random() as r) select external_id, r::text as name from x,", False),
        ("select external_id, name from (select * from customers using sample 1 rows)", False),
        ("select external_id, (select max(content) from read_text('x')) as name", False),
        ("select external_id, unnest([name]) as name", True),
        ("select external_id, uuid || age || now as name", True),  # columns of these names
        ("select external_id, current_user as name", False),
        ("select external_id, localtimestamp::text as name", False),
    ],
)
def test_models_that_look_at_the_clock_at_chance_or_at_files_are_told_from_others(
    tmp_path: Path, book: Book, sql: str, steady: bool
) -> None:
    whole = sql if "customers" in sql else f"{sql.rstrip(',')} from customers"
    if "from x," in sql:
        whole = f"{sql} customers"
    (tmp_path / "customers.sql").write_text(whole, encoding="utf-8")
    models = load_models(tmp_path, ["customers"])
    assert are_steady(book.connection, models) is steady
