"""`headrace collected`: what Upflow collected, for people, programs, tables and webhooks."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
from desk import query
from pair import Pair
from rewound import Rewound, filled
from shop import Shop

from headrace.testkit.hub import RunningHub

SELECT = "select id, customer, currency, amount, day, reference, state from upflow_collected"


def _owing(shop: Shop) -> None:
    shop.customer("C1")
    shop.invoice("I1", "C1", 10000)


@pytest.fixture(scope="module")
def owing(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("owing"), open_hub, "collected", _owing)


@pytest.fixture
def till(owing: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with owing.pair(tmp_path / "shop") as pair:
        yield pair


@pytest.fixture(scope="module")
def same_till(shared_pair: Pair) -> Pair:
    """For tests that only add to what was collected, or nothing."""
    _owing(shared_pair.shop)
    shared_pair.desk.apply()
    return shared_pair


def _collect(till: Pair, amount: int, **fields: Any) -> str:
    given = {"validatedAt": "2026-05-05", "refNumber": f"pi_{amount}", **fields}
    return str(till.desk.hub.collect("C1", amount, organisation=till.desk.name, **given)["id"])


def test_a_person_sees_who_paid_what_and_for_which_invoice(till: Pair) -> None:
    id = _collect(till, 2000, settles={"I1": 2000})
    done = till.desk.command("collected")
    assert done.returncode == 0
    assert "1 record not booked yet" in done.stdout
    for text in ("2026-05-05", "C1 Customer C1", "EUR 20.00", "CARD", "pi_2000", "I1", id):
        assert text in done.stdout


def test_a_program_reads_json_and_a_spreadsheet_csv(till: Pair) -> None:
    id = _collect(till, 2000, settles={"I1": 1500})
    back = till.desk.hub.fail(id, organisation=till.desk.name, validatedAt="2026-05-09")["id"]
    file = till.desk.folder / "out.csv"
    done = till.desk.command("collected", "--json", "--csv", str(file))
    ((one,),) = (json.loads(done.stdout),)
    assert one["organisation"] == "shop"
    assert [(row["entity"], row["id"], row["amount"]) for row in one["collected"]] == [
        ("refund", back, 2000),
        ("payment", id, 2000),
    ]
    assert one["collected"][0]["links"][0]["id"] == id
    with file.open(encoding="utf-8", newline="") as content:
        rows = list(csv.DictReader(content))
    assert [(row["entity"], row["amount"], row["currency"]) for row in rows] == [
        ("refund", "20.00", "EUR"),
        ("payment", "20.00", "EUR"),
    ]


def test_since_takes_what_came_after_and_reads_only_that(till: Pair) -> None:
    _collect(till, 1000)
    assert till.desk.command("collected", "--since", "1h", "--json").returncode == 0
    start = len(till.desk.log())
    done = till.desk.command("collected", "list", "--since", "1h", "--json")
    assert [row["amount"] for row in json.loads(done.stdout)[0]["collected"]] == [1000]
    assert len(till.desk.log()) - start == 2
    done = till.desk.command("collected", "--since", "2099-01-01", "--json")
    assert json.loads(done.stdout)[0]["collected"] == []
    done = till.desk.command("collected", "--since", "soon")
    assert done.returncode == 6 and "neither a day" in done.stderr


def test_a_table_of_the_sources_database_is_kept_in_step(till: Pair) -> None:
    first, second = _collect(till, 1000), _collect(till, 2000)
    for _ in range(2):
        assert till.desk.command("collected", "--into", "upflow_collected").returncode == 0
    database = till.desk.folder / "shop.db"
    assert sorted(query(database, SELECT), key=str) == sorted(
        [
            (first, "C1", "EUR", 1000, "2026-05-05", "pi_1000", "collected"),
            (second, "C1", "EUR", 2000, "2026-05-05", "pi_2000", "collected"),
        ],
        key=str,
    )
    till.shop.payment("P1", "C1", 1000)
    till.desk.apply()
    assert till.desk.command("collected", "--into", "upflow_collected").returncode == 0
    assert dict(query(database, "select id, state from upflow_collected")) == {
        first: "gone",
        second: "collected",
    }


def test_a_table_of_another_database_is_named_by_its_url(
    till: Pair, postgres_database: str
) -> None:
    id = _collect(till, 1000)
    till.desk.environment["PORTAL"] = f"{postgres_database}#portal"
    for into in ("sqlite:///other.db#portal", "env:PORTAL"):
        done = till.desk.command("collected", "--into", into)
        assert done.returncode == 0, done.stderr
    assert query(till.desk.folder / "other.db", "select id, amount from portal") == [(id, 1000)]
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("select id, amount from portal").fetchall() == [(id, 1000)]


@pytest.mark.parametrize(
    ("into", "said"),
    [
        ("mysql://x/y", "--into needs a table"),
        ("drop table", "is not a valid name for a table"),
        ("sqlite:///nowhere/x.db", "there is no folder"),
        ("invoices", "can't be written"),
        ("env:NOT_SET", "NOT_SET"),
    ],
)
def test_what_is_no_place_for_it_is_said_and_nothing_else_is_touched(
    same_till: Pair, into: str, said: str
) -> None:
    _collect(same_till, 1000)
    before = query(same_till.desk.folder / "shop.db", "select * from invoices")
    done = same_till.desk.command("collected", "--into", into)
    assert done.returncode == 6 and said in done.stderr
    assert query(same_till.desk.folder / "shop.db", "select * from invoices") == before


@contextmanager
def _webhook(status: int) -> Iterator[tuple[str, list[Any]]]:
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/take?token=secret", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_is_sent_all_of_it(till: Pair) -> None:
    id = _collect(till, 1000)
    with _webhook(204) as (url, taken):
        assert till.desk.command("collected", "--into", url).returncode == 0
    (document,) = taken
    assert document["organisation"] == "shop"
    assert [(one["id"], one["amount"]) for one in document["collected"]] == [(id, 1000)]


def test_a_webhook_that_does_not_take_it_is_an_error_without_its_address(same_till: Pair) -> None:
    with _webhook(503) as (url, _):
        done = same_till.desk.command("collected", "--into", url)
    assert done.returncode == 5 and "answered 503" in done.stderr
    done = same_till.desk.command("collected", "--into", url)
    assert done.returncode == 5 and "can't be reached" in done.stderr
    assert "secret" not in done.stderr


def test_what_is_no_record_can_not_be_accepted(same_till: Pair) -> None:
    done = same_till.desk.command("collected", "accept", "P1", "some-id")
    assert done.returncode == 6 and "P1 is no record" in done.stderr
