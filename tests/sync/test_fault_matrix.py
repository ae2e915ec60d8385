"""Each trouble is announced by exactly one message, and its end by another one.

The hub, the sources, the journal and the service that takes the messages are real.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator

import pytest
from receiver import Receiver, receiver
from watched import Watched

from headrace.testkit.hub import RunningHub

CUSTOMERS = 12
Fault = Callable[[Watched], Iterator[None]]
"""Brings the trouble about; what follows its `yield` mends it."""


@pytest.fixture(scope="module")
def service() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub, service: Receiver
) -> Iterator[Watched]:
    """An organisation in step, which each test leaves as it found it."""
    made = Watched(tmp_path_factory.mktemp("faults") / "shop", open_hub, "faults", service)
    for number in range(CUSTOMERS):
        made.shop.customer(f"C{number}")
        made.shop.invoice(f"I{number}", f"C{number}", 1000)
    assert made.sync().error is None
    made.pass_time(60)
    assert service.take() == []
    yield made
    made.shop.close()


def change(world: Watched) -> None:
    """Something to send, so that a round speaks with the API."""
    world.shop.run("update customers set name = name || '.' where external_id = 'C0'")


# the troubles --------------------------------------------------------------------------------


def source_gone(world: Watched) -> Iterator[None]:
    path = world.desk.folder / "shop.db"
    path.rename(path.with_suffix(".away"))
    world.sync()
    world.pass_time(15 * 60)
    yield
    path.with_suffix(".away").rename(path)


def source_damaged(world: Watched) -> Iterator[None]:
    path = world.desk.folder / "shop.db"
    content = path.read_bytes()
    path.write_bytes(b"junk" * 3000)
    world.sync()
    world.pass_time(15 * 60)
    yield
    path.write_bytes(content)


def table_gone(world: Watched) -> Iterator[None]:
    world.shop.run("alter table invoices rename to elsewhere")
    for _ in range(2):
        world.sync()
    yield
    world.shop.run("alter table elsewhere rename to invoices")


def api_away(world: Watched) -> Iterator[None]:
    url = world.desk.environment["HEADRACE_URL"]
    change(world)
    world.desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    world.sync()
    world.pass_time(15 * 60)
    yield
    world.desk.environment["HEADRACE_URL"] = url


def at_the_api(*faults: dict[str, object]) -> Fault:
    def hurt(world: Watched) -> Iterator[None]:
        change(world)
        with world.desk.hub.faults(*faults, organisation=world.desk.name):
            world.sync()
            world.pass_time(15 * 60)
            yield

    return hurt


def key_revoked(world: Watched) -> Iterator[None]:
    secret = world.desk.environment["HEADRACE_SECRET"]
    change(world)
    world.desk.environment["HEADRACE_SECRET"] = "x" * 43
    world.sync()
    yield
    world.desk.environment["HEADRACE_SECRET"] = secret


def key_missing(world: Watched) -> Iterator[None]:
    secret = world.desk.environment.pop("HEADRACE_SECRET")
    for _ in range(2):
        world.sync()
    yield
    world.desk.environment["HEADRACE_SECRET"] = secret


def another_organisation(world: Watched) -> Iterator[None]:
    before = dict(world.desk.environment)
    pair = world.desk.hub.add_organisation("faults-other")
    world.desk.environment |= {"HEADRACE_KEY": pair.key, "HEADRACE_SECRET": pair.secret}
    change(world)
    world.sync()
    yield
    world.desk.environment.update(before)


def model_broken(world: Watched) -> Iterator[None]:
    folder = world.desk.folder / "models"
    folder.mkdir()
    (folder / "customers.sql").write_text("select nonsense from customers", "utf-8")
    for _ in range(2):
        world.sync()
    yield
    (folder / "customers.sql").unlink()
    folder.rmdir()


def plan_unsafe(world: Watched) -> Iterator[None]:
    world.shop.run("update customers set name = 'x' || name")
    world.sync()
    yield
    world.shop.run("update customers set name = substr(name, 2)")


def source_empty(world: Watched) -> Iterator[None]:
    for table in ("customers", "invoices"):
        world.shop.run(f"create table kept_{table} as select * from {table}")
        world.shop.run(f"delete from {table}")
    world.sync()
    yield
    for table in ("customers", "invoices"):
        world.shop.run(f"insert into {table} select * from kept_{table}")
        world.shop.run(f"drop table kept_{table}")


def record_rejected(world: Watched) -> Iterator[None]:
    change(world)
    fault = {"kind": "status", "status": 400, "on": "POST /customers"}
    with world.desk.hub.faults(fault, organisation=world.desk.name):
        world.sync()
    yield
    change(world)


def record_withheld(world: Watched) -> Iterator[None]:
    world.shop.run("update invoices set currency = 'XYZ' where external_id = 'I1'")
    world.sync()
    yield
    world.shop.run("update invoices set currency = 'EUR' where external_id = 'I1'")


def balances_differ(world: Watched) -> Iterator[None]:
    world.configure('reconcile = "1m"')
    found = world.desk.get("/invoices/external:I1")
    body = {
        "externalId": "I1",
        "customId": found["customId"],
        "customer": {"externalId": "C1"},
        "currency": "EUR",
        "issuedAt": found["issuedAt"],
        "dueDate": found["dueDate"],
        "name": found["name"],
    }
    world.desk.post("/invoices", {**body, "grossAmount": 999, "netAmount": 999})
    world.sync()
    yield
    world.desk.post("/invoices", {**body, "grossAmount": 1000, "netAmount": 1000})
    world.pass_time(61)


def changes_wait(world: Watched) -> Iterator[None]:
    change(world)
    fault = {"kind": "status", "status": 500, "on": "POST /customers", "rate": 1.0}
    with world.desk.hub.faults(fault, organisation=world.desk.name):
        world.sync()
        world.pass_time(50 * 60)
        world.sync()
        world.pass_time(10 * 60)
        yield


def loop_silent(world: Watched) -> Iterator[None]:
    world.pass_time(60 * 60)
    yield


def round_stuck(world: Watched) -> Iterator[None]:
    change(world)
    other = sqlite3.connect(world.desk.folder / "shop.db", isolation_level=None)
    other.execute("begin exclusive")
    thread = threading.Thread(target=world.sync)
    began = threading.Event()
    started = world.watchman.began
    world.watchman.began = lambda name: (started(name), began.set())  # type: ignore[method-assign]
    thread.start()
    assert began.wait(10)
    world.watchman.began = started  # type: ignore[method-assign]
    world.pass_time(30 * 60)
    yield
    other.execute("rollback")
    other.close()
    thread.join()


def journal_damaged(world: Watched) -> Iterator[None]:
    path = world.desk.folder / ".headrace" / "shop" / "journal.db"
    with sqlite3.connect(path) as journal:
        journal.execute("pragma wal_checkpoint(truncate)")
    journal.close()
    content = path.read_bytes()
    path.write_bytes(b"junk" * 3000)
    world.sync()
    yield
    path.write_bytes(content)


def disk_in_the_way(world: Watched) -> Iterator[None]:
    folder = world.desk.folder / ".headrace" / "shop"
    aside = folder.with_name("aside")
    (folder / "cache.duckdb").rename(aside)
    (folder / "cache.duckdb").mkdir()
    change(world)
    for _ in range(2):
        world.sync()
    yield
    (folder / "cache.duckdb").rmdir()
    aside.rename(folder / "cache.duckdb")


def service_down(world: Watched) -> Iterator[None]:
    """The key is refused while the service that takes the messages is down as well."""
    world.receiver.refusing = 3
    revoked = key_revoked(world)
    next(revoked)
    world.pass_time(120)
    yield
    next(revoked, None)


MATRIX: list[tuple[Fault, str]] = [
    (source_gone, "the source can't be read"),
    (source_damaged, "the source can't be read"),
    (table_gone, "a plan is refused as unsafe"),
    (api_away, "the API can't be reached"),
    (at_the_api({"kind": "status", "status": 503, "rate": 1.0}), "the API can't be reached"),
    (at_the_api({"kind": "reset", "rate": 1.0}), "the API can't be reached"),
    (at_the_api({"kind": "html", "status": 200, "rate": 1.0}), "the API can't be reached"),
    (key_revoked, "the API refuses the key"),
    (key_missing, "rounds fail"),
    (
        another_organisation,
        "the API holds another organisation's data than the journal says",
    ),
    (model_broken, "rounds fail"),
    (plan_unsafe, "a plan is refused as unsafe"),
    (source_empty, "the source has far fewer records than before"),
    (record_rejected, "the API rejects records"),
    (record_withheld, "records with errors are withheld"),
    (balances_differ, "balances differ from the API's"),
    (changes_wait, "changes wait too long"),
    (loop_silent, "nothing was synced for too long"),
    (round_stuck, "a round makes no progress"),
    (journal_damaged, "the journal can't be used"),
    (disk_in_the_way, "rounds fail"),
    (service_down, "the API refuses the key"),
]


@pytest.mark.parametrize(
    ("hurt", "title"), MATRIX, ids=[f"{hurt.__name__}-{n}" for n, (hurt, _) in enumerate(MATRIX)]
)
def test_a_trouble_is_announced_once_within_a_minute_and_so_is_its_end(
    world: Watched, hurt: Fault, title: str
) -> None:
    trouble = hurt(world)
    next(trouble)
    try:
        world.pass_time(60)
        said = world.receiver.titles()
        assert said == [f"shop: {title}"]
        world.pass_time(600)
        assert world.receiver.titles() == [], "no second message"
    finally:
        next(trouble, None)
    world.pass_time(60)
    round = world.sync()
    assert round.error is None, round.error
    world.pass_time(60)
    assert world.receiver.titles() == [f"shop: over: {title}"]
    world.configure("")
    assert world.sync().error is None
    world.pass_time(60)
    assert world.receiver.titles() == []
