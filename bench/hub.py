"""The hub's bars: each line is a ratio with both figures behind it.

    python bench/hub.py            quick: 10,000 against 60,000 invoices
    python bench/hub.py --full     against 1,000,000 invoices

- start: from the call to the first answer, of `headrace serve` and of `hub()` in a test.
- sandbox: one call of the control plane that makes an organisation with 1,000 entities.
- requests: 16 clients, durable, limits on: upsert of an invoice and GET by id, against the bare
  endpoint of baseline_hub.py; at least 0.75 and 0.65, and on PostgreSQL at least 0.4.
- size: a large database against one of 10,000 invoices: first and last page of 500, single
  requests, memory of the process.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.customer import Customer
from headrace.model.entity import INVOICE
from headrace.model.invoice import Invoice
from headrace.model.reference import external
from headrace.server.process.run import DATABASE
from headrace.store.admin.check import check_database
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.engine.place import Place, snapshot
from headrace.store.engine.postgres_connection import PostgresConnection
from headrace.store.engine.postgres_statistics import collect
from headrace.store.engine.sqlite import connect, transact
from headrace.store.records.customers import import_customer
from headrace.store.records.documents import import_document
from headrace.store.records.organisations import find_organisation
from headrace.testkit.billing.profile import COMPANIES
from headrace.testkit.hub import HubProcess, hub, hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

import load
from postgres import fresh_database, running_server

PARTS = ("start", "sandbox", "requests", "postgresql", "size", "check")
STARTS = 5
SANDBOX_ENTITIES = 1_000
SANDBOX_MAX_S = 1.0
"""From the call to the answer of one sandbox with its data."""
START_MAX_S = {"headrace serve": 1.0, "hub() of a test": 0.3}
"""From the call to the first answer."""
SERVER = {"listen_addresses": "127.0.0.1", "timezone": "UTC"}
"""Of PostgreSQL: its own defaults, by which every commit is flushed."""
LIMIT = "100000000"
"""Requests a minute: the limits are on, and never reached."""
CLIENTS = 16
ROUNDS = 3
ORGANISATIONS = ("one", "two")
"""Two, since one may have 10 requests at a time only."""


_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count"
PLAIN_ROWS = (
    f"""{_NUMBERS} / 10)
    INSERT INTO customer (organisation, id, external_id, parent, name, created_at, modified_at,
        contacts, body)
    SELECT 1, 'c' || i, 'C' || i, CASE WHEN i % 10 = 0 THEN i - 1 END, 'Customer ' || i, '', '',
        '[{{"email":"a@x.io","id":"' || i || '","isMain":true}}]', '{{"name":"C ' || i || '"}}'
    FROM n""",
    f"""{_NUMBERS})
    INSERT INTO document (organisation, entity, id, external_id, customer, currency, amount,
        applied, dated, due_date, created_at, modified_at, body, number)
    SELECT 1, CASE WHEN i % 10 < 6 THEN 'invoice' WHEN i % 10 < 9 THEN 'payment'
        ELSE 'credit_note' END, 'd' || i, 'D' || i, (i - 1) / 10 + 1, 'EUR', 1000 + i % 500,
        CASE WHEN i % 10 IN (1, 2, 7, 8) THEN 700 ELSE 0 END,
        '2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', '', '',
        '{{"customId":"INV-' || i || '","currency":"EUR","grossAmount":1000,"netAmount":900}}',
        'inv-' || i
    FROM n""",
    """INSERT INTO allocation (source, target, amount)
    SELECT seq, seq - 6, 700 FROM document WHERE entity = 'payment' AND applied > 0""",
    """INSERT INTO counter
    SELECT organisation, customer, entity, currency, count(*) FROM document GROUP BY 1, 2, 3, 4
    UNION ALL SELECT organisation, 0, entity, '', count(*) FROM document GROUP BY 1, 3
    UNION ALL SELECT 1, 0, 'customer', '', count(*) FROM customer""",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="with 1,000,000 invoices")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one")
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    count = 4_000 if arguments.full else 2_000
    with tempfile.TemporaryDirectory(prefix="bench-hub-") as folder:
        if "start" in parts:
            bench_start(Path(folder))
        if "sandbox" in parts:
            bench_sandboxes(Path(folder))
        if "requests" in parts:
            bench_requests(Path(folder), count)
        if "postgresql" in parts:
            bench_postgres(Path(folder), count)
        if "size" in parts:
            bench_size(Path(folder), 1_000_000 if arguments.full else 60_000)
        if "check" in parts:
            bench_check(Path(folder), 1_000_000 if arguments.full else 200_000)


def bench_start(folder: Path) -> None:
    """Medians; each starts on a folder of its own, so that the database is made too."""

    def answered(origin: str, begun: float) -> float:
        with urllib.request.urlopen(f"{origin}/healthz") as answer:
            assert answer.status == 200
        return time.perf_counter() - begun

    def served(number: int) -> float:
        begun = time.perf_counter()
        with hub_process(folder / f"start-{number}") as started:
            return answered(started.origin, begun)

    def in_a_test(_: int) -> float:
        begun = time.perf_counter()
        with hub() as started:
            return answered(started.url.removesuffix("/v1"), begun)

    for (what, bar), start in zip(START_MAX_S.items(), (served, in_a_test), strict=True):
        took = statistics.median(start(number) for number in range(STARTS))
        print(
            f"{what}, start to first answer / bar: {took / bar:.2f} (at most 1): {took:.2f} s / "
            f"{bar} s"
        )


def bench_sandboxes(folder: Path) -> None:
    """One call each, durable, on SQLite and on PostgreSQL; medians, and the deletion next to it."""
    with hub_process(folder / "sandboxes") as served:
        measure_sandboxes(served, "")
    try:
        with (
            running_server(SERVER) as server,
            fresh_database(server) as database,
            hub_process(folder / "sandboxes-postgresql", database=database) as served,
        ):
            measure_sandboxes(served, " on PostgreSQL")
    except FileNotFoundError as error:
        print(f"sandbox on PostgreSQL: not measured, {error}")


def measure_sandboxes(served: HubProcess, label: str) -> None:
    for profile in COMPANIES:
        made, deleted = [], []
        for number in range(STARTS):
            seed = {"profile": profile, "entities": SANDBOX_ENTITIES, "number": number}
            begun = time.perf_counter()
            name = served.control.call("POST", "/sandboxes", {"seed": seed})["name"]
            made.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            served.control.call("DELETE", f"/sandboxes/{name}")
            deleted.append(time.perf_counter() - begun)
        took = statistics.median(made)
        print(
            f"sandbox of {SANDBOX_ENTITIES:,} entities, {profile}{label} / bar: "
            f"{took / SANDBOX_MAX_S:.2f} (at most 1): {took:.2f} s ({min(made):.2f} to "
            f"{max(made):.2f}) / {SANDBOX_MAX_S} s; deleted in {statistics.median(deleted):.3f} s"
        )


def invoice_body(number: int, amount: int) -> dict[str, object]:
    return {
        "externalId": f"invoice-{number}",
        "customId": f"INV-{number}",
        "issuedAt": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}T12:30:00Z",
        "dueDate": f"2027-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "currency": "EUR",
        "grossAmount": amount,
        "netAmount": amount - amount // 6,
        "customer": {"externalId": f"customer-{number % 100}"},
    }


def bench_requests(folder: Path, count: int) -> None:
    """Upsert and GET on SQLite against the bare endpoint."""
    data = folder / "requests"
    with hub_process(data, LIMIT) as hub, bare_process(str(folder / "bare.db")) as bare:
        compare(hub, bare, count, "", {"upsert": 0.75, "get": 0.65})


def bench_postgres(folder: Path, count: int) -> None:
    """The same on PostgreSQL, durable as it comes; two databases of one server."""
    try:
        with running_server(SERVER) as server:
            postgres_requests(folder, count, server)
    except FileNotFoundError as error:
        print(f"on PostgreSQL: not measured, {error}")


def postgres_requests(folder: Path, count: int, server: str) -> None:
    with fresh_database(server) as ours, fresh_database(server) as theirs:
        make_keys(Place(url=theirs), "bare")
        with (
            hub_process(folder / "postgresql", LIMIT, database=ours) as hub,
            bare_process(theirs) as bare,
        ):
            compare(
                hub,
                bare,
                count,
                " on PostgreSQL",
                {"upsert": 0.4, "get": 0.4},
                lambda: collect_statistics(theirs),
            )


def collect_statistics(database: str) -> None:
    """The hub sees to its own; the bare endpoint shall not run by plans for empty tables either."""
    db = PostgresConnection(database)
    collect(db)
    db.close()


def compare(
    hub: HubProcess,
    bare: str,
    count: int,
    label: str,
    bars: dict[str, float],
    warm: Callable[[], None] = lambda: None,
) -> None:
    """Alternating rounds of the bare endpoint and the hub; the best rate of each counts.

    The first round counts for nothing; `warm` comes after it.
    """
    heads = []
    for name in ORGANISATIONS:
        pair = make_keys(hub.place, name)
        heads.append({"X-Api-Key": pair.key, "X-Api-Secret": pair.secret})
    for head in heads:
        expect(load.run(hub.origin, [[customer_request(head, n) for n in range(100)]]), 201)
    best: dict[tuple[str, str], load.Result] = {}
    for turn in range(ROUNDS + 1):
        for kind in ("upsert", "get"):
            queues = [
                [one_request(kind, heads[c % 2], c, n, turn) for n in range(count // CLIENTS)]
                for c in range(CLIENTS)
            ]
            for name, origin in (("bare", bare), ("hub", hub.origin)):
                result = load.run(origin, queues)
                expect(result, 200, 201)
                known = best.get((name, kind))
                if turn and (known is None or result.rate > known.rate):
                    best[name, kind] = result
        if turn == 0:
            warm()
    for kind in ("upsert", "get"):
        ours, theirs = best["hub", kind], best["bare", kind]
        print(
            f"{kind}{label}: {ours.rate / theirs.rate:.2f} x bare (bar: {bars[kind]}) = "
            f"{ours.rate:,.0f} / {theirs.rate:,.0f} requests a second, {CLIENTS} clients, "
            f"durable; p50 {ours.percentile(0.5):.2f} ms, p99 {ours.percentile(0.99):.2f} ms"
        )


def customer_request(head: dict[str, str], n: int) -> bytes:
    body = {"externalId": f"customer-{n}", "name": f"Customer {n}"}
    return load.request("POST", "/v1/customers", head, msgspec.json.encode(body))


def one_request(kind: str, head: dict[str, str], client: int, n: int, turn: int) -> bytes:
    number = client * 100_000 + n
    if kind == "get":
        return load.request("GET", f"/v1/invoices/external:invoice-{number}", head)
    body = msgspec.json.encode(invoice_body(number, 1200 + turn))
    return load.request("POST", "/v1/invoices", head, body)


def bench_size(folder: Path, large: int) -> None:
    """The same requests against 10,000 and against `large` invoices, in alternating rounds.

    The best round of each counts: what else the machine does can only make one slower.
    """
    sizes = (10_000, large)
    with contextlib.ExitStack() as stack:
        hubs: dict[int, tuple[HubProcess, dict[str, str]]] = {}
        for size in sizes:
            hub = stack.enter_context(hub_process(folder / f"size-{size}"))
            pair = make_keys(hub.data, "bench")
            fill(hub.data, size)
            hubs[size] = hub, {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        rounds = [
            {size: measure(*hubs[size], size) for size in (sizes if turn % 2 else sizes[::-1])}
            for turn in range(ROUNDS + 1)
        ][1:]
        memory = {size: psutil.Process(hubs[size][0].pid).memory_info().rss / 1e6 for size in sizes}
    bars = {"first page": 1.5, "last page": 5.0, "middle page": None, "get": 1.0, "upsert": 1.0}
    for name, bar in bars.items():
        small, big = (min(turn[size][name] for turn in rounds) for size in sizes)
        told = f" (bar: {bar})" if bar else ""
        print(
            f"{name}: {big / small:.2f} x{told} = {big:.2f} ms at {large:,} invoices / "
            f"{small:.2f} ms at 10,000"
        )
    print(
        f"memory: {memory[large]:.0f} MB at {large:,} invoices (bar: 150), "
        f"{memory[10_000]:.0f} MB at 10,000"
    )


def bench_check(folder: Path, count: int) -> None:
    """`hub check` over so many documents, links among them."""
    data = folder / "check"
    make_keys(data, "bench")
    fill_plainly(data, count)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with snapshot(Place(folder=data)) as db:
            found = list(check_database(db))
        times.append(time.perf_counter() - start)
        if found:
            raise SystemExit(f"the bench's own database is unsound: {found[0]}")
    print(f"check: {min(times):.1f} s for {count:,} documents (bar: 10 s for 1,000,000)")


def fill_plainly(data: Path, count: int) -> None:
    """Customers, invoices, payments and their links by plain SQL: a million in ten seconds."""
    db = connect(data / DATABASE, 100_000)
    transact(db, lambda db: [db.execute(statement, {"count": count}) for statement in PLAIN_ROWS])
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def fill(data: Path, count: int) -> None:
    """Invoices by the store's own functions, in few transactions."""
    db = connect(data / DATABASE, 100_000)
    organisation = find_organisation(db, "bench")
    assert organisation is not None
    customers = max(100, count // 100)
    transact(db, _fill_customers, organisation, customers)
    for start in range(0, count, 20_000):
        transact(db, _fill_invoices, organisation, start, min(count, start + 20_000), customers)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _fill_customers(db: Connection, organisation: Organisation, count: int) -> None:
    context = Context(organisation, SYSTEM_CLOCK.now())
    for n in range(count):
        import_customer(db, context, Customer(external_id=f"customer-{n}", name=f"Customer {n}"))


def _fill_invoices(
    db: Connection, organisation: Organisation, start: int, end: int, customers: int
) -> None:
    context = Context(organisation, SYSTEM_CLOCK.now())
    for n in range(start, end):
        record = Invoice(
            external_id=f"invoice-{n}",
            custom_id=f"INV-{n}",
            issued_at="2026-05-05T12:30:00.000Z",
            due_date=f"2027-{n % 12 + 1:02d}-01T00:00:00.000Z",
            currency="EUR",
            gross_amount=1200 + n % 1000,
            net_amount=1000,
            customer=external(f"customer-{n % customers}"),
        )
        import_document(db, context, INVOICE, record)


def measure(hub: HubProcess, head: dict[str, str], size: int) -> dict[str, float]:
    """Median milliseconds of each kind of request, one client."""

    def median(requests: list[bytes]) -> float:
        result = load.run(hub.origin, [requests])
        expect(result, 200)
        return result.percentile(0.5)

    def page(offset: int) -> list[bytes]:
        return [load.request("GET", f"/v1/invoices?limit=500&offset={offset}", head)] * 40

    numbers = [(n * 7919) % size for n in range(1500)]
    gets = [load.request("GET", f"/v1/invoices/external:invoice-{n}", head) for n in numbers]
    posts = [
        load.request("POST", "/v1/invoices", head, msgspec.json.encode(invoice_body(n, 1200)))
        for n in numbers
    ]
    return {
        "first page": median(page(0)),
        "last page": median(page(size - 500)),
        "middle page": median(page(size // 2 - 250)),
        "get": median(gets),
        "upsert": median(posts),
    }


def expect(result: load.Result, *statuses: int) -> None:
    """A bench of refused requests measures nothing."""
    if set(result.statuses) - set(statuses):
        raise SystemExit(f"unexpected answers: {result.statuses}")


@contextlib.contextmanager
def bare_process(database: str) -> Iterator[str]:
    """The yardstick in a process of its own; gives its origin."""
    script = str(Path(__file__).parent / "baseline_hub.py")
    command = [sys.executable, script, database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("listening on ")
        finally:
            process.kill()


if __name__ == "__main__":
    main()
