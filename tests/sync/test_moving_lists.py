"""Lists that move while they are read: nobody is accused wrongly, missed or counted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desk import HubDesk
from pair import Pair
from rewound import Rewound

from headrace.client.answer import Answer
from headrace.client.endpoints import Reader
from headrace.client.pace import Pace
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, REFUND, Entity
from headrace.sync.remote import recheck as second_look
from headrace.sync.remote.drift import DriftReport
from headrace.sync.remote.proof import Reconciled

ENTITIES = (CUSTOMER, INVOICE, CREDIT_NOTE, PAYMENT, REFUND)
DAY = "2026-05-05"


class Direct:
    """A transport to the hub, with pages so small that lists have many."""

    def __init__(self, desk: HubDesk, cap: int, between: Callable[[str], None]) -> None:
        self.desk = desk
        self.cap = cap
        self.between = between

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        for entity in ENTITIES:
            path = path.replace(f"limit={entity.page_cap}", f"limit={self.cap}")
        self.between(path)
        answer = self.desk.get(path)
        return Answer(200, {"content-type": "application/json"}, msgspec.json.encode(answer))


def small(entity: Entity, cap: int) -> Entity:
    return msgspec.structs.replace(entity, page_cap=cap)


def reader(desk: HubDesk, between: Callable[[str], None], cap: int = 5) -> Reader:
    return Reader(
        Direct(desk, cap, between),  # type: ignore[arg-type]
        Pace(10**6, 1, SYSTEM_CLOCK),
        SYSTEM_CLOCK,
        lambda: None,
    )


async def gathered(reader: Reader, entity: Entity) -> list[str]:
    return [item["externalId"] async for page in reader.pages(entity) for item in page]


def stranger(desk: HubDesk, name: str, customer: str = "Z") -> None:
    """An invoice that somebody makes in the API."""
    desk.post(
        "/invoices",
        {
            "externalId": name,
            "customId": name,
            "issuedAt": DAY,
            "dueDate": DAY,
            "currency": "EUR",
            "grossAmount": 100,
            "netAmount": 100,
            "customer": {"externalId": customer},
        },
    )


def _filled(pair: Pair) -> None:
    """Thirty invoices of the source beside those of a customer whom others keep."""
    pair.desk.post("/customers", {"externalId": "Z", "name": "Others'"})
    pair.shop.customer("A")
    for n in range(30):
        pair.shop.invoice(f"I{n}", "A", 100)
        pair.shop.payment(f"P{n}", "A", 40, {f"I{n}": 40})
    pair.desk.apply()


@pytest.fixture(scope="module")
def in_step(shared_pair: Pair) -> Rewound:
    _filled(shared_pair)
    return Rewound(shared_pair.desk)


@pytest.fixture
def books(in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with in_step.pair(tmp_path / "shop") as pair:
        yield pair


_THEIRS = [f"X{n}" for n in range(20)]


@pytest.fixture(scope="module")
def beside_others(in_step: Rewound, tmp_path_factory: pytest.TempPathFactory) -> Rewound:
    """The same with twenty invoices of others."""
    desk = in_step.again(tmp_path_factory.mktemp("others") / "shop")
    for name in _THEIRS:
        stranger(desk, name)
    return Rewound(desk)


@pytest.mark.parametrize("seed", range(8))
def test_every_record_that_stays_is_read_once_whatever_comes_and_goes(
    beside_others: Rewound, tmp_path: Path, seed: int
) -> None:
    desk = beside_others.again(tmp_path / "shop")
    chance = random.Random(seed)
    theirs = list(_THEIRS)
    new = 0

    def write(path: str) -> None:
        nonlocal new
        if "offset" not in path:
            return
        for _ in range(chance.randint(0, 7)):
            if theirs and chance.random() < 0.6:
                name = theirs.pop(chance.randrange(len(theirs)))
                desk.request("DELETE", f"/invoices/external:{name}")
            else:
                stranger(desk, f"N{new}")
                new += 1

    got = asyncio.run(gathered(reader(desk, write), small(INVOICE, 5)))
    assert len(got) == len(set(got))
    assert {f"I{n}" for n in range(30)} <= set(got)


class Writer:
    """Deletes and adds invoices and payments of its own customer while others read."""

    def __init__(self, desk: HubDesk, seed: int) -> None:
        self._desk = desk
        self._chance = random.Random(seed)
        self._there: list[str] = []
        self._made = 0
        self.writes = 0
        self._wrote: asyncio.Event | None = None

    def fill(self, count: int) -> None:
        for _ in range(count):
            self._add()

    def clear(self) -> None:
        while self._there:
            self._remove()

    def _add(self) -> None:
        name = f"X{self._made}"
        self._made += 1
        stranger(self._desk, name)
        self._there.append(name)

    def _remove(self) -> None:
        name = self._there.pop(self._chance.randrange(len(self._there)))
        self._desk.request("DELETE", f"/invoices/external:{name}")

    async def work(self, until: asyncio.Event) -> None:
        self._wrote = asyncio.Event()
        while not until.is_set():
            change = self._remove if self._there and self._chance.random() < 0.6 else self._add
            await asyncio.to_thread(change)
            self.writes += 1
            self._wrote.set()
        self._wrote = None

    async def wrote(self) -> None:
        """Wait for another write, if it is at work."""
        if self._wrote is not None:
            self._wrote.clear()
            await self._wrote.wait()


def small_pages(monkeypatch: pytest.MonkeyPatch, writer: Writer) -> None:
    """Lists of many pages, between any two of which the writer writes."""
    pages = Reader.pages

    async def few(self: Reader, entity: Entity, *rest: Any) -> Any:
        async for page in pages(self, small(entity, 5), *rest):
            yield page
            await writer.wrote()

    monkeypatch.setattr(Reader, "pages", few)


def under_writes(
    books: Pair, writer: Writer, read: Callable[[Any], Awaitable[Any]], prepare: bool = True
) -> Any:
    """What `read` gives while the writer is at work."""

    async def both(organisation: Any) -> Any:
        until = asyncio.Event()
        at_work = asyncio.create_task(writer.work(until))
        try:
            return await read(organisation)
        finally:
            until.set()
            await at_work

    with books.desk.open() as organisation:
        asyncio.run(organisation.prepare())
        organisation.plan()
        return asyncio.run(both(organisation))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_a_proof_under_constant_writes_accuses_nobody_but_the_writer(
    books: Pair, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    writer = Writer(books.desk, seed)
    small_pages(monkeypatch, writer)
    writer.fill(30)
    proof: Reconciled = under_writes(books, writer, lambda one: one.remote.reconcile())
    assert writer.writes > 5
    assert {one.customer for one in proof.differences} <= {"Z"}
    assert {one.customer for one in proof.statements} <= {"Z"}
    (total,) = proof.totals
    assert total.book == 30 * 60
    writer.clear()
    assert books.desk.reconcile().balanced


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_drift_under_constant_writes_accuses_nobody(
    books: Pair, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    writer = Writer(books.desk, seed)
    small_pages(monkeypatch, writer)
    writer.fill(30)
    report: DriftReport = under_writes(books, writer, lambda one: one.remote.drift())
    assert writer.writes > 5
    assert report.empty, (report.drifted, report.gone)
    assert report.compared == 1 + 30 + 30


def test_what_a_list_left_out_is_looked_up_before_it_is_accused(
    books: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Reader.pages

    async def lossy(self: Reader, entity: Entity, *rest: Any) -> Any:
        async for page in pages(self, entity, *rest):
            yield [one for one in page if one.get("externalId") not in ("A", "I7", "P7")]

    monkeypatch.setattr(Reader, "pages", lossy)
    proof = books.desk.reconcile()
    assert proof.balanced, (proof.differences, proof.statements)
    assert proof.looked_up >= 2 and proof.not_looked_up == 0
    with books.desk.open() as organisation:
        asyncio.run(organisation.prepare())
        report = asyncio.run(organisation.remote.drift())
    assert report.empty and report.compared == 61


def test_what_changed_behind_the_reader_is_read_again(
    books: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Reader.pages

    async def stale(self: Reader, entity: Entity, *rest: Any) -> Any:
        async for page in pages(self, entity, *rest):
            for one in page:
                if one.get("externalId") == "I3":
                    one["amountOutstanding"], one["state"] = 0, "PAID"
            yield page

    monkeypatch.setattr(Reader, "pages", stale)
    assert books.desk.reconcile().balanced


def test_what_was_not_looked_up_is_counted(books: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_look, "LOOK_UPS", 4)
    for n in range(6):
        books.desk.request("DELETE", f"/invoices/external:I{n}")
    proof = books.desk.reconcile()
    assert len(proof.differences[0].documents) == 12
    assert (proof.looked_up, proof.not_looked_up) == (4, 8)
    assert "8 differences not looked up one by one" in books.desk.command("reconcile").stdout
