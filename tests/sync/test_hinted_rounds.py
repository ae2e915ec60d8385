"""`headrace run`: hints start rounds, bursts fold into one, and books stay open between rounds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from desk import HubDesk
from shop import Shop

from fleet import Fleet
from headrace.book.book import Book
from headrace.fleet.loop import Loop
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.turn import Turn
from headrace.fleet.watch import WatchedProject
from headrace.model.clock import SYSTEM_CLOCK, Clock, SystemClock
from headrace.testkit.hub import RunningHub

_PATIENCE_S = 30.0


class Rounds:
    """The rounds of a loop so far."""

    def __init__(self) -> None:
        self.all: list[Round] = []
        self._came = asyncio.Event()

    def __call__(self, round: Round) -> None:
        self.all.append(round)
        self._came.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so after a round."""
        async with asyncio.timeout(_PATIENCE_S):
            while not reached():
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def running(folder: Path, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[tuple[Loop, Rounds]]:
    """A loop over a project, for the length of a `with`."""
    rounds = Rounds()
    loop = Loop(WatchedProject(folder, print), None, clock, rounds)
    task = asyncio.create_task(loop.run())
    try:
        yield loop, rounds
    finally:
        loop.stop()
        await task


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "shop", more='every = "1h"')
    made.customer("A")
    made.invoice("I1", "A", 1000)
    yield made
    made.close()


@pytest.fixture
def desk(
    shop: Shop, new_desk: Callable[[Path], HubDesk], monkeypatch: pytest.MonkeyPatch
) -> HubDesk:
    made = new_desk(shop.folder)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def sent(desk: HubDesk) -> list[str]:
    return [str(record.external_id) for record in desk.writes()]


def test_a_commit_is_sent_at_once_and_the_book_stays_open(
    shop: Shop, desk: HubDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = []
    opened = Book.__init__

    def counted(*given: object) -> None:
        books.append(given)
        opened(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Book, "__init__", counted)

    async def run() -> None:
        async with running(shop.folder) as (_, rounds):
            await rounds.until(lambda: "I1" in sent(desk))
            for name in ("I2", "I3", "I4"):
                shop.invoice(name, "A", 500)
                await rounds.until(lambda name=name: name in sent(desk))
            assert all(round.error is None for round in rounds.all)

    asyncio.run(run())
    assert len(books) == 1
    assert sent(desk) == ["A", "I1", "I2", "I3", "I4"]
    assert desk.plan().empty


def test_a_command_gets_the_organisation_that_the_loop_keeps_open(
    shop: Shop, desk: HubDesk
) -> None:
    async def run() -> None:
        async with running(shop.folder) as (_, rounds):
            await rounds.until(lambda: "I1" in sent(desk))
            await rounds.until(lambda: len(rounds.all) >= 1)
            done = await asyncio.to_thread(desk.command, "plan", "--out", str(shop.folder / "p"))
            assert done.returncode == 0, done.stdout + done.stderr
            shop.invoice("I2", "A", 500)
            await rounds.until(lambda: "I2" in sent(desk))

    asyncio.run(run())
    assert not list(shop.folder.rglob("wanted")) and not list(shop.folder.rglob("idle"))


class SlowRounds:
    """Rounds that end when the test says, in the place of the loop's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.go = asyncio.Semaphore(0)
        rounds = self

        async def run(turn: Turn, project: LoadedProject) -> Round:
            rounds.begun += 1
            await rounds.go.acquire()
            return Round(turn.name, None, None)

        monkeypatch.setattr(Turn, "run", run)


async def settled(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not check():
            await asyncio.sleep(0.01)


def test_a_burst_is_one_round_and_a_hint_during_a_round_starts_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, more='every = "1h"\nhints = "off"')

    async def run() -> None:
        slow = SlowRounds(monkeypatch)
        async with running(tmp_path) as (loop, rounds):
            await settled(lambda: slow.begun == 1)
            slow.go.release()
            await rounds.until(lambda: len(rounds.all) == 1)
            for _ in range(10):
                loop.hint("shop")
                loop.hint("nobody")
            await settled(lambda: slow.begun == 2)
            for _ in range(10):
                loop.hint("shop")
            slow.go.release()
            await settled(lambda: slow.begun == 3)
            slow.go.release()
            await rounds.until(lambda: len(rounds.all) == 3)
            # A third round of hints would have begun by now.
            loop.hint("shop")
            await settled(lambda: slow.begun == 4)
            slow.go.release()
            await rounds.until(lambda: len(rounds.all) == 4)
        assert slow.begun == 4

    asyncio.run(run())
    shop.close()


class Ahead(SystemClock):
    """A clock that jumps."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_a_change_does_not_wait_for_as_long_as_the_api_was_away(
    shop: Shop, desk: HubDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ahead()
    sent_all = Turn.ended

    async def after_ten_minutes(turn: Turn) -> None:
        await sent_all(turn)
        clock.ahead += 600

    monkeypatch.setattr(Turn, "ended", after_ten_minutes)

    async def run() -> None:
        async with running(shop.folder, clock) as (_, rounds):
            await rounds.until(lambda: "I1" in sent(desk))
            shop.invoice("I2", "A", 500)
            await rounds.until(lambda: "I2" in sent(desk))

    asyncio.run(run())


def test_no_more_books_are_open_than_the_setting_says(
    tmp_path: Path, open_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(tmp_path, open_hub, ["a", "b", "c"], "kept")
    fleet.toml.write_text("at_once = 2\n" + fleet.toml.read_text("utf-8"), "utf-8")
    monkeypatch.setenv("HEADRACE_URL", open_hub.url)
    most = 0
    now: set[int] = set()
    opened, closed = Book.__init__, Book.close

    def opening(book: Book, *given: object) -> None:
        nonlocal most
        opened(book, *given)  # type: ignore[arg-type]
        now.add(id(book))
        most = max(most, len(now))

    def closing(book: Book) -> None:
        closed(book)
        now.discard(id(book))

    monkeypatch.setattr(Book, "__init__", opening)
    monkeypatch.setattr(Book, "close", closing)

    async def run() -> None:
        async with running(tmp_path) as (_, rounds):
            await rounds.until(lambda: len(rounds.all) >= 3)
            for name in ("a", "b", "c", "a"):
                before = len(fleet.sent(name))
                fleet.execute(name, "update customers set name = name || '+'")
                await rounds.until(lambda: len(fleet.sent(name)) > before)  # noqa: B023
            assert len(now) == 2

    asyncio.run(run())
    assert most == 2 and not now
    with contextlib.suppress(FileNotFoundError):
        assert not list(tmp_path.rglob("idle"))
