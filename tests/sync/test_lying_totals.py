"""Lists whose total lies: what is there is read, whatever a server says how much there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from desk import HubDesk
from pair import Pair
from rewound import Rewound

from headrace.client.answer import Answer
from headrace.client.endpoints import Reader
from headrace.client.pace import Pace
from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import CUSTOMER, PAYMENT
from headrace.model.errors import NotTheApi
from headrace.sync.collection.collected import Lists
from headrace.sync.journal import Journal

JSON = {"content-type": "application/json"}


class Shelf:
    """A list of so many records, cut into pages of at most `cut`, and the total that it claims."""

    def __init__(self, count: int, cut: int, total: Callable[[int], int]) -> None:
        self._items = [{"id": f"{n}", "currency": "EUR", "amount": n} for n in range(count)]
        self._cut = cut
        self._total = total
        self.asked = 0
        self.deaf = False
        """Whether it gives its first page whatever page is asked for."""

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        self.asked += 1
        given = {name: int(value[0]) for name, value in parse_qs(urlsplit(path).query).items()}
        start = 0 if self.deaf else given["offset"]
        page = self._items[start : start + min(given["limit"], self._cut)]
        found = {"customers": page, "items": page, "total": self._total(len(self._items))}
        return Answer(200, JSON, msgspec.json.encode(found))

    def reader(self) -> Reader:
        pace = Pace(10**6, 5, SYSTEM_CLOCK)
        return Reader(self, pace, SYSTEM_CLOCK, lambda: None)  # type: ignore[arg-type]


TOTALS: dict[str, Callable[[int], int]] = {
    "none": lambda count: 0,
    "one": lambda count: 1,
    "half": lambda count: count // 2,
    "one too few": lambda count: max(0, count - 1),
    "right": lambda count: count,
    "twice": lambda count: 2 * count,
    "a billion": lambda count: 10**9,
}


@pytest.mark.parametrize("count", [0, 1, 49, 50, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("cut", [50, 200, 1000])
@pytest.mark.parametrize("total", TOTALS)
def test_a_walk_reads_all_that_is_there(count: int, cut: int, total: str) -> None:
    shelf = Shelf(count, cut, TOTALS[total])

    async def read() -> list[str]:
        pages = shelf.reader().pages(CUSTOMER)
        return [item["id"] async for page in pages for item in page]

    assert asyncio.run(read()) == [str(n) for n in range(count)]
    assert shelf.asked <= count // (cut - 1) + 3


def test_a_short_list_is_read_by_one_request() -> None:
    shelf = Shelf(49, 1000, TOTALS["right"])

    async def read() -> int:
        return sum([len(page) async for page in shelf.reader().pages(CUSTOMER)])

    assert asyncio.run(read()) == 49 and shelf.asked == 1


@pytest.mark.parametrize("total", ["right", "twice"])
def test_an_endpoint_that_knows_no_pages_is_read_once(total: str) -> None:
    shelf = Shelf(60, 1000, TOTALS[total])
    shelf.deaf = True

    async def read() -> int:
        return sum([len(page) async for page in shelf.reader().pages(CUSTOMER)])

    assert asyncio.run(read()) == 60 and shelf.asked <= 3


@pytest.mark.parametrize("walk", ["pages", "collected"])
def test_a_list_that_goes_in_circles_is_given_up(tmp_path: Path, walk: str) -> None:
    shelf = Shelf(60, 1000, TOTALS["a billion"])
    shelf.deaf = True

    async def read() -> None:
        if walk == "collected":
            journal = Journal(tmp_path / "journal.db", SYSTEM_CLOCK)
            await Lists(journal, shelf.reader()).look(PAYMENT)
        async for _ in shelf.reader().pages(PAYMENT):
            pass

    with pytest.raises(NotTheApi, match=r"GET /payments does not end: 60 records"):
        asyncio.run(read())
    assert shelf.asked < 150


@pytest.mark.parametrize("total", TOTALS)
def test_what_was_collected_is_found_whatever_the_total(tmp_path: Path, total: str) -> None:
    shelf = Shelf(1200, 500, TOTALS[total])
    lists = Lists(Journal(tmp_path / "journal.db", SYSTEM_CLOCK), shelf.reader())
    known = asyncio.run(lists.look(PAYMENT))
    assert len(known.records) == 1200


# whole commands, against the hub with pages of fifty and totals that lie -------------------------


@pytest.fixture(scope="module")
def long_lists(shared_pair: Pair) -> Rewound:
    """A hub that holds 120 invoices and payments of the source, and behind them a payment that was
    collected."""
    pair = shared_pair
    pair.desk.post("/customers", {"externalId": "Z", "name": "Others'"})
    collected = {"currency": "EUR", "amount": 7, "validatedAt": "2026-05-05"}
    pair.desk.post("/payments", {**collected, "customer": {"externalId": "Z"}})
    pair.shop.customer("A")
    for n in range(120):
        pair.shop.invoice(f"I{n}", "A", 100)
        pair.shop.payment(f"P{n}", "A", 40, {f"I{n}": 40})
    pair.desk.apply()
    return Rewound(pair.desk)


@pytest.fixture
def lying(long_lists: Rewound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The same hub, which says of each list that it has ten."""
    send = HttpTransport.send

    async def shortened(self: HttpTransport, method: str, path: str, *rest: Any) -> Answer:
        for cap in (500, 1000):
            path = path.replace(f"limit={cap}", "limit=50")
        answer = await send(self, method, path, *rest)
        if method != "GET" or "offset" not in path or answer.status != 200:
            return answer
        said = msgspec.json.decode(answer.body) | {"total": 10}
        return Answer(answer.status, answer.headers, msgspec.json.encode(said))

    monkeypatch.setattr(HttpTransport, "send", shortened)
    with long_lists.pair(tmp_path / "shop") as pair:
        yield pair


@asynccontextmanager
async def prepared(desk: HubDesk) -> AsyncIterator[Any]:
    with desk.open() as organisation:
        await organisation.prepare()
        organisation.plan()
        yield organisation


def test_drift_and_reconcile_compare_everything(lying: Pair) -> None:
    lying.desk.request("DELETE", "/payments/external:P119")
    lying.desk.request("DELETE", "/payments/external:P3")

    async def both() -> tuple[Any, Any]:
        async with prepared(lying.desk) as organisation:
            return await organisation.remote.drift(), await organisation.remote.reconcile()

    drift, proof = asyncio.run(both())
    assert drift.compared == 239 and len(drift.gone) == 2
    (customer,) = proof.differences
    assert customer.customer == "A" and proof.looked_up <= 4


def test_an_adoption_knows_everything_again(lying: Pair) -> None:
    (lying.desk.folder / ".headrace" / "shop" / "journal.db").unlink()
    done = lying.desk.command("adopt", "--write")
    assert done.returncode == 0, done.stderr
    assert lying.desk.plan().empty


def test_what_was_collected_before_all_others_is_listed(lying: Pair) -> None:
    done = lying.desk.command("collected", "--json")
    assert done.returncode == 0, done.stderr
    assert '"amount":7' in done.stdout.replace(" ", "")
