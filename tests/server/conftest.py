"""A hub over HTTP, and a new organisation in it for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from hub_api import Api

from headrace.testkit.hub import RunningHub, hub

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def running() -> Iterator[RunningHub]:
    with hub(limits="off") as running_hub:
        yield running_hub


@pytest.fixture
def new_api(running: RunningHub) -> Iterator[Callable[..., Api]]:
    made: list[Api] = []

    def make(currency: str = "EUR", time_zone: str = "UTC") -> Api:
        name = f"organisation-{next(_NUMBERS)}"
        pair = running.add_organisation(name, currency, time_zone)
        made.append(Api(running.url, pair.key, pair.secret, name))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(new_api: Callable[..., Api]) -> Api:
    return new_api()
