"""Whether a list goes on after a page, and what a page must look like."""

from __future__ import annotations

import msgspec
import pytest

from headrace.client.answer import Answer
from headrace.client.page import Page, Walk, check_records, read_page
from headrace.model.entity import CUSTOMER, INVOICE, PAYMENT, Entity
from headrace.model.errors import NotTheApi

JSON = {"content-type": "application/json"}


def page(length: int, total: int) -> Page:
    return Page([{"id": str(n)} for n in range(length)], total)


def entity(cap: int) -> Entity:
    return msgspec.structs.replace(CUSTOMER, page_cap=cap)


def test_a_list_goes_on_until_its_stated_length_is_read() -> None:
    walk = Walk(entity(100))
    assert walk.goes_on(page(10, 11), 10, 10)
    assert not walk.goes_on(page(1, 11), 11, 1)
    assert not Walk(entity(100)).goes_on(page(0, 11), 0, 0)


def test_beyond_its_stated_length_it_goes_on_while_full_pages_bring_something_new() -> None:
    assert Walk(entity(100)).goes_on(page(50, 1), 50, 1)
    assert not Walk(entity(100)).goes_on(page(49, 1), 49, 49)
    assert not Walk(entity(100)).goes_on(page(50, 1), 50, 0)
    assert Walk(entity(4)).goes_on(page(4, 1), 4, 4)
    assert not Walk(entity(4)).goes_on(page(3, 1), 3, 3)


def test_a_later_page_is_full_when_it_is_no_shorter_than_those_before() -> None:
    walk = Walk(entity(100))
    assert walk.goes_on(page(80, 1), 80, 80)
    assert not walk.goes_on(page(60, 1), 140, 60)
    assert walk.goes_on(page(80, 1), 220, 80)


def test_a_list_may_double_and_grow_by_a_hundred_thousand() -> None:
    walk = Walk(entity(100))
    assert walk.goes_on(page(100, 1_000), 100, 100_000)
    assert walk.goes_on(page(100, 1_000), 200, 2_000)
    with pytest.raises(NotTheApi, match=r"^GET /customers does not end: 102,001 records$"):
        walk.goes_on(page(100, 9_000), 300, 1)


def test_a_hundred_pages_without_anything_new_end_it() -> None:
    walk = Walk(entity(100))
    for _ in range(100):
        assert walk.goes_on(page(50, 1_000), 50, 0)
    assert walk.goes_on(page(50, 1_000), 50, 1)
    for _ in range(100):
        assert walk.goes_on(page(50, 1_000), 50, 0)
    with pytest.raises(NotTheApi, match="does not end"):
        walk.goes_on(page(50, 1_000), 50, 0)


def reads(body: object, entity: Entity = CUSTOMER) -> Page:
    return read_page(Answer(200, JSON, msgspec.json.encode(body)), entity)


def test_a_page_is_its_records_and_the_lists_length() -> None:
    assert reads({"customers": [{"id": "1"}], "total": 7}) == Page([{"id": "1"}], 7)
    assert reads({"customers": [], "total": 10**10}).total == 10**10
    assert reads({"total": 0}) == Page([], 0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"total": 1}, "GET /customers: no list 'customers' in status 200"),
        ({"customers": {}, "total": 1}, "GET /customers: no list 'customers' in status 200"),
        ({"customers": []}, "GET /customers: 'None' is not how many records there are"),
        ({"customers": [], "total": -1}, "GET /customers: '-1' is not how many"),
        ({"customers": [], "total": 10**10 + 1}, "GET /customers: '10000000001' is not how many"),
        ({"customers": [], "total": "9" * 50}, f"GET /customers: '{'9' * 40}' is not how many"),
        ({"customers": [{}], "total": 1}, r"GET /customers: Object missing required field `id`"),
    ],
)
def test_a_page_without_its_parts_is_not_the_apis(body: object, said: str) -> None:
    with pytest.raises(NotTheApi) as caught:
        reads(body)
    assert str(caught.value).startswith(said)


def test_records_have_the_shape_of_their_entity() -> None:
    money = {"id": "1", "currency": "EUR"}
    check_records([money | {"amount": 3}], PAYMENT, "here")
    with pytest.raises(NotTheApi, match=r"^here: .*amount"):
        check_records([money], PAYMENT, "here")
    check_records([money | {"grossAmount": 3, "amountOutstanding": 0}], INVOICE, "here")
    with pytest.raises(NotTheApi, match="grossAmount"):
        check_records([money], INVOICE, "here")
    other = msgspec.structs.replace(CUSTOMER, name="another")
    check_records([{"id": 1, "externalId": None}], other, "here")
    with pytest.raises(NotTheApi, match="externalId"):
        check_records([{"id": 1, "externalId": 3}], other, "here")
