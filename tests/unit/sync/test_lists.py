"""What Upflow collected is found in lists that grow and shrink, with few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlparse

import msgspec
import pytest

from headrace.client.answer import Answer
from headrace.client.endpoints import Reader
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import PAYMENT, Entity
from headrace.model.errors import Refused
from headrace.sync.collection.collected import Lists
from headrace.sync.journal import Journal


class Api:
    """A list of payments, newest first unless told, and what is read of it."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.made = 0
        self.paths: list[str] = []
        self.newest_first = True
        self.between: list[Any] = []
        """What happens after each page."""

    def add(self, count: int, external: bool = True) -> None:
        for _ in range(count):
            number, self.made = self.made, self.made + 1
            self.items.append(
                {
                    "id": f"id{number:06d}",
                    "externalId": f"P{number}" if external else None,
                    "createdAt": f"2026-01-01T00:00:{number:06d}",
                    "amount": number,
                    "currency": "EUR",
                    "validatedAt": "2026-05-05",
                }
            )

    async def get(self, path: str) -> Answer:
        self.paths.append(path)
        url = urlparse(path)
        if not url.query:
            id = url.path.rpartition("/")[2]
            found = [item for item in self.items if item["id"] == id]
            if not found:
                raise Refused(404, "gone")
            return _answer(found[0])
        given = {name: int(value[0]) for name, value in parse_qs(url.query).items()}
        order = self.items[::-1] if self.newest_first else self.items
        page = order[given["offset"] : given["offset"] + given["limit"]]
        answer = _answer({"items": page, "total": len(self.items)})
        if self.between:
            self.between.pop(0)()
        return answer

    async def find(self, path: str, entity: Entity) -> dict[str, Any] | None:
        try:
            return (await self.get(path)).object()
        except Refused:
            return None


def _answer(document: Any) -> Answer:
    return Answer(200, {"content-type": "application/json"}, msgspec.json.encode(document))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.api = Api()
        self.journal = Journal(folder / "journal.db", SYSTEM_CLOCK)

    def look(self) -> tuple[list[str], int]:
        """Ids that are collected now, and how many requests it took."""
        before = len(self.api.paths)
        lists = Lists(self.journal, cast(Reader, self.api))
        known = asyncio.run(lists.look(PAYMENT))
        return sorted(known.records), len(self.api.paths) - before


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.journal.close()


def test_only_what_is_new_is_read(bench: Bench) -> None:
    bench.api.add(1300)
    bench.api.add(1, external=False)
    assert bench.look() == (["id001300"], 3)
    assert bench.look() == (["id001300"], 1)
    bench.api.add(600)
    bench.api.add(2, external=False)
    assert bench.look() == (["id001300", "id001901", "id001902"], 2)


def test_what_was_deleted_or_named_is_no_reason_to_read_everything(bench: Bench) -> None:
    bench.api.add(1300)
    bench.api.add(3, external=False)
    bench.look()
    bench.api.items[1302]["externalId"] = "P1302"
    del bench.api.items[5:25]
    bench.api.add(4)
    assert bench.look() == (["id001300", "id001301"], 1)


def test_a_list_that_is_not_the_newest_first_is_read_to_its_end(bench: Bench) -> None:
    bench.api.newest_first = False
    bench.api.add(1300)
    assert bench.look() == ([], 3)
    bench.api.add(1, external=False)
    found, requests = bench.look()
    assert found == ["id001300"] and requests >= 3


def test_when_all_that_was_known_is_deleted_the_list_is_read_again(bench: Bench) -> None:
    bench.api.add(200)
    bench.api.add(1, external=False)
    bench.look()
    bench.api.items.clear()
    bench.api.add(3, external=False)
    assert bench.look()[0] == ["id000201", "id000202", "id000203"]


def test_a_deletion_between_two_pages_hides_nothing(bench: Bench) -> None:
    bench.api.add(1200)
    bench.api.items[700]["externalId"] = None  # the first of the second page, newest first
    bench.api.items[699]["externalId"] = None
    bench.api.between = [lambda: bench.api.items.pop()]
    assert bench.look()[0] == ["id000699", "id000700"]


def test_an_addition_between_two_pages_counts_nothing_twice(bench: Bench) -> None:
    bench.api.add(1200)
    bench.api.items[700]["externalId"] = None
    bench.api.between = [lambda: bench.api.add(1, external=False)]
    assert "id000700" in bench.look()[0]
    assert bench.look()[0] == ["id000700", "id001200"]


def test_records_are_looked_at_by_their_ids_and_forgotten_when_they_are_gone(bench: Bench) -> None:
    bench.api.add(3, external=False)
    bench.look()
    del bench.api.items[0]
    bench.api.items[0]["externalId"] = "P9"
    bench.api.items[1]["amount"] = 77
    lists = Lists(bench.journal, cast(Reader, bench.api))

    async def closer() -> dict[str, int]:
        known = await lists.look(PAYMENT)
        await lists.look_at(PAYMENT, known, ["id000000", "id000001", "id000002"])
        return {id: one.amount for id, one in known.records.items()}

    assert asyncio.run(closer()) == {"id000002": 77}
    assert bench.look()[0] == ["id000002"]
