"""A hub over HTTP on each engine, and a new organisation in it for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from described import assert_described
from hub_api import Api

from engines import ENGINES, database_of
from headrace.server.app import Hub
from headrace.store.admin.check import check_database
from headrace.store.engine.place import snapshot
from headrace.testkit.hub import RunningHub, hub

_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def every_answer_is_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whatever client a test uses: of each hub in this process, each answer below /v1.

    Gives what is not described; a test fails when there is anything.
    """
    undescribed: list[str] = []
    finish = Hub._finish

    async def checked(hub: Hub, visit: Any, answer: Any, *rest: Any) -> None:
        try:
            if visit.fault is None:
                assert_described(visit.method, visit.target[3:], answer.status, answer.body)
        except Exception as error:
            where = f"{visit.method} {visit.target} {answer.status}"
            undescribed.append(f"{where}: {type(error).__name__} {error}")
        await finish(hub, visit, answer, *rest)

    monkeypatch.setattr(Hub, "_finish", checked)
    yield undescribed
    assert undescribed == []


@pytest.fixture(scope="session", params=ENGINES)
def running(request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        running_hub = stack.enter_context(hub(limits="off", database=database))
        yield running_hub
        with snapshot(running_hub.place) as db:
            assert [str(finding) for finding in check_database(db)] == []


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The engine for tests that start their own hubs: None for SQLite, then a database's URL."""
    with ExitStack() as stack:
        yield database_of(request, request.param, stack)


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
