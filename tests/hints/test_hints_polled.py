"""APIs that are asked for their first page, and MariaDB's record of writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from watching import Hints, subject, watching

from headrace.hints.mysql_counters import MysqlCountersWay
from headrace.hints.poll import PollWay
from headrace.hints.way import HintsLost
from headrace.model.clock import SYSTEM_CLOCK
from mariadb import run_mariadb


class Api:
    """An API with one page, and what it was asked for."""

    def __init__(self) -> None:
        self.page = "one"
        self.status = 200
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        if request.headers.get("If-None-Match") == self.page:
            return web.Response(status=304)
        return web.Response(status=self.status, text=self.page, headers={"ETag": self.page})


class StepClock:
    """Sleeps as long as the test says."""

    def __init__(self) -> None:
        self._steps = asyncio.Semaphore(0)

    def sleep(self, seconds: float) -> Awaitable[None]:
        return self._sleep()

    async def _sleep(self) -> None:
        await self._steps.acquire()

    def step(self) -> None:
        """Let the next look happen."""
        self._steps.release()


def with_api(work: Callable[[Api, Any, StepClock], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        api, clock = Api(), StepClock()
        application = web.Application()
        application.router.add_get("/v1/clients", api.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        options = {
            "client": {
                "base_url": f"http://127.0.0.1:{runner.addresses[0][1]}/v1/",
                "auth": {"type": "bearer", "token": "geheim42"},
            },
            "resources": [
                "clients",
                {"name": "lines", "endpoint": {"path": "bills/{resources.bills.id}/lines"}},
            ],
        }
        one = subject(folder, kind="rest", options=options)
        await work(api, PollWay(one, clock), clock)  # type: ignore[arg-type]
        await runner.cleanup()

    asyncio.run(run())


def test_a_changed_first_page_is_a_hint_and_the_same_page_is_not(tmp_path: Path) -> None:
    async def work(api: Api, way: PollWay, clock: StepClock) -> None:
        assert await way.objection() == ""
        async with watching(way) as hints:
            clock.step()
            while len(api.asked) < 2:
                await asyncio.sleep(0)
            assert api.asked[1]["If-None-Match"] == "one"
            assert api.asked[0]["Authorization"] == "Bearer geheim42"
            api.page = "two"
            clock.step()
            await hints.more_than(1)
            assert hints.count == 2

    with_api(work, tmp_path)


def test_an_api_that_refuses_is_a_sentence_without_the_token(tmp_path: Path) -> None:
    async def work(api: Api, way: PollWay, clock: StepClock) -> None:
        api.status = 403
        with pytest.raises(HintsLost, match="clients: the API answered 403"):
            await way.watch(Hints())

    with_api(work, tmp_path)


def test_an_api_whose_pages_cannot_be_asked_for_says_why(tmp_path: Path) -> None:
    async def objection(client: dict[str, Any], resources: list[Any]) -> str:
        options = {"client": client, "resources": resources}
        return await PollWay(
            subject(tmp_path, kind="rest", options=options), SYSTEM_CLOCK
        ).objection()

    oauth = {"auth": {"type": "oauth2_client_credentials"}}
    assert "oauth2" in asyncio.run(objection(oauth, ["clients"]))
    assert "no resource" in asyncio.run(objection({}, []))


def test_mariadb_tells_of_each_write(mariadb_database: str, tmp_path: Path) -> None:
    run_mariadb(mariadb_database, "create table clients (id int primary key, name text)")

    async def run() -> None:
        way = MysqlCountersWay(subject(tmp_path, kind="sql", url=mariadb_database), SYSTEM_CLOCK)
        assert await way.objection() == ""
        async with watching(way) as hints:
            before = hints.count
            await asyncio.to_thread(
                run_mariadb, mariadb_database, "insert into clients values (1, 'a')"
            )
            await hints.more_than(before)

    asyncio.run(run())
