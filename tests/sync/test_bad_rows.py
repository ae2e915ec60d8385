"""Bad rows: each is named with its remedy, the good ones arrive, mended ones follow alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk, execute, prove_in_step, sent
from shop import Shop

from headrace.testkit.billing import bad_rows, generate, write_project

N = 900_000_000
WORDS = {
    "no e-mail": "no e-mail address",
    "unknown parent": "parent",
    "cycle of parents": "parent",
    "unknown currency": "XXQ",
    "due before issued": "due",
    "text where a number belongs": "gross_amount",
    "duplicate external id": "stands 2 times",
    "allocation over the amount": "over its",
}
MENDING = (
    f"update people set mail = 'mended@client.test' where person_id = {N}",
    f"update clients set parent_no = null where client_no > {N}",
    f"update bills set currency = 'EUR' where bill_id = {N + 1}",
    f"update bills set due = '2026-12-31' where bill_id = {N + 2}",
    f"update bills set total = '100.00' where bill_id = {N + 3}",
    f"delete from bills where rowid = (select max(rowid) from bills where bill_id = {N + 4})",
    f"update applied set amount = '10.00' where source_id = {N}",
)
MENDED = {
    ("customer", str(N)),
    *(("invoice", str(N + n)) for n in (1, 2, 3, 4)),
    ("payment", str(N)),
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    path = tmp_path_factory.mktemp("bad") / "billing.db"
    return path, generate(path, records=100, seed=6).requests


def test_bad_rows_from_check_to_the_last_mended_one(
    counted: tuple[Path, int], tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    database, good = counted
    flaws = bad_rows(database)
    desk = new_desk(write_project(tmp_path / "project", database, rate=10**6))

    for words in (("check", "--json"), ("plan", "--json")):
        done = desk.command(*words)
        assert (done.returncode, done.stderr) == (3, "")
        (report,) = json.loads(done.stdout)
        problems = {(p["entity"], p["external_id"]): p for p in report["problems"]}
        for flaw in flaws:
            problem = problems.pop((flaw.entity, flaw.external_id))
            assert WORDS[flaw.problem] in problem["problem"], problem
            assert len(problem["remedy"].split()) >= 3, problem
        assert [p for p in problems.values() if p["severity"] == "error"] == []

    text = desk.command("check").stdout
    for flaw in flaws:
        (line,) = [
            line for line in text.splitlines() if f": {flaw.entity} {flaw.external_id} " in line
        ]
        assert line.strip().startswith(("error: ", "warning: ")) and "; " in line

    done = desk.command("apply")
    assert done.returncode == 3, done.stdout
    assert "Withheld: 3 invoices, 1 link" in done.stdout
    # The customers, the invoice that is due too early, and the payment without its link are among
    # the good ones.
    assert len(desk.writes()) == good + 7
    keys = sent(desk.writes())
    flawed = {key for key in keys if key[1].startswith("90000000")}
    assert {int(external_id) - N for _, external_id in flawed} == {0, 1, 2, 3}
    assert not keys.keys() & {("invoice", str(N + n)) for n in (1, 3, 4)}
    assert {record.status for record in desk.writes()} == {201}

    before = len(desk.writes())
    execute(database, *MENDING)
    done = desk.command("apply")
    assert done.returncode == 0, done.stdout
    assert sent(desk.writes(before)) == dict.fromkeys(MENDED, 1)
    prove_in_step(desk)


_WITHOUT_ID = (
    "insert into customers (name) values (null)",
    "insert into customers (name, parent_external_id) values ('one', 'nobody')",
    "insert into customers (name, parent_external_id) values ('two', 'C')",
    "insert into invoices (customer_external_id, currency, gross_amount) values ('no', 'X', -5)",
    "insert into credit_notes (customer_external_id, currency) values ('no', 'XXQ')",
    "insert into payments (customer_external_id, currency, amount) values ('C', 'XXQ', 5)",
    "insert into payments (customer_external_id, currency, amount) values ('no', 'EUR', -5)",
    "insert into refunds (external_id, customer_external_id) values (' ', 'no')",
    "insert into allocations (from_entity, amount) values ('payment', 5)",
    "insert into allocations values ('payment', 'Q', 'invoice', null, 5)",
    "insert into allocations values ('payment', null, 'invoice', 'I', 5)",
    "insert into adjustments (customer_external_id, amount) values ('no', 5)",
    "insert into settlements (invoice_external_id, kind, amount) values ('I', 'oops', 5000)",
    "insert into settlements (invoice_external_id, kind, amount) values ('no', 'bank_fee', 5)",
)


def test_rows_without_an_id_that_are_wrong_otherwise_stop_no_others(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    for statement in _WITHOUT_ID:
        shop.run(statement)
    # Of each kind, one with an id is in error as well.
    shop.payment("P", "C", 500, {"I": 500})
    shop.run("update payments set currency = 'XXQ' where external_id = 'P'")
    shop.invoice("J", "nobody", 1000)
    shop.customer("D", "nobody")
    shop.payment("Q", "C", 500, {"I": 500})
    desk = new_desk(shop.folder)
    for words in (("check", "--json"), ("plan", "--json"), ("apply", "--json")):
        done = desk.command(*words)
        assert done.returncode == 3, done.stdout + done.stderr
    assert sent(desk.writes()) == dict.fromkeys(
        (("customer", "C"), ("customer", "D"), ("invoice", "I"), ("payment", "Q")), 1
    )
    assert desk.get("/invoices/external:I")["amountOutstanding"] == 500
    plan = desk.plan()
    assert plan.empty and plan.desired == {"customer": 2, "invoice": 1, "payment": 1}
    without = {problem.entity for problem in plan.problems if "?" in problem.external_id}
    assert without >= {"customer", "invoice", "credit_note", "payment", "refund", "settlement"}
    assert [problem for problem in plan.problems if problem.external_id is None] == []
    # A person finds their rows by what else they have.
    found = {one.entity: one.problem for one in plan.problems if "no external_id" in one.problem}
    assert found["refund"].endswith("has no external_id; its row has customer_external_id no")
    proved = desk.command("reconcile")
    assert proved.returncode == 9 and "None" not in proved.stdout
    assert "not in the API: has no external_id" in proved.stdout
    # They are gone with their rows.
    for table in ("customers", "invoices", "credit_notes", "payments", "refunds"):
        shop.run(f"delete from {table} where trim(coalesce(external_id, '')) = ''")
    for table in ("adjustments", "settlements"):
        shop.run(f"delete from {table}")
    shop.run("delete from allocations where from_external_id is null or to_external_id is null")
    problems = desk.plan().problems
    assert {one.external_id for one in problems if one.entity != "link"} == {"P", "J", "D"}
