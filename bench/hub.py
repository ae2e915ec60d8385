"""The hub's bars: each line is a ratio with both figures behind it.

    python bench/hub.py            quick: 10,000 against 60,000 invoices
    python bench/hub.py --full     against 1,000,000 invoices

- requests: 16 clients, durable, limits on: upsert of an invoice and GET by id, against the bare
  endpoint of baseline_hub.py; at least 0.5.
- size: a large database against one of 10,000 invoices: first and last page of 500, single
  requests, memory of the process.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.customer import Customer
from headrace.model.entity import INVOICE
from headrace.model.invoice import Invoice
from headrace.model.reference import external
from headrace.server.run import DATABASE
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.customers import import_customer
from headrace.store.documents import import_document
from headrace.store.organisations import find_organisation
from headrace.store.sqlite import connect, transact
from headrace.testkit.hub import HubProcess, hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parent))

import load

CLIENTS = 16
ROUNDS = 3
ORGANISATIONS = ("one", "two")
"""Two, since one may have 10 requests at a time only."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="with 1,000,000 invoices")
    parser.add_argument("--part", choices=("requests", "size"), help="only this one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-hub-") as folder:
        if arguments.part != "size":
            bench_requests(Path(folder), 4_000 if arguments.full else 2_000)
        if arguments.part != "requests":
            bench_size(Path(folder), 1_000_000 if arguments.full else 60_000)


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
    """Upsert and GET, alternating rounds of the bare endpoint and the hub; best rate of each."""
    data = folder / "requests"
    with hub_process(data, limits="100000000") as hub, bare_process(folder / "bare.db") as bare:
        heads = []
        for name in ORGANISATIONS:
            pair = make_keys(data, name)
            heads.append({"X-Api-Key": pair.key, "X-Api-Secret": pair.secret})
        for head in heads:
            customers = [
                load.request(
                    "POST",
                    "/v1/customers",
                    head,
                    msgspec.json.encode({"externalId": f"customer-{n}", "name": f"Customer {n}"}),
                )
                for n in range(100)
            ]
            expect(load.run(hub.origin, [customers]), 201)
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
        for kind in ("upsert", "get"):
            ours, theirs = best["hub", kind], best["bare", kind]
            print(
                f"{kind}: {ours.rate / theirs.rate:.2f} x bare (bar: 0.5) = "
                f"{ours.rate:,.0f} / {theirs.rate:,.0f} requests a second, {CLIENTS} clients, "
                f"durable; p50 {ours.percentile(0.5):.2f} ms, p99 {ours.percentile(0.99):.2f} ms"
            )


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
def bare_process(database: Path) -> Iterator[str]:
    """The yardstick in a process of its own; gives its origin."""
    script = str(Path(__file__).parent / "baseline_hub.py")
    command = [sys.executable, script, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("listening on ")
        finally:
            process.kill()


if __name__ == "__main__":
    main()
