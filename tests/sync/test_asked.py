"""What was asked and not answered: the API may have done it or not, and ends as the source is."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from desk import Desk, HubDesk
from rewound import Rewound, filled
from shop import Shop

from headrace.model.errors import Unreachable
from headrace.sync.planning.plan import Plan
from headrace.sync.remote.drift import DriftReport
from headrace.testkit.hub import RunningHub, hub_process, make_keys

LOST = {"kind": "reply-lost"}
"""The hub carries out the request; nobody hears of it."""
CLOSED = {"kind": "reset"}
"""The request does not get through; nobody knows."""


class Lost:
    """A shop with a customer and an invoice, and one request whose answer gets lost."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        self.shop = shop
        self.desk = desk

    def lose(self, on: str, fault: dict[str, str]) -> None:
        """An apply without patience, in which the first request that `on` names gets no answer."""
        hit = {**fault, "on": on}
        with self.desk.hub.faults(hit, organisation=self.desk.name) as script:
            _, outcome = self.desk.apply(patience=0.0)
            assert outcome.failed and script.done

    def end(self) -> list[str]:
        """What one apply sends until nothing is left to do; nothing that nobody knows is there."""
        before = len(self.desk.writes())
        with self.desk.open() as organisation:
            asyncio.run(organisation.prepare())
            outcome = asyncio.run(organisation.apply(organisation.plan(), "apply"))
            assert outcome.rejected == outcome.held == 0
            writes = self.desk.writes(before)
            organisation.compare()
            plan = organisation.plan()
            proof = asyncio.run(organisation.remote.reconcile())
            drift = asyncio.run(organisation.remote.drift())
        assert plan.empty and not plan.held and plan.drifted == [], (plan.counts, plan.held)
        assert proof.balanced, (proof.differences, proof.statements)
        assert_no_orphans(drift)
        return [f"{one.method} {one.external_id}" for one in writes]


def prove_no_orphans(desk: Desk) -> Plan:
    """The API holds what the book holds, and nothing else; what there is to do."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.plan()
        assert_no_orphans(asyncio.run(organisation.remote.drift()))
        return plan


def assert_no_orphans(drift: DriftReport) -> None:
    assert drift.empty and not drift.strangers, (drift, drift.strangers)


def _fill(shop: Shop) -> None:
    shop.customer("C")
    shop.invoice("I", "C", 1000)


@pytest.fixture
def lost(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> Lost:
    shop = Shop(tmp_path / "shop")
    _fill(shop)
    return Lost(shop, new_desk(shop.folder))


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("asked"), open_hub, "asked", _fill)


@pytest.fixture
def arrived(tmp_path: Path, in_step: Rewound) -> Iterator[Lost]:
    """The same, in step."""
    with in_step.pair(tmp_path / "shop") as pair:
        yield Lost(pair.shop, pair.desk)


@pytest.mark.parametrize("fault", [LOST, CLOSED], ids=["carried out", "not carried out"])
class TestTakenBack:
    """The source takes back what was asked for before the next run."""

    def test_a_new_invoice_that_is_gone_is_deleted(self, lost: Lost, fault: dict[str, str]) -> None:
        lost.lose("POST /invoices", fault)
        lost.shop.run("delete from invoices")
        assert lost.end() == ["DELETE I"]

    def test_a_change_that_is_reverted_is_sent(self, arrived: Lost, fault: dict[str, str]) -> None:
        lost = arrived
        lost.shop.run("update invoices set gross_amount = 900, net_amount = 900, name = 'Extra'")
        lost.lose("POST /invoices", fault)
        lost.shop.run("update invoices set gross_amount = 1000, net_amount = 1000, name = null")
        assert lost.end() == ["POST I"]
        assert not lost.desk.get("/invoices/external:I").get("name")

    def test_a_deletion_that_is_reverted_is_sent(
        self, arrived: Lost, fault: dict[str, str]
    ) -> None:
        lost = arrived
        lost.shop.run("create table old as select * from invoices")
        lost.shop.run("delete from invoices")
        lost.lose("DELETE /invoices/{}", fault)
        lost.shop.run("insert into invoices select * from old")
        assert lost.end() == ["POST I"]

    def test_a_new_customer_with_a_changed_one_s_fields_loses_them(
        self, lost: Lost, fault: dict[str, str]
    ) -> None:
        lost.shop.run("update customers set vat_number = 'FR1'")
        lost.lose("POST /customers", fault)
        lost.shop.run("update customers set vat_number = null")
        assert lost.end() == ["POST C", "POST I"]
        assert not lost.desk.get("/customers/external:C").get("vatNumber")


@pytest.mark.parametrize("keep", ["true", "false"])
def test_what_was_asked_for_with_a_field_that_is_gone_is_sent_without(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], keep: str
) -> None:
    shop = Shop(tmp_path / "shop", more=f"keep_payloads = {keep}")
    _fill(shop)
    lost = Lost(shop, new_desk(shop.folder))
    shop.run("update invoices set name = 'Extra'")
    lost.lose("POST /invoices", LOST)
    assert lost.desk.get("/invoices/external:I")["name"] == "Extra"
    shop.run("update invoices set name = null")
    assert lost.end() == ["POST I"]
    assert not lost.desk.get("/invoices/external:I").get("name")
    shop.run("update invoices set gross_amount = 900, net_amount = 900, name = 'Extra'")
    lost.lose("POST /invoices", LOST)
    shop.run("update invoices set name = null")
    assert lost.end() == ["POST I"]
    assert not lost.desk.get("/invoices/external:I").get("name")


def test_a_plan_says_what_was_asked(arrived: Lost) -> None:
    lost = arrived
    lost.shop.run("update invoices set name = 'Extra'")
    lost.lose("POST /invoices", LOST)
    lost.shop.run("update invoices set name = null")
    shown = lost.desk.command("plan", "--diff").stdout
    assert "changed invoice I" in shown and "asked for at 20" in shown, shown
    assert "no answer seen" in shown


def test_what_was_asked_and_is_in_error_now_waits(lost: Lost) -> None:
    lost.lose("POST /invoices", LOST)
    lost.shop.run("update invoices set due_date = 'soon'")
    _, outcome = lost.desk.apply()
    assert outcome.sent == 0
    lost.shop.run("update invoices set due_date = '2026-06-01'")
    assert lost.end() == ["POST I"]


def test_a_request_that_never_left_asked_for_nothing(lost: Lost) -> None:
    lost.desk.environment["HEADRACE_URL"] = "http://127.0.0.1:9/v1"
    with pytest.raises(Unreachable):
        lost.desk.apply(patience=0.0)
    with lost.desk.open() as organisation:
        assert organisation.journal.asked() == {}


class Ledger:
    """Customers with invoices and payments, which go on changing while applies are killed."""

    def __init__(self, shop: Shop, random: Random, customers: int) -> None:
        self.shop = shop
        self._random = random
        self._number = 0
        self.names: set[str] = set()
        for _ in range(customers):
            self._open()

    def _open(self) -> None:
        self._number += 1
        name = f"C{self._number}"
        self.names.add(name)
        self.shop.customer(name)
        for number in range(3):
            self.shop.invoice(f"{name}-I{number}", name, 1000)
        self.shop.payment(f"{name}-P", name, 1500, {f"{name}-I0": 1000, f"{name}-I1": 500})

    def move(self, count: int) -> set[str]:
        """So many customers come, go or change, with all that is theirs; which ones."""
        chosen = self._random.sample(sorted(self.names), count)
        for name in chosen:
            kind = self._random.randrange(4)
            if kind == 0:
                self._leave(name)
            elif kind == 1:
                self.shop.run(f"delete from payments where external_id = '{name}-P'")
                self.shop.run(f"delete from allocations where from_external_id = '{name}-P'")
            else:
                self._number += 1
                self.shop.run(
                    "update invoices set gross_amount = gross_amount + ?, "
                    f"name = ? where customer_external_id = '{name}'",
                    self._number,
                    f"Version {self._number}" if kind == 2 else None,
                )
        for _ in range(count // 4):
            self._open()
        return {*chosen, *sorted(self.names)[-1:]} | {f"C{self._number}"}

    def _leave(self, name: str) -> None:
        self.names.discard(name)
        self.shop.run(f"delete from allocations where from_external_id like '{name}-%'")
        for table in ("payments", "invoices"):
            self.shop.run(f"delete from {table} where customer_external_id = '{name}'")
        self.shop.run(f"delete from customers where external_id = '{name}'")

    def take_back(self, names: set[str], before: Path) -> None:
        """Half of these customers are again as they were in a copy of the database."""
        old = sqlite3.connect(before)
        for name in sorted(names):
            if self._random.random() < 0.5:
                self._leave(name)
                for table, where in (
                    ("customers", f"external_id = '{name}'"),
                    ("invoices", f"customer_external_id = '{name}'"),
                    ("payments", f"customer_external_id = '{name}'"),
                    ("allocations", f"from_external_id like '{name}-%'"),
                ):
                    for row in old.execute(f"select * from {table} where {where}"):
                        marks = ", ".join("?" * len(row))
                        self.shop.run(f"insert into {table} values ({marks})", *row)
                if old.execute("select 1 from customers where external_id = ?", (name,)).fetchone():
                    self.names.add(name)
        old.close()


def end_by_kill(process: subprocess.Popen[str]) -> None:
    process.kill()


def end_by_interrupts(process: subprocess.Popen[str]) -> None:
    """Ctrl-C for a gentle end, and again while that is under way."""
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.002)


@pytest.mark.parametrize(
    "end", [end_by_kill, end_by_interrupts], ids=["killed", "interrupted twice"]
)
@pytest.mark.parametrize("ends", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_applies_are_cut_off_while_the_source_goes_on_and_takes_back(
    tmp_path: Path, ends: int, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    random = Random(ends)
    log = tmp_path / "requests.jsonl"
    with hub_process(tmp_path / "hub", "off", log) as hub:
        pair = make_keys(hub.data, "cut-off")
        shop = Shop(tmp_path / "shop")
        ledger = Ledger(shop, random, 25 if ends == 3 else 40)
        desk = Desk(shop.folder, hub.url, pair.key, pair.secret)
        desk.apply()
        for _ in range(ends):
            before = tmp_path / "before.db"
            shutil.copy(shop.folder / "shop.db", before)
            moved = ledger.move(12)
            answered = log.read_bytes().count(b"\n")
            command = desk.start("apply", "--force")
            goal = answered + random.randint(1, 25)
            while log.read_bytes().count(b"\n") < goal and command.process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    command.process.wait(0.001)
            end(command.process)
            command.communicated()
            ledger.take_back(moved, before)
            if random.random() < 0.5:
                desk.apply()
                prove_no_orphans(desk)
        desk.apply()
        assert prove_no_orphans(desk).empty
        shop.close()
