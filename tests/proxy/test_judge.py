"""An unaltered hub, whatever it holds and whatever is asked, differs from a hub in nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from sessions import limited

from headrace.client.answer import Answer
from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import BEGUN, KEPT_HEADERS, Exchange
from headrace.proxy.judge import judging
from headrace.proxy.shadow import shadow_hub
from headrace.server.admission.limits import Limits
from headrace.server.description.schemas import REQUESTS
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.server import Server, ServerUnderTest
from headrace.testkit.conformance.suite import run_cases
from headrace.testkit.hub import RunningHub, hub

SALT = b"0123456789abcdef"


class _Overheard(Server):
    """Keeps what passes, in the order of the answers."""

    heard: list[Exchange]

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        began = SYSTEM_CLOCK.monotonic()
        answer = await super().send(method, path, body, headers)
        kind = headers.get("Content-Type", "")
        named = {name: text for name, text in answer.headers.items() if name in KEPT_HEADERS}
        self.heard.append(
            Exchange(1, method, path, kind, body or b"", answer.status, named, answer.body,
                     began=began, ended=SYSTEM_CLOCK.monotonic())
        )  # fmt: skip
        return answer


async def _cases(running: RunningHub) -> list[Exchange]:
    target = ServerUnderTest(running.url, running.key, running.secret, 100_000, 5)
    async with HttpTransport(running.url, running.key, running.secret, 30, 5) as transport:
        server = _Overheard(target, transport, SYSTEM_CLOCK)
        server.heard = []
        async for _ in run_cases(server, CASES, "run-1"):
            pass
        return server.heard


async def _judged(exchanges: list[Exchange]) -> tuple[list[Difference], int]:
    """All differences, and the number of exchanges that were compared in every field."""
    async with judging(SALT) as judge:
        judged = [await judge.judge(exchange) for exchange in exchanges]
    return [one for each in judged for one in each.differences], sum(one.exact for one in judged)


@pytest.fixture(scope="module")
def overheard() -> list[Exchange]:
    """All that the conformance suite sends: five requests at a time, every operation, wrong bodies,
    foreign ids, odd names."""
    with hub() as running:
        return asyncio.run(_cases(running))


def test_all_that_the_conformance_suite_sends_differs_in_nothing(
    overheard: list[Exchange],
) -> None:
    found, exact = asyncio.run(_judged(overheard))
    assert found == []
    assert len(overheard) > 1_000
    assert exact > len(overheard) // 2


def test_writes_to_records_that_were_there_before_differ_in_nothing(
    overheard: list[Exchange],
) -> None:
    """The proxy starts in the middle of what happens to the server's records."""
    for start in (300, 700):
        found, _ = asyncio.run(_judged(overheard[start:]))
        assert found == []


def _reads() -> Iterator[str]:
    lists = ("customers", "invoices", "credit_notes", "payments", "refunds", "custom_fields",
             "users", "bank_accounts", "dunning_plans", "actions")  # fmt: skip
    queries = ("", "?limit=3", "?limit=5000", "?limit=0", "?offset=2&limit=2", "?page=2&limit=3",
               "?customerId=external:1a2c3b", "?customerId=none", "?filters=x", "?sortBy=amount",
               "?sortBy=dueDate&sortOrder=DESC", "?sortBy=nothing", "?sortOrder=up",
               "?customFieldsData_123.eq=North", "?customFieldsData_x.gt=1", "?a=%00",
               "?offset=-1")  # fmt: skip
    for path, query in itertools.product(lists, queries):
        yield f"/{path}{query}"
    ids = ("external:1a2c3b", "external:none", "external%3A1a2c3b", "external:", "%ff", "a%2Fb",
           "%00", "1", "external:1a2c3b/contacts", "external:none/contacts/x", "x/notes?limit=a",
           "external:1a2c3b/contacts/external:1a2c3d", "external:1a2c3b/account-managers",
           "external:1a2c3b/invoices?limit=1", "external:1a2c3b/nothing")  # fmt: skip
    for one in ids:
        yield f"/customers/{one}"
    for path in ("invoices/external:54a65b4c32", "payments/external:1234", "actions/x",
                 "refunds/external:5678", "credit_notes/external:4321", "custmer", "", "/",
                 "customers/"):  # fmt: skip
        yield f"/{path}"


def _examples() -> Iterator[dict[str, object]]:
    paths = {"CustomField": "/custom_fields", "Customer": "/customers", "Invoice": "/invoices",
             "CreditNote": "/credit_notes", "Payment": "/payments", "Refund": "/refunds",
             "NoteDraft": "/customers/external:1a2c3b/notes"}  # fmt: skip
    for name, path in paths.items():
        yield {"method": "POST", "path": path, "body": REQUESTS[name]}


def test_reads_of_data_that_the_proxy_has_never_seen_differ_in_nothing() -> None:
    """The stand-ins' own examples are there, with a customer's collections beside them."""

    async def overhear(running: RunningHub) -> list[Exchange]:
        async with HttpTransport(running.url, running.key, running.secret, 30, 5) as transport:
            target = ServerUnderTest(running.url, running.key, running.secret, 100_000, 5)
            server = _Overheard(target, transport, SYSTEM_CLOCK)
            server.heard = []
            for path in _reads():
                await server.send("GET", path, None, {})
            return server.heard

    lines = [
        {"method": "POST", "path": "/customers", "body": {"externalId": f"C{n}", "name": f"N{n}"}}
        for n in range(60)
    ]
    with hub() as running:
        running.seed(b"\n".join(map(msgspec.json.encode, lines)))
        running.seed(b"\n".join(map(msgspec.json.encode, _examples())))
        exchanges = asyncio.run(overhear(running))
    found, _ = asyncio.run(_judged(exchanges))
    assert found == []
    assert {exchange.status for exchange in exchanges} >= {200, 400, 404}


_UPFLOW = Limits(600, 10)


@pytest.mark.parametrize(
    ("limits", "gap", "beside"),
    [(_UPFLOW, 0.05, 1), (_UPFLOW, 0.11, 1), (_UPFLOW, 0.01, 12), (_UPFLOW, 0.2, 15)],
)
def test_limits_like_upflows_differ_in_nothing(limits: Limits, gap: float, beside: int) -> None:
    found, _ = asyncio.run(_judged(limited(limits, gap, beside)))
    assert found == []


@pytest.mark.parametrize(
    ("limits", "gap", "beside", "server"),
    [
        (Limits(300, 10), 0.05, 1, "fewer"),
        (Limits(590, 10), 0.05, 1, "fewer"),
        (Limits(None, 10), 0.05, 1, "more"),
        (Limits(1_200, 10), 0.05, 1, "more"),
        (Limits(600, 5), 0.2, 8, "fewer"),
    ],
)
def test_other_limits_are_found(limits: Limits, gap: float, beside: int, server: str) -> None:
    found, _ = asyncio.run(_judged(limited(limits, gap, beside)))
    assert server in {one.server for one in found if one.kind == "limit"}


@pytest.mark.parametrize("missing", ["retry-after", "x-ratelimit-remaining"])
def test_a_refusal_that_does_not_say_when_is_found(missing: str) -> None:
    exchanges = [
        msgspec.structs.replace(
            one, headers={name: text for name, text in one.headers.items() if name != missing}
        )
        for one in limited(_UPFLOW, 0.05)
    ]
    found, _ = asyncio.run(_judged(exchanges))
    assert {one.place for one in found} == {f"header {missing}"}


def test_a_read_during_a_write_is_not_compared_in_every_field() -> None:
    """The read has seen the write's effect, and is answered first."""
    before = {"externalId": "A", "name": "A"}
    after = {**before, "vatNumber": "FR1"}

    async def go() -> list[bool]:
        with shadow_hub() as real:
            seat = await real.seat("real")

            async def passed(method: str, target: str, body: object, moment: float) -> Exchange:
                sent = b"" if body is None else msgspec.json.encode(body)
                played = await seat.play(method, target, sent, "application/json")
                return Exchange(
                    1, method, target, "application/json", sent, played.status, played.headers,
                    played.body, began=moment, ended=moment + 0.5,
                )  # fmt: skip

            async with judging(SALT) as judge:
                first = await passed("POST", "/customers", before, 1)
                write = await passed("POST", "/customers", after, 2)
                read = await passed("GET", "/customers/external:A", None, 2)
                judged = [await judge.judge(first)]
                await judge.begin(msgspec.structs.replace(write, status=BEGUN))
                judged += [await judge.judge(read), await judge.judge(write)]
                judged.append(await judge.judge(await passed("GET", "/customers", None, 4)))
                assert [one.differences for one in judged] == [[]] * 4
                return [one.exact for one in judged]

    assert asyncio.run(go()) == [True, False, True, False]
