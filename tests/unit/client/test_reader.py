"""Reads: whole lists whatever happens to them meanwhile, single records, and the retries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from headrace.client import endpoints
from headrace.client.answer import Answer
from headrace.client.endpoints import (
    Reader,
    contact_path,
    contacts_path,
    external_path,
    pdf_path,
)
from headrace.client.pace import Pace
from headrace.client.retry import ATTEMPTS
from headrace.model.entity import CUSTOMER, INVOICE, Entity
from headrace.model.errors import ApiError, NotTheApi, Refused, Unauthorised, Unreachable
from virtual_time import VirtualClock

JSON = {"content-type": "application/json"}
SMALL = msgspec.structs.replace(CUSTOMER, page_cap=4)
Reply = Answer | ApiError


def record(body: dict[str, Any], status: int = 200, **headers: str) -> Answer:
    return Answer(status, JSON | headers, msgspec.json.encode(body))


class Api:
    """Answers by a script, and counts."""

    def __init__(self, script: Callable[[str, str], Reply], attempts: int = 6) -> None:
        self.clock = VirtualClock()
        self.pace = Pace(600, 5, self.clock)
        self.requests: list[tuple[str, str, bytes | None]] = []
        self.times: list[float] = []
        self.answered = 0
        self._script = script
        self.reader = Reader(self, self.pace, self.clock, self._count, attempts)  # type: ignore[arg-type]

    def _count(self) -> None:
        self.answered += 1

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        self.requests.append((method, path, body))
        self.times.append(self.clock.seconds)
        assert self.pace.in_flight == 1
        reply = self._script(method, path)
        if isinstance(reply, ApiError):
            raise reply
        return reply

    def run(self, work: Any) -> Any:
        try:
            return self.clock.run(work)
        finally:
            assert self.answered == len(self.requests)
            assert self.pace.in_flight == 0


def replies(*all_of_them: Reply) -> Api:
    queue = list(all_of_them)
    return Api(lambda method, path: queue.pop(0) if len(queue) > 1 else queue[0])


class List:
    """A list of customers at a server that caps its pages, and may change between requests."""

    def __init__(
        self,
        length: int,
        cap: int = 4,
        total: Callable[[int], int] = lambda length: length,
        change: Callable[[int, list[int]], None] = lambda number, ids: None,
    ) -> None:
        self.ids = list(range(length))
        self.offsets: list[int] = []
        self._cap = cap
        self._total = total
        self._change = change

    def __call__(self, method: str, path: str) -> Answer:
        self._change(len(self.offsets), self.ids)
        query = parse_qs(urlsplit(path).query)
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), self._cap)
        self.offsets.append(offset)
        page = [{"id": f"c{id}"} for id in self.ids[offset : offset + limit]]
        return record({"customers": page, "total": self._total(len(self.ids))})


def read(listed: List, entity: Entity = SMALL) -> list[str]:
    api = Api(listed)

    async def pages() -> list[str]:
        return [item["id"] async for page in api.reader.pages(entity) for item in page]

    found: list[str] = api.run(pages())
    return found


def names(*ids: int) -> list[str]:
    return [f"c{id}" for id in ids]


@pytest.mark.parametrize("length", range(14))
def test_every_record_is_read_once(length: int) -> None:
    assert read(List(length)) == names(*range(length))


@pytest.mark.parametrize("length", range(14))
@pytest.mark.parametrize("said", [0, 3, 100])
def test_every_record_is_read_whatever_length_is_stated(length: int, said: int) -> None:
    assert read(List(length, total=lambda _: said if length else 0)) == names(*range(length))


def test_a_page_that_is_refused_is_asked_for_again_with_fewer_records() -> None:
    listed = List(20, cap=100)
    asked: list[int] = []

    def bounded(method: str, path: str) -> Reply:
        limit = int(parse_qs(urlsplit(path).query)["limit"][0])
        asked.append(limit)
        return listed(method, path) if limit <= 20 else Refused(400, "limit must be less")

    async def pages(api: Api) -> list[str]:
        return [item["id"] async for page in api.reader.pages(CUSTOMER) for item in page]

    api = Api(bounded)
    assert api.run(pages(api)) == names(*range(20))
    assert asked[:3] == [1000, 125, 15]
    assert set(asked[3:]) == {15}


def test_a_list_of_which_not_even_one_record_is_given_is_refused() -> None:
    api = replies(Refused(400, "no"))

    async def pages() -> None:
        async for _ in api.reader.pages(SMALL):
            pass

    with pytest.raises(Refused, match="no"):
        api.run(pages())
    assert [path.rpartition("=")[2] for _, path, _ in api.requests] == ["4", "1"]


def test_each_page_begins_with_the_last_record_of_the_one_before() -> None:
    listed = List(10)
    read(listed)
    assert listed.offsets == [0, 3, 6, 9]


def test_records_deleted_meanwhile_hide_none_of_the_others() -> None:
    def drop_the_first_three(number: int, ids: list[int]) -> None:
        if number == 1:
            del ids[:3]

    listed = List(12, change=drop_the_first_three)
    assert read(listed) == names(*range(12))
    assert listed.offsets[:4] == [0, 3, 1, 0]


def test_pages_of_two_records_overlap_too() -> None:
    def drop_the_first(number: int, ids: list[int]) -> None:
        if number == 2:
            del ids[0]

    listed = List(6, cap=2, change=drop_the_first)
    entity = msgspec.structs.replace(CUSTOMER, page_cap=2)
    assert read(listed, entity) == names(*range(6))
    assert listed.offsets == [0, 1, 2, 1, 2, 3, 4]


def test_records_added_at_the_head_meanwhile_bring_none_twice() -> None:
    def add_two(number: int, ids: list[int]) -> None:
        if number == 1:
            ids[:0] = [100, 101]

    assert read(List(9, change=add_two)) == names(*range(9))


def test_a_list_of_single_records_is_read_to_its_end() -> None:
    assert read(List(5, cap=1)) == names(*range(5))


def test_after_so_many_steps_back_a_list_is_read_as_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "_BACKS", 2)

    def replace_all(number: int, ids: list[int]) -> None:
        ids[:] = [id + 100 for id in ids]

    listed = List(9, change=replace_all)
    found = read(listed)
    assert len(found) == len(set(found))
    assert listed.offsets == [0, 3, 1, 0, 3, 6]


def test_only_the_latest_records_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_REMEMBERED", 3)
    met = endpoints._Met()
    assert not met.knows_none([1])
    assert [met.is_new(id) for id in (1, 2, 3, 1, 4, None, None)] == [
        *(True, True, True, False, True),
        *(True, True),
    ]
    assert met.knows_none([1, 9]) and not met.knows_none([9, 2])
    assert met.is_new(1)
    assert met.knows_none([2]) and not met.knows_none([3])


def test_filters_are_added_to_the_query() -> None:
    api = replies(record({"customers": [], "total": 0}))

    async def pages() -> list[Any]:
        return [page async for page in api.reader.pages(SMALL, {"updated": "a b", "x": "1/2"})]

    assert api.run(pages()) == [[]]
    assert [path for _, path, _ in api.requests] == [
        "/customers?offset=0&limit=4&updated=a%20b&x=1%2F2"
    ]


def test_one_record_is_found_or_is_not_there() -> None:
    api = replies(record({"id": "1", "name": "Ann"}))
    assert api.run(api.reader.find("/customers/1", CUSTOMER)) == {"id": "1", "name": "Ann"}
    assert api.requests == [("GET", "/customers/1", None)]
    api = replies(record({"message": "no"}, status=404))
    assert api.run(api.reader.find("/customers/1", CUSTOMER)) is None
    api = replies(record({"message": "no"}, status=400))
    with pytest.raises(Refused, match="no"):
        api.run(api.reader.find("/customers/1", CUSTOMER))


def test_a_record_of_another_shape_is_not_the_apis() -> None:
    api = replies(record({"id": "1", "name": 3}))
    with pytest.raises(NotTheApi, match=r"GET /customers/1: .*name"):
        api.run(api.reader.find("/customers/1", CUSTOMER))


def test_a_request_is_sent_as_it_is_asked_for() -> None:
    api = replies(Answer(204, {}, b""))
    answer = api.run(api.reader.request("PUT", "/customers", b"{}"))
    assert answer.status == 204
    assert api.requests == [("PUT", "/customers", b"{}")]


def test_failures_are_tried_again_with_longer_and_longer_delays() -> None:
    api = replies(Unreachable("broke"), record({}, status=503), record({"id": "1"}))
    assert api.run(api.reader.get("/customers")).status == 200
    waits = [later - earlier for earlier, later in zip(api.times, api.times[1:], strict=False)]
    assert 1 <= waits[0] <= 1.25
    assert 2 <= waits[1] <= 2.5


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_the_last_failure_is_what_is_told(attempts: int) -> None:
    api = Api(lambda method, path: Unreachable("broke"), attempts)
    with pytest.raises(Unreachable, match=r"^broke$"):
        api.run(api.reader.get("/customers"))
    assert len(api.requests) == attempts
    api = Api(lambda method, path: record({"message": "later"}, status=503), attempts)
    with pytest.raises(Unreachable, match=r"^status 503: later$"):
        api.run(api.reader.get("/customers"))
    assert len(api.requests) == attempts


def test_a_read_has_as_many_attempts_as_a_delivery() -> None:
    api = replies(Unreachable("broke"))
    reader = Reader(api, api.pace, api.clock, api._count)  # type: ignore[arg-type]
    with pytest.raises(Unreachable):
        api.run(reader.get("/customers"))
    assert len(api.requests) == ATTEMPTS


def test_what_no_further_attempt_can_mend_is_raised_at_once() -> None:
    api = replies(record({"message": "no"}, status=401))
    with pytest.raises(Unauthorised, match="status 401: no"):
        api.run(api.reader.get("/customers"))
    assert len(api.requests) == 1
    api = replies(Answer(200, {"content-type": "text/html"}, b"<p>"))
    with pytest.raises(NotTheApi, match=r"^GET /customers: status 200, text/html, '<p>'$"):
        api.run(api.reader.get("/customers?offset=3&q=?"))
    assert len(api.requests) == 1


def test_a_pause_that_is_asked_for_holds_for_all() -> None:
    api = replies(record({}, status=429, **{"retry-after": "30"}), record({"id": "1"}))
    began = api.clock.seconds
    assert api.run(api.reader.get("/customers")).status == 200
    assert api.clock.seconds - began >= 30
    assert len(api.requests) == 2


def test_a_pause_may_be_asked_for_until_a_moment() -> None:
    clock = VirtualClock()
    later = format_datetime(clock.now() + timedelta(seconds=30))
    api = replies(record({}, status=429, **{"retry-after": later}), record({"id": "1"}))
    assert api.run(api.reader.get("/customers")).status == 200
    assert 29 <= api.times[1] - api.times[0] <= 31


def test_waits_of_five_minutes_in_all_are_granted_and_no_more() -> None:
    api = replies(record({}, status=429, **{"retry-after": "300"}), record({"id": "1"}))
    assert api.run(api.reader.get("/customers")).status == 200
    api = replies(record({}, status=429, **{"retry-after": "300.5"}), record({"id": "1"}))
    with pytest.raises(Unreachable, match="status 429: it asks to wait 300 s more"):
        api.run(api.reader.get("/customers"))


def test_ids_in_paths_are_percent_encoded() -> None:
    assert external_path(INVOICE, "a/b c") == "/invoices/external:a%2Fb%20c"
    assert contacts_path("a/b") == "/customers/external:a%2Fb/contacts"
    assert contact_path("a/b", "c/d") == "/customers/external:a%2Fb/contacts/external:c%2Fd"
    assert pdf_path(INVOICE, "a/b") == "/invoices/external:a%2Fb/pdf"
