"""Concurrent clients on the same entities: no lost update, and each reads its own writes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
from hub_api import Api, customer, invoice, payment, to_invoice
from msgspec import Struct

from headrace.testkit.hub import RunningHub

CLIENTS = 16


async def _send(
    session: aiohttp.ClientSession, method: str, url: str, body: Any = None
) -> tuple[int, Any]:
    async with session.request(method, url, json=body) as response:
        text = await response.read()
        return response.status, await response.json() if text else None


async def _all(api: Api, url: str, work: Any) -> list[Any]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=api.headers, connector=connector) as session:
        return await asyncio.gather(*(work(session, url, n) for n in range(CLIENTS)))


def test_each_field_written_by_one_client_survives_all_the_others(
    running: RunningHub, api: Api
) -> None:
    """All clients change the same customer repeatedly, each its own contact or field."""
    contacts = [{"email": f"{n}@x.io", "externalId": f"{n}"} for n in range(CLIENTS)]
    api.post("/customers", customer("C", contacts=contacts))

    async def work(session: aiohttp.ClientSession, url: str, n: int) -> None:
        path = f"{url}/customers/external:C/contacts/external:{n}"
        for turn in range(15):
            status, written = await _send(session, "PUT", path, {"phone": f"{n}-{turn}"})
            assert status == 200
            status, read = await _send(session, "GET", path)
            assert (status, read["phone"]) == (200, f"{n}-{turn}")
            assert read["id"] == written["id"]

    asyncio.run(_all(api, running.url, work))
    phones = [entry["phone"] for entry in api.get("/customers/external:C")["contacts"]]
    assert phones == [f"{n}-14" for n in range(CLIENTS)]


def test_concurrent_creations_of_one_entity_create_it_once(running: RunningHub, api: Api) -> None:
    api.post("/customers", customer("C"))

    async def work(session: aiohttp.ClientSession, url: str, n: int) -> list[tuple[int, str]]:
        answers = []
        for turn in range(10):
            status, body = await _send(
                session, "POST", f"{url}/invoices", invoice(f"I{turn}", "C", 100 + n)
            )
            assert body["grossAmount"] == 100 + n, "the answer is of one's own write"
            answers.append((status, body["id"]))
        return answers

    by_client = asyncio.run(_all(api, running.url, work))
    for turn in range(10):
        statuses = sorted(answers[turn][0] for answers in by_client)
        assert statuses == [200] * (CLIENTS - 1) + [201]
        assert len({answers[turn][1] for answers in by_client}) == 1
    assert api.get("/invoices")["total"] == 10


class Seen(Struct, frozen=True):
    """One request about the amount of one invoice, as its sender saw it."""

    began: float
    ended: float
    writes: bool
    amount: int


def test_a_read_is_never_older_than_an_acknowledged_write(running: RunningHub, api: Api) -> None:
    """All clients upsert and read the same invoice; what they read fits one order of the writes."""
    api.post("/customers", customer("C"))

    async def work(session: aiohttp.ClientSession, url: str, n: int) -> list[Seen]:
        seen = []
        for turn in range(12):
            began = time.perf_counter()
            body = invoice("I", "C", 1000 * turn + n)
            _, written = await _send(session, "POST", f"{url}/invoices", body)
            between = time.perf_counter()
            _, read = await _send(session, "GET", f"{url}/invoices/external:I")
            seen.append(Seen(began, between, True, written["grossAmount"]))
            ended = time.perf_counter()
            seen.append(Seen(between, ended, False, read["grossAmount"]))
        return seen

    everything = [one for seen in asyncio.run(_all(api, running.url, work)) for one in seen]
    writes = {one.amount: one for one in everything if one.writes}
    assert len(writes) == CLIENTS * 12, "every answer was of one's own write"
    for read in everything:
        if not read.writes:
            source = writes[read.amount]
            assert source.began < read.ended, "read before it was written"
            between = [
                one
                for one in writes.values()
                if one.began > source.ended and one.ended < read.began
            ]
            assert between == [], "it had been overwritten before the read began"


def test_an_invoice_is_never_settled_twice(running: RunningHub, api: Api) -> None:
    """Sixteen payments race for an invoice that six of them can settle."""
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("I", "C", 600))

    async def work(session: aiohttp.ClientSession, url: str, n: int) -> int:
        body = payment(f"P{n}", "C", 100, linkedInvoices=[to_invoice("I", 100)])
        return (await _send(session, "POST", f"{url}/payments", body))[0]

    statuses = asyncio.run(_all(api, running.url, work))
    assert sorted(statuses) == [201] * 6 + [400] * 10
    settled = api.get("/invoices/external:I")
    assert (settled["state"], len(settled["payments"])) == ("PAID", 6)
    assert api.get("/payments")["total"] == 6, "a refused import leaves nothing behind"
    assert api.get("/customers/external:C")["balance"] == 0
